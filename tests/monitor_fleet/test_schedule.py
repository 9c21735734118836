"""When sources are due: on a grid, without drift, without overlap. Pure, so the clock is a number."""

import random
from collections import Counter

from contracts.sharding import phase_ms
from monitor_fleet.admission import Admission
from monitor_fleet.backoff import BACKOFF_MAX_MS, source_wait_ms
from monitor_fleet.schedule import TAKEOVER_MS, Schedule, first_due, grid_after

NOW_MS = 1_795_000_000_123
MINUTE_MS = 60_000


def test_due_times_are_a_grid_that_no_restart_moves():
    """The phase is a hash of the id, on the wall clock."""
    due = grid_after("external-1", MINUTE_MS, NOW_MS)
    assert NOW_MS < due <= NOW_MS + MINUTE_MS
    assert due % MINUTE_MS == phase_ms("external-1", MINUTE_MS)
    assert grid_after("external-1", MINUTE_MS, due) == due + MINUTE_MS
    assert grid_after("external-1", MINUTE_MS, due - 1) == due


def test_sources_spread_over_their_interval():
    """10,000 sources at 60 s: no second has much more than its share."""
    seconds = Counter(grid_after(f"external-{number:08x}", MINUTE_MS, NOW_MS) // 1_000 for number in range(10_000))
    assert max(seconds.values()) / (10_000 / 60) <= 1.35


def test_a_new_owner_begins_where_the_last_one_ended():
    """Nothing that was due until `through` is polled again, and the first due time after it is not skipped."""
    last = grid_after("external-1", 5_000, NOW_MS)
    assert first_due("external-1", 5_000, now_ms=last + 400, through_ms=last) == last + 5_000
    assert first_due("external-1", 5_000, now_ms=last + 400, through_ms=last - 1) == last
    assert first_due("external-1", 1_000, now_ms=last + 9_400, through_ms=0) == grid_after(
        "external-1", 1_000, last + 8_400
    )


def test_a_takeover_makes_up_for_what_a_dead_worker_may_have_missed():
    """But an old `through` does not call for a burst of all that was due since."""
    day_ms = 24 * 60 * MINUTE_MS
    due = grid_after("external-1", day_ms, NOW_MS)
    assert first_due("external-1", day_ms, now_ms=due + 8_000, through_ms=0) == due
    assert first_due("external-1", day_ms, now_ms=due + TAKEOVER_MS + 1, through_ms=0) == due + day_ms


def test_turns_come_oldest_first_and_once():
    """Whoever takes a turn gives the next one, so polls of a source cannot overlap."""
    schedule = Schedule()
    for source_id, at_ms in (("c", 30), ("a", 10), ("b", 20)):
        schedule.set(source_id, at_ms)
    assert [due.source_id for due in schedule.take(25, limit=10)] == ["a", "b"]
    assert list(schedule.take(25, limit=10)) == []
    assert (schedule.next_ms(), schedule.overdue_ms(35)) == (30, 5)


def test_a_turn_that_was_moved_or_removed_does_not_come():
    """Entries stay in the heap; only the newest turn of a source counts."""
    schedule = Schedule()
    schedule.set("a", 10)
    schedule.set("a", 50)
    schedule.set("b", 20)
    schedule.remove("b")
    assert list(schedule.take(40, limit=10)) == []
    assert [due.at_ms for due in schedule.take(60, limit=10)] == [50]
    assert len(schedule) == 0


def test_a_take_is_bounded():
    """The loop has other work: a burst is begun in portions."""
    schedule = Schedule()
    for number in range(10):
        schedule.set(str(number), number)
    assert len(list(schedule.take(100, limit=4))) == 4
    assert len(schedule) == 6


def test_a_host_at_its_cap_makes_only_its_own_sources_wait():
    """One host that hangs must not starve the others."""
    admission: Admission[str] = Admission(in_flight_max=3, per_host_max=2)
    assert [admission.enter("slow", turn) for turn in "abc"] == [True, True, False]
    assert admission.enter("other", "d")
    assert not admission.enter("third", "e")
    assert sorted(admission.turns_waiting()) == ["c", "e"]
    assert admission.leave("other") == ["e"]  # slow is at its cap
    assert admission.leave("slow") == ["c"]
    assert admission.leave("third") == []
    assert admission.in_flight == 2


def test_everybody_who_waits_comes_in():
    """Random arrivals and departures: caps hold at each moment, and in the end nobody is left."""
    chance = random.Random(7)
    admission: Admission[tuple[str, int]] = Admission(in_flight_max=5, per_host_max=2)
    inside: list[tuple[str, int]] = []
    seen = 0
    for number in range(2_000):
        host = chance.choice("abcdefgh")
        if admission.enter(host, (host, number)):
            inside.append((host, number))
        while inside and chance.random() < 0.5:
            inside += admission.leave(inside.pop(chance.randrange(len(inside)))[0])
            seen += 1
        assert len(inside) == admission.in_flight <= 5
        assert max(Counter(host for host, _ in inside).values(), default=0) <= 2
    while inside:
        inside += admission.leave(inside.pop()[0])
        seen += 1
    assert seen == 2_000


def test_a_failing_source_is_asked_ever_less_often_but_never_given_up():
    """Jittered, at most a quarter of an hour, never more often than when it was well."""
    chance = random.Random(3)
    waits = [source_wait_ms(10_000, failures, None, chance) for failures in range(1, 10_000)]
    assert 10_000 <= waits[0] <= 20_000
    assert all(10_000 <= wait <= BACKOFF_MAX_MS for wait in waits)
    assert max(waits) > 0.9 * BACKOFF_MAX_MS
    assert len(set(waits[100:200])) > 90


def test_a_source_with_a_long_interval_keeps_it():
    """Trouble is no reason to ask more often than was asked for."""
    assert source_wait_ms(86_400_000, 5, None, random.Random(3)) == 86_400_000
