"""
What is done about each kind of failure: how long a source may be left alone, and when it counts as failing.

Never for ever: whatever it was, the source is asked again, and one good answer ends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.clock import DAY_S, SECOND_MS
from fetching.outcome import Failed, Reason

_HOUR_MS = 3_600 * SECOND_MS
#: A server that wants fewer requests is not broken: so many answers of that kind in a row are no failure.
PATIENCE = 3
#: ... unless it wants to be left alone for so long that whoever waits for data must know.
LONG_S = 30 * 60
#: A source without a good answer for a day is dormant, and asked this often.
DORMANT_AFTER_MS = DAY_S * SECOND_MS
DORMANT_WAIT_MS = 6 * _HOUR_MS


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """`longest_ms`: the longest pause between two tries (0: its own interval); `failing_at`: so many in a row."""

    longest_ms: int
    failing_at: int


#: It may be back any moment.
_PASSING = Remedy(longest_ms=15 * 60 * SECOND_MS, failing_at=3)
#: Somebody has to mend it, and nothing that we ask makes that faster.
_FOR_A_PERSON = Remedy(longest_ms=_HOUR_MS, failing_at=1)
_HARDLY_EVER = Remedy(longest_ms=6 * _HOUR_MS, failing_at=1)
_NO_DOCUMENT = Remedy(longest_ms=_HOUR_MS, failing_at=2)

REMEDIES: Mapping[Reason, Remedy] = {
    Reason.DNS: _PASSING,
    Reason.CONNECT: _PASSING,
    Reason.TLS: _PASSING,
    Reason.RESET: _PASSING,
    Reason.TIMEOUT: _PASSING,
    Reason.SERVER_ERROR: _PASSING,
    Reason.RATE_LIMITED: _PASSING,
    Reason.STATUS: Remedy(longest_ms=_HOUR_MS, failing_at=3),
    Reason.CERTIFICATE: _FOR_A_PERSON,
    Reason.UNAUTHORIZED: _FOR_A_PERSON,
    Reason.KEY: _FOR_A_PERSON,
    Reason.NOT_FOUND: _HARDLY_EVER,
    Reason.REFUSED: _HARDLY_EVER,
    Reason.REDIRECT: _HARDLY_EVER,
    Reason.TOO_LARGE: _NO_DOCUMENT,
    Reason.ENCODING: _NO_DOCUMENT,
    Reason.PARSE: _NO_DOCUMENT,
    # The server is well and the document may get what is selected with its next change.
    Reason.SELECTOR: Remedy(longest_ms=0, failing_at=3),
}


def is_patience(failed: Failed, in_a_row: int) -> bool:
    """Tell a server that only wants fewer requests from a failure; `in_a_row` counts such answers, this one too."""
    return wants_fewer(failed) and in_a_row <= PATIENCE and (failed.retry_after_s or 0) <= LONG_S


def wants_fewer(failed: Failed) -> bool:
    """Say whether a server asks to be left alone: 429, 413, or an error that says until when (RFC 9110 10.2.3)."""
    told_when = failed.reason is Reason.SERVER_ERROR and failed.retry_after_s is not None
    return failed.reason is Reason.RATE_LIMITED or told_when
