"""From a desired count and what runs to what starts and stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.reconcile import Plan, Slot, backoff_s, reconcile


def slots(*numbers: int) -> list[Slot]:
    """Make slots that started in the order of their numbers."""
    return [Slot(number=number, started_s=float(number)) for number in numbers]


def test_what_is_missing_starts_in_the_lowest_free_numbers():
    """Numbers name log files: few, and the same again after a restart."""
    assert reconcile(4, slots(1, 3)) == Plan(start=(2, 4), stop=())


def test_the_newest_stop_first():
    """The oldest hold the most that would have to be handed over."""
    running = [Slot(number=1, started_s=9.0), Slot(number=2, started_s=1.0), Slot(number=3, started_s=5.0)]

    assert reconcile(1, running) == Plan(start=(), stop=(1, 3))


def test_a_number_that_still_drains_is_not_given_again():
    """Two processes would write one log."""
    assert reconcile(2, slots(2), busy={1}) == Plan(start=(3,), stop=())


def test_nothing_happens_when_nothing_changed():
    """The agent looks twice a second."""
    assert reconcile(2, slots(1, 2)) == Plan(start=(), stop=())
    assert reconcile(0, []) == Plan(start=(), stop=())


@given(st.integers(0, 20), st.sets(st.integers(1, 30), max_size=20), st.sets(st.integers(1, 30), max_size=10))
def test_the_count_is_always_met_and_numbers_are_never_shared(desired: int, running: set[int], draining: set[int]):
    """Whatever the mix of running and draining."""
    busy = draining - running
    plan = reconcile(desired, slots(*running), busy=busy)
    after = (running - set(plan.stop)) | set(plan.start)

    assert len(after) == desired
    assert not set(plan.start) & (running | busy)
    assert set(plan.stop) <= running
    assert not (plan.start and plan.stop)


@pytest.mark.parametrize(("crashes", "waits_s"), [(1, 0.5), (2, 1.0), (4, 4.0), (7, 30.0), (1000, 30.0)])
def test_whoever_crashes_again_waits_longer_but_never_for_ever(crashes: int, waits_s: float):
    """A broken worker must not eat the machine, a mended one must come back by itself."""
    assert backoff_s(crashes) == waits_s
