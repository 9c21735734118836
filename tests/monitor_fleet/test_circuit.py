"""Hosts in trouble: one asks for all, and what a server says about when holds for the whole host."""

import random
from itertools import pairwise

import pytest

from fetching.outcome import Failed, Reason
from monitor_fleet.circuit import OPENS_AT, PROBE_LONGEST_MS, PROBE_TAKES_MAX_MS, Circuits

NOW_MS = 1_795_000_000_123
LATE = Failed(reason=Reason.TIMEOUT, why="no answer in time")


def failing(circuits: Circuits, sources: int, failed: Failed = LATE) -> None:
    """Let so many sources fail."""
    for number in range(sources):
        circuits.failed("h", f"s{number}", number, failed, NOW_MS)


def test_a_circuit_opens_when_several_sources_fail_alike():
    """One source that fails over and over is its own affair; answers between failures say that the host is there."""
    circuits = Circuits(random.Random(1))
    for _ in range(20):
        circuits.failed("h", "s0", 0, LATE, NOW_MS)
    assert circuits.hold("h", 7, NOW_MS) is None
    failing(circuits, OPENS_AT - 1)
    circuits.good("h", NOW_MS)
    circuits.failed("h", "s9", 9, LATE, NOW_MS)
    assert circuits.hold("h", 7, NOW_MS) is None
    failing(circuits, OPENS_AT)
    hold = circuits.hold("h", 7, NOW_MS)
    assert hold is not None
    assert hold.known == LATE
    assert circuits.hold("other", 7, NOW_MS) is None


def test_failures_of_different_kinds_are_not_alike():
    """Five sources with five wrong keys, or some with 500 and some with time-outs, are no host that is down."""
    circuits = Circuits(random.Random(1))
    failing(circuits, 20, Failed(reason=Reason.UNAUTHORIZED, why="401"))
    failing(circuits, OPENS_AT - 1)
    circuits.failed("h", "x", 99, Failed(reason=Reason.SERVER_ERROR, why="500"), NOW_MS)
    assert circuits.open == 0


@pytest.mark.parametrize("reason", [Reason.NOT_FOUND, Reason.UNAUTHORIZED, Reason.PARSE, Reason.SELECTOR])
def test_an_answer_that_only_its_own_source_must_mend_closes_the_circuit(reason: Reason):
    """A host that is back with half of its paths gone must not be found path by path, a minute each."""
    circuits = Circuits(random.Random(1))
    failing(circuits, OPENS_AT)
    at_ms = NOW_MS + PROBE_LONGEST_MS
    assert circuits.hold("h", 50, at_ms) is None  # the probe
    assert circuits.hold("h", 51, at_ms) is not None
    circuits.failed("h", "s50", 50, Failed(reason=reason, why=""), at_ms)
    assert circuits.hold("h", 51, at_ms) is None


@pytest.mark.parametrize("reason", [Reason.KEY, Reason.REFUSED])
def test_what_was_never_asked_says_nothing_of_the_host(reason: Reason):
    """A key that is gone is found out before anything is sent."""
    circuits = Circuits(random.Random(1))
    failing(circuits, OPENS_AT)
    circuits.failed("h", "s50", 50, Failed(reason=reason, why=""), NOW_MS)
    assert circuits.open == 1


def test_one_probe_at_a_time_ever_less_often_until_one_succeeds():
    """A host that is down is asked once in a while, however many sources it has, and is found again."""
    circuits, now_ms, asked = Circuits(random.Random(1)), NOW_MS, []
    failing(circuits, OPENS_AT)
    while now_ms < NOW_MS + 4 * 3_600_000:
        for request in range(100, 110):
            if circuits.hold("h", request, now_ms) is None:
                asked.append(now_ms)
                assert circuits.hold("h", request, now_ms) is None  # who shares the request shares the probe
                assert circuits.hold("h", 1, now_ms) is not None
                circuits.failed("h", f"s{request}", request, LATE, now_ms)
        now_ms += 1_000
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert len(asked) < 30
    assert 0.9 * PROBE_LONGEST_MS < max(gaps) <= PROBE_LONGEST_MS + 1_000
    circuits.good("h", now_ms)
    assert (circuits.hold("h", 1, now_ms), circuits.open) == (None, 0)


def test_a_probe_that_never_ends_is_replaced():
    """Its shard may have been handed on while it was under way."""
    circuits = Circuits(random.Random(1))
    failing(circuits, OPENS_AT)
    hold = circuits.hold("h", 7, NOW_MS)
    assert hold is not None
    assert circuits.hold("h", 7, hold.until_ms) is None
    assert circuits.hold("h", 8, hold.until_ms + 1) is not None
    assert circuits.hold("h", 8, hold.until_ms + PROBE_TAKES_MAX_MS) is None


def test_what_a_server_says_about_when_holds_for_its_host():
    """Whichever source it was told to; a good answer to another, still under way, does not undo it."""
    circuits = Circuits(random.Random(1))
    circuits.failed("h", "s", 1, Failed(reason=Reason.RATE_LIMITED, why="429", retry_after_s=60), NOW_MS)
    circuits.failed("h", "t", 2, Failed(reason=Reason.SERVER_ERROR, why="503", retry_after_s=5), NOW_MS)
    circuits.good("h", NOW_MS)
    hold = circuits.hold("h", 3, NOW_MS + 59_999)
    assert hold is not None
    assert (hold.until_ms, hold.known) == (NOW_MS + 60_000, None)
    assert circuits.hold("h", 3, NOW_MS + 60_000) is None
