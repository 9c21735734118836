"""The kinds and states of sources, for those who need no more of a source than these."""

from collections.abc import Mapping
from enum import StrEnum


class SourceType(StrEnum):
    """The two kinds of source, and of worker."""

    EXTERNAL = "external"
    GOOGLE_SHEET = "googleSheet"


#: Nothing of a kind is polled more often.
POLLING_INTERVAL_MIN_S: Mapping[str, int] = {SourceType.EXTERNAL: 1, SourceType.GOOGLE_SHEET: 10}


class State(StrEnum):
    """How a source does. A source begins `new`: no poll has ended yet."""

    NEW = "new"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    DORMANT = "dormant"


#: So many failures in a row are told on a source's row, one by one; what comes after is more of the same.
FAILURES_TOLD_MAX = 10
