"""Numbers over time, bucket by bucket. A number holds until the next change, so a mean is weighed by time."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.pointer import Cell

#: XML knows only text; a text this long is no number that somebody charts.
TEXT_LENGTH_MAX = 64
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


@dataclass(kw_only=True)
class Bucket:
    """What is known of one span of time."""

    at_ms: int
    count: int = 0
    least: float = math.inf
    most: float = -math.inf
    last: float = 0.0
    held_ms: int = 0
    total: float = 0.0

    def see(self, value: float) -> None:
        """Let a value be seen, however shortly."""
        self.least, self.most, self.last = min(self.least, value), max(self.most, value), value

    @property
    def shown(self) -> dict[str, Any]:
        """Show it; a value that came and went within one millisecond has no weight."""
        mean = self.total / self.held_ms if self.held_ms else self.last
        # Rounded, it could lie beside the only value there was: a chart of that would show nothing but the rounding.
        inside = min(self.most, max(self.least, mean)) if math.isfinite(mean) else self.last
        return {
            "at": self.at_ms, "count": self.count, "min": self.least, "max": self.most,
            "mean": inside, "last": self.last, "heldMs": self.held_ms,
        }  # fmt: skip


class Buckets:
    """The buckets of one answer, of equal length and aligned to the epoch; what nobody knows has no bucket."""

    def __init__(self, *, length_ms: int) -> None:
        self._length_ms = length_ms
        self._buckets: dict[int, Bucket] = {}

    def change(self, value: float | None, at_ms: int) -> None:
        """Count a change to a value; None is no number."""
        if value is not None:
            bucket = self._bucket(at_ms)
            bucket.count += 1
            bucket.see(value)

    def hold(self, value: float | None, from_ms: int, to_ms: int) -> None:
        """Let a value hold from one moment to another."""
        while value is not None and from_ms < to_ms:
            bucket = self._bucket(from_ms)
            until_ms = min(to_ms, bucket.at_ms + self._length_ms)
            bucket.see(value)
            bucket.held_ms += until_ms - from_ms
            bucket.total += value * (until_ms - from_ms)
            from_ms = until_ms

    def shown(self) -> Iterator[dict[str, Any]]:
        """Show them in order."""
        return (self._buckets[at_ms].shown for at_ms in sorted(self._buckets))

    def _bucket(self, at_ms: int) -> Bucket:
        start_ms = at_ms - at_ms % self._length_ms
        return self._buckets.setdefault(start_ms, Bucket(at_ms=start_ms))


def number(cell: Cell | None) -> float | None:
    """Read what a place holds as a number: one of JSON's, or a text that is one; None if it is neither."""
    if cell is None or not cell.exists or isinstance(cell.value, bool):
        return None
    if isinstance(cell.value, str) and not (len(cell.value) <= TEXT_LENGTH_MAX and _NUMBER.fullmatch(cell.value)):
        return None
    if not isinstance(cell.value, int | float | str):
        return None
    try:
        value = float(cell.value)
    except OverflowError:  # an integer beyond any double
        return None
    return value if math.isfinite(value) else None
