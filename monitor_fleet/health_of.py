"""
How a source does after a poll: healthy, degraded, failing, dormant (a day without a good one), and healthy again.

How many failures in a row are failing depends on what they are (`monitor_fleet.remedy`): what a person must mend is
told at once, a blip is not.
"""

from dataclasses import replace

from contracts.clock import SECOND_MS
from contracts.kinds import FAILURES_TOLD_MAX
from contracts.source import State
from fetching.outcome import Reason
from monitor_fleet.remedy import DORMANT_AFTER_MS, REMEDIES
from monitor_fleet.watched import Health

#: A source that fails now in one way, now in another does not have its row written at every poll.
REASON_GAP_MS = 60 * SECOND_MS

_IN_TROUBLE = (State.DEGRADED, State.FAILING, State.DORMANT)
_WORSE = (State.NEW, State.HEALTHY, State.DEGRADED, State.FAILING, State.DORMANT)


def after_good(known: Health, *, now_ms: int, certificate_days: int | None = None) -> Health:
    """Say how a source does after a good poll; `certificate_days`: the step within which its certificate ends."""
    if known.state is State.HEALTHY:
        is_news = certificate_days != known.certificate_days
        return replace(known, certificate_days=certificate_days) if is_news else known
    return Health(state=State.HEALTHY, since_ms=now_ms, last_good_ms=now_ms, certificate_days=certificate_days)


def recovered(known: Health, *, now_ms: int) -> str:
    """Say how long a source was in trouble that does well again; nothing of one that never was."""
    if known.state not in _IN_TROUBLE:
        return ""
    outage_s = max(0, now_ms - known.since_ms) // SECOND_MS
    for unit, unit_s in (("h", 3_600), ("min", 60)):
        if outage_s >= 2 * unit_s:
            return f"recovered after {outage_s // unit_s} {unit}"
    return f"recovered after {outage_s} s"


def after_failure(known: Health, reason: Reason, *, failures: int, last_good_ms: int | None, now_ms: int) -> Health:
    """
    Say how a source does after so many failures in a row; failing never makes it look better than it was.

    A new reason is told too, though not at every poll: a person would mend the old one. The first failures of a failing
    source are told one by one.
    """
    state = _state(known, reason, failures, now_ms)
    told = _told(known, failures)
    if _WORSE.index(state) <= _WORSE.index(known.state):
        is_news = reason is not known.reason and now_ms - known.written_ms >= REASON_GAP_MS
        is_counted = known.state is State.FAILING and told != known.failures  # rules of alerts count them
        if is_news or is_counted:
            return replace(known, reason=reason, failures=told, written_ms=now_ms)
        return known
    # `since` is when the trouble began, until it ends: a day is counted from there.
    since_ms = known.since_ms if known.state in (State.DEGRADED, State.FAILING) else now_ms
    return Health(
        state=state, since_ms=since_ms, failures=told, last_good_ms=last_good_ms, reason=reason, written_ms=now_ms
    )


def _told(known: Health, failures: int) -> int:
    """Count on from what another worker may have told."""
    before = known.failures if known.state in _IN_TROUBLE else 0
    return min(max(before + 1, failures), FAILURES_TOLD_MAX)


def _state(known: Health, reason: Reason, failures: int, now_ms: int) -> State:
    if known.state in _IN_TROUBLE and now_ms - known.since_ms >= DORMANT_AFTER_MS:
        return State.DORMANT
    return State.FAILING if failures >= REMEDIES[reason].failing_at else State.DEGRADED
