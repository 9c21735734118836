"""When sources are due: on a grid, without drift, without overlap. Pure, so the clock is a number."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.sharding import request_of
from monitor_fleet.schedule import TAKEOVER_MS, Schedule, first_due, grid_after

NOW_MS = 1_795_000_000_123
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def a_request(number: int, **fields: str) -> int:
    """Give the number of a request."""
    return request_of(
        url=f"https://feed.example/{number}", headers=fields, secret_id=None, auth=("header", "X-API-Key")
    )


A = a_request(1)


@settings(deadline=None)
@given(st.integers(0, 2**128 - 1), st.integers(1, 86_400), st.integers(NOW_MS - DAY_MS, NOW_MS + DAY_MS))
def test_the_next_due_time_is_the_first_of_the_grid_after_now(request: int, interval_s: int, now_ms: int):
    """Whoever asks, and whenever: the same grid, nothing skipped, nothing twice."""
    interval_ms = interval_s * 1_000
    due_ms = grid_after(request, interval_ms, now_ms)
    assert now_ms < due_ms <= now_ms + interval_ms
    assert (due_ms - request) % interval_ms == 0


@settings(deadline=None)
@given(st.integers(0, 2**128 - 1), st.integers(1, 86_400), st.integers(-DAY_MS, 0), st.integers(0, 2 * DAY_MS))
def test_a_new_owner_is_never_late_by_more_than_one_interval(request: int, interval_s: int, through: int, later: int):
    """Of what its predecessor left unserved it makes up for one due time at most, and for none that was served."""
    interval_ms, now_ms = interval_s * 1_000, NOW_MS
    due_ms = first_due(request, interval_ms, now_ms=now_ms, through_ms=now_ms + through)
    assert now_ms - interval_ms < due_ms <= now_ms + interval_ms
    assert due_ms > now_ms + through
    assert (due_ms - request) % interval_ms == 0
    assert first_due(request, interval_ms, now_ms=due_ms + later, through_ms=due_ms) > due_ms


def test_intervals_that_divide_each_other_meet():
    """One fetch serves a source each 10 s and one each 60 s whenever both are due."""
    due_ms = grid_after(A, MINUTE_MS, NOW_MS)
    assert grid_after(A, 10_000, due_ms - 1) == due_ms
    assert grid_after(A, 1_000, due_ms - 1) == due_ms


def test_only_the_same_request_has_the_same_number():
    """Another header may be another answer; the order and the case of names are no difference."""
    assert a_request(1, a="1", b="2") == a_request(1, B="2", A="1")
    assert len({A, a_request(2), a_request(1, a="1"), a_request(1, a="2")}) == 4
    keyed = [
        request_of(url="u", headers={}, secret_id=secret, auth=auth)
        for secret, auth in [
            (None, ("query", "k")),
            ("s", ("query", "k")),
            ("s", ("header", "k")),
            ("t", ("query", "k")),
        ]
    ]
    assert len(set(keyed)) == 4


def test_due_times_are_a_grid_that_no_restart_moves():
    """The phase is a hash of the id, on the wall clock."""
    due = grid_after(A, MINUTE_MS, NOW_MS)
    assert NOW_MS < due <= NOW_MS + MINUTE_MS
    assert due % MINUTE_MS == A % MINUTE_MS
    assert grid_after(A, MINUTE_MS, due) == due + MINUTE_MS
    assert grid_after(A, MINUTE_MS, due - 1) == due


def test_sources_spread_over_their_interval():
    """10,000 sources at 60 s: no second has much more than its share."""
    seconds = Counter(grid_after(a_request(number), MINUTE_MS, NOW_MS) // 1_000 for number in range(10_000))
    assert max(seconds.values()) / (10_000 / 60) <= 1.35


def test_a_new_owner_begins_where_the_last_one_ended():
    """Nothing that was due until `through` is polled again, and the first due time after it is not skipped."""
    last = grid_after(A, 5_000, NOW_MS)
    assert first_due(A, 5_000, now_ms=last + 400, through_ms=last) == last + 5_000
    assert first_due(A, 5_000, now_ms=last + 400, through_ms=last - 1) == last
    assert first_due(A, 1_000, now_ms=last + 9_400, through_ms=0) == grid_after(A, 1_000, last + 8_400)


def test_a_takeover_makes_up_for_what_a_dead_worker_may_have_missed():
    """But an old `through` does not call for a burst of all that was due since."""
    day_ms = 24 * 60 * MINUTE_MS
    due = grid_after(A, day_ms, NOW_MS)
    assert first_due(A, day_ms, now_ms=due + 8_000, through_ms=0) == due
    assert first_due(A, day_ms, now_ms=due + TAKEOVER_MS + 1, through_ms=0) == due + day_ms


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
