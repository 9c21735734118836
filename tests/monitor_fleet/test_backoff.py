"""How long a source in trouble is left alone: ever longer, jittered, never for ever. Pure: chance is seeded."""

import random
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetching.outcome import Reason
from monitor_fleet.backoff import source_wait_ms
from monitor_fleet.remedy import DORMANT_WAIT_MS, REMEDIES

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def test_every_reason_has_its_remedy():
    """A new reason must be thought about, not met with whatever comes first."""
    assert set(REMEDIES) == set(Reason)


@settings(deadline=None)
@given(st.sampled_from(list(Reason)), st.integers(1, 86_400), st.integers(0, 10_000), st.booleans(), st.integers())
def test_a_wait_is_never_shorter_than_the_interval_nor_longer_than_its_bound(
    reason: Reason, interval_s: int, failures: int, dormant: bool, seed: int
):
    """Trouble is no reason to ask more often than was asked for, nor to give up."""
    interval_ms = interval_s * 1_000
    wait_ms = source_wait_ms(interval_ms, failures, REMEDIES[reason], random.Random(seed), dormant=dormant)
    longest = max(REMEDIES[reason].longest_ms, DORMANT_WAIT_MS if dormant else 0)
    assert interval_ms <= wait_ms <= max(interval_ms, longest)


@pytest.mark.parametrize(
    ("reason", "longest_ms"),
    [
        (Reason.TIMEOUT, 15 * MINUTE_MS),
        (Reason.SERVER_ERROR, 15 * MINUTE_MS),
        (Reason.RATE_LIMITED, 15 * MINUTE_MS),
        (Reason.CERTIFICATE, HOUR_MS),
        (Reason.UNAUTHORIZED, HOUR_MS),
        (Reason.PARSE, HOUR_MS),
        (Reason.NOT_FOUND, 6 * HOUR_MS),
        (Reason.REFUSED, 6 * HOUR_MS),
        (Reason.SELECTOR, 10_000),
    ],
)
def test_how_long_at_the_longest_depends_on_what_it_is(reason: Reason, longest_ms: int):
    """What may be back any moment is asked each quarter of an hour; what a person must mend, less often."""
    chance = random.Random(3)
    waits = [source_wait_ms(10_000, failures, REMEDIES[reason], chance) for failures in range(1, 500)]
    assert 10_000 <= waits[0] <= 20_000
    assert 0.99 * longest_ms <= max(waits) <= longest_ms


def test_what_failed_together_does_not_come_back_together():
    """Full jitter while the wait grows, and some of it at the longest."""
    chance = random.Random(3)
    early = [source_wait_ms(10_000, 3, REMEDIES[Reason.TIMEOUT], chance) for _ in range(200)]
    late = [source_wait_ms(10_000, 300, REMEDIES[Reason.TIMEOUT], chance) for _ in range(200)]
    assert max(early) - min(early) > 60_000
    assert max(late) - min(late) > MINUTE_MS


def test_a_source_that_is_away_costs_a_fifteenth():
    """Asked each minute when it was well; away for long, at most 7 % of that, and back within a quarter of an hour."""
    chance = random.Random(3)
    waits = [source_wait_ms(MINUTE_MS, 300, REMEDIES[Reason.CONNECT], chance) for _ in range(2_000)]
    assert MINUTE_MS / mean(waits) <= 0.07
    assert max(waits) <= 15 * MINUTE_MS
