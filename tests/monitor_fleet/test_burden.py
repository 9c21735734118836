"""What shards cost, as this worker measures it."""

import pytest

from monitor_fleet.burden import SAMPLE_S, Burden


class Clocks:
    """Clocks that go as told."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.boot_s = 0.0
        self.burden = Burden(cpu_now=lambda: self.cpu_s, boot_now=lambda: self.boot_s)

    def sample(self, *, cpu_s: float) -> dict[int, float]:
        """Let a sample pass that took so much CPU time."""
        self.cpu_s += cpu_s
        self.boot_s += SAMPLE_S
        return self.burden.loads()


def test_nothing_is_told_before_it_is_measured():
    """Until then what the last owner told of a shard counts."""
    clocks = Clocks()
    clocks.burden.note_poll(1, taken_bytes=10)

    assert clocks.burden.loads() == {}


def test_cpu_time_is_shared_out_by_polls():
    """Three seconds in thirty are a hundred ms per second."""
    clocks = Clocks()
    for shard in (1, 1, 1, 2):
        clocks.burden.note_poll(shard, taken_bytes=0)

    assert clocks.sample(cpu_s=3.0) == pytest.approx({1: 75.0, 2: 25.0})


def test_lag_is_work_that_waited():
    """A loop that is late carries too much, whatever its CPU time says."""
    clocks = Clocks()
    clocks.burden.note_poll(1, taken_bytes=0)
    clocks.burden.note_lag(0.3)

    assert clocks.sample(cpu_s=0.0) == pytest.approx({1: 10.0})


def test_bytes_count_beside_cpu_time():
    """Large documents are worked on in other processes."""
    clocks = Clocks()
    clocks.burden.note_poll(1, taken_bytes=30 << 20)
    clocks.burden.note_poll(2, taken_bytes=0)
    loads = clocks.sample(cpu_s=0.0)

    assert loads == pytest.approx({1: 10.0, 2: 0.0})


def test_one_sample_moves_the_average_a_little():
    """A burst is no reason to move a shard; what lasts is."""
    clocks = Clocks()
    clocks.burden.note_poll(1, taken_bytes=0)
    clocks.sample(cpu_s=3.0)
    clocks.burden.note_poll(1, taken_bytes=0)
    clocks.burden.note_poll(1, taken_bytes=0)

    assert clocks.sample(cpu_s=6.0) == pytest.approx({1: 130.0})


def test_what_is_not_polled_any_more_costs_less_and_less():
    """A shard whose sources were deleted is light soon."""
    clocks = Clocks()
    clocks.burden.note_poll(1, taken_bytes=0)
    clocks.sample(cpu_s=3.0)

    assert clocks.sample(cpu_s=0.0) == pytest.approx({1: 70.0})


def test_a_shard_that_is_gone_is_forgotten():
    """If it comes back, its last owner knows better."""
    clocks = Clocks()
    clocks.burden.note_poll(1, taken_bytes=0)
    clocks.sample(cpu_s=3.0)
    clocks.burden.drop(1)

    assert clocks.sample(cpu_s=0.0) == {}
