"""Whom a 429 means."""

from hypothesis import given
from hypothesis import strategies as st

from ws.pace import LANES_BACK, WINDOW_S, Meant, Pace

LANES = 64


def test_one_connection_refused_while_others_pass_is_that_clients_trouble():
    """However often, and however many others pass."""
    pace = Pace(LANES)
    for number in range(20):
        for _ in range(100):
            pace.passed()
        assert pace.refused("slow", number * 0.1) is Meant.CLIENT
    assert pace.lanes == LANES


def test_many_connections_refused_at_once_are_the_accounts_trouble():
    """From the second on, when they are more than a few of all; fewer then post at a time, once for each window."""
    pace = Pace(LANES)
    for _ in range(10):
        pace.passed()

    assert pace.refused("a", 0.0) is Meant.CLIENT
    assert [pace.refused(name, 0.01) for name in "bcde"] == [Meant.ACCOUNT] * 4
    assert pace.lanes == LANES // 2
    pace.refused("f", WINDOW_S + 0.01)
    assert pace.refused("g", WINDOW_S + 0.02) is Meant.ACCOUNT
    assert pace.lanes == LANES // 4


def test_two_slow_clients_among_thousands_are_not_the_account():
    """A share decides, not a number."""
    pace = Pace(LANES)
    for _ in range(2_000):
        pace.passed()

    assert [pace.refused(name, 0.01) for name in "abab"] == [Meant.CLIENT] * 4


def test_lanes_come_back_with_every_quiet_window_and_never_beyond_all():
    """Slowly, so that the quota is not overrun again at once."""
    pace = Pace(LANES)
    for name in "abcd":
        pace.refused(name, 0.0)
    assert pace.lanes == LANES // 2

    pace.roll(WINDOW_S)  # the window of the verdict
    pace.roll(2 * WINDOW_S)
    assert pace.lanes == LANES // 2 + LANES_BACK
    pace.roll(100 * WINDOW_S)
    assert pace.lanes == LANES


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef"), st.floats(0, 0.2)), max_size=200))
def test_there_is_always_a_lane_and_never_more_than_there_are(posts: list[tuple[bool, str, float]]):
    """Whatever the gateway answers, whenever."""
    pace, now = Pace(LANES), 0.0
    for is_passed, name, pause in posts:
        now += pause
        if is_passed:
            pace.passed()
        else:
            pace.refused(name, now)
        assert 1 <= pace.lanes <= LANES
