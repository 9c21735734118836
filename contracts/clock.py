"""Times are milliseconds since the epoch; the spec's own fields show them as ISO 8601."""

from collections.abc import Callable
from datetime import UTC, datetime

#: Wall time in ms since the epoch. Handed in, never imported.
NowMs = Callable[[], int]

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_S = 3_600
DAY_S = 86_400


def iso(at_ms: int) -> str:
    """Say a time as the spec's fields do: `2026-11-22T17:27:05.123Z`."""
    return datetime.fromtimestamp(at_ms / SECOND_MS, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
