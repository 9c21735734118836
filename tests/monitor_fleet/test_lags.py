"""How late polls begin, counted cheaply."""

from hypothesis import given
from hypothesis import strategies as st

from monitor_fleet.lags import Lags

DAY_MS = 86_400_000


@given(st.lists(st.integers(0, DAY_MS), min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.99, 1.0]))
def test_a_percentile_is_an_eighth_too_small_at_most(lags_ms: list[int], share: float):
    """Good enough to see a trend and to ring a bell; the largest is exact."""
    lags = Lags()
    for lag_ms in lags_ms:
        lags.note(lag_ms)
    ranked = sorted(lags_ms)
    true_ms = next(ms for rank, ms in enumerate(ranked, 1) if rank >= share * len(ranked))

    taken = lags.take(share)

    assert taken is not None
    assert true_ms * 7 / 8 <= taken[0] <= true_ms
    assert taken[1] == ranked[-1]


def test_taking_empties():
    """A minute's line is of that minute."""
    lags = Lags()
    lags.note(5)

    assert (lags.take(0.5), lags.take(0.5)) == ([5, 5], None)


def test_a_clock_that_was_set_back_makes_no_poll_early():
    """A percentile below zero would say nothing to anybody."""
    lags = Lags()
    lags.note(-3_600_000)

    assert lags.take(0.5) == [0, 0]


def test_it_stays_small():
    """However many polls, and however late."""
    lags = Lags()
    for lag_ms in range(0, DAY_MS, 997):
        lags.note(lag_ms)

    assert len(lags._classes) < 250
