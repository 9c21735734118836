"""The kinds and states of sources, for those who need no more of a source than these."""

from enum import StrEnum


class SourceType(StrEnum):
    """The two kinds of source, and of worker."""

    EXTERNAL = "external"
    GOOGLE_SHEET = "googleSheet"


class State(StrEnum):
    """How a source does. A source begins `new`: no poll has ended yet."""

    NEW = "new"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    FAILING = "failing"
    DORMANT = "dormant"
