"""Who is dead, and when it must not be said."""

from contracts.table.fleet import DEAD, Worker
from monitor_fleet.liveness import DEAD_AFTER_S, MASS_EXTRA_S, Observer, are_many
from monitor_fleet.renewal import RENEW_EVERY_S, REQUEST_TIMEOUT_S, RIGHT_S


def looking(observer: Observer, beats: list[dict[str, int]], *, begin_s: float = 0.0, gap_s: float = 1.0) -> list[str]:
    """Look once for each roster (beats by worker); gives who is dead after the last."""
    dead: list[Worker] = []
    for number, roster in enumerate(beats):
        workers = [Worker(id=name, beat=beat) for name, beat in roster.items()]
        at_s = begin_s + number * gap_s
        observer.read(workers, began_s=at_s, ended_s=at_s)
        dead = observer.dead(workers)
    return [worker.id for worker in dead]


def test_a_right_ends_before_anybody_may_say_so():
    """With clocks that run 1 % apart, and a renewal and its time-out to spare."""
    assert RIGHT_S * 1.02 < DEAD_AFTER_S
    assert RIGHT_S >= 2 * RENEW_EVERY_S + REQUEST_TIMEOUT_S


def test_a_number_that_does_not_move_for_six_seconds_is_death():
    """Counted from when it was first seen, however old it was then."""
    assert looking(Observer(), [{"a": 5, "b": n} for n in range(6)]) == []
    assert looking(Observer(), [{"a": 5, "b": n} for n in range(7)]) == ["a"]


def test_a_number_that_moved_is_life():
    """Whatever its value."""
    assert looking(Observer(), [{"a": n // 3} for n in range(20)]) == []


def test_a_gap_between_reads_is_my_trouble():
    """A paused observer has seen nothing for itself."""
    observer = Observer()
    looking(observer, [{"a": 5}] * 3)

    assert looking(observer, [{"a": 5}], begin_s=20) == []
    assert looking(observer, [{"a": 5}] * 3, begin_s=21) == ["a"]


def test_a_failed_read_is_the_stores_trouble():
    """Heartbeats may have failed as well."""
    observer = Observer()
    looking(observer, [{"a": 5}] * 6)
    observer.failed()

    assert looking(observer, [{"a": 5}] * 3, begin_s=7) == []
    assert looking(observer, [{"a": 5}], begin_s=10) == ["a"]


def test_many_at_once_are_given_more_time():
    """More than 30 % silent looks like something they have in common."""
    beats = [{"a": 1, "b": 1, "c": n} for n in range(int(DEAD_AFTER_S + MASS_EXTRA_S) + 1)]

    assert looking(Observer(), beats[:-1]) == []
    assert looking(Observer(), beats) == ["a", "b"]


def test_one_is_never_many():
    """Nor is up to 30 %."""
    assert not are_many(1, of=1)
    assert not are_many(3, of=10)
    assert are_many(4, of=10)
    assert are_many(2, of=3)


def test_the_dead_die_once():
    """And do not count among those who are silent."""
    observer = Observer()
    workers = [Worker(id="a", state=DEAD), Worker(id="b", state=DEAD), Worker(id="c")]
    for at_s in range(8):
        observer.read(workers, began_s=at_s, ended_s=at_s)

    assert [worker.id for worker in observer.dead(workers)] == ["c"]


def test_the_next_verdict_is_known_ahead():
    """A look just then saves most of a second."""
    observer = Observer()
    looking(observer, [{"a": 1}, {"a": 1, "b": 1}])

    assert observer.verdict_at_s() == DEAD_AFTER_S


def test_who_fell_silent_within_one_heartbeat_fell_silent_together():
    """They are seen to fall one after another; judged one by one, a whole fleet would die without the longer wait."""
    beats = [{"a": 1, "b": 1 + (n > 0), "c": 1 + (n > 1), "d": n, "e": n} for n in range(9)]

    assert [looking(Observer(), beats[: n + 1]) for n in range(9)] == [[]] * 9


def test_a_heartbeat_that_stands_still_is_suspect():
    """Who looks seldom looks closely from then on."""
    observer = Observer()
    looking(observer, [{"a": 1, "b": 1}, {"a": 1, "b": 2}], gap_s=5.0)

    assert observer.suspects([Worker(id="a", beat=1)])
    assert not observer.suspects([Worker(id="b", beat=2), Worker(id="a", state=DEAD)])
