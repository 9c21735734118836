"""How late polls begin: counted in classes an eighth apart, so that noting one costs next to nothing."""

from collections import Counter

#: Below this each ms is a class of its own; above, a class is as wide as an eighth of where it begins.
EXACT_MS_MAX = 16
_KEPT_BITS = 4


class Lags:
    """What was noted since it was last emptied. Bounded: a day of ms falls into some 200 classes."""

    def __init__(self) -> None:
        self._classes: Counter[int] = Counter()
        self._max_ms = 0

    def note(self, lag_ms: int) -> None:
        """Note one; a clock that was set back makes none early."""
        self._max_ms = max(self._max_ms, lag_ms)
        if lag_ms >= EXACT_MS_MAX:
            cut = lag_ms.bit_length() - _KEPT_BITS
            lag_ms = lag_ms >> cut << cut
        self._classes[max(0, lag_ms)] += 1

    def take(self, *shares: float) -> list[int] | None:
        """Give the lag (ms, at most an eighth too small) below which each share lies, then the largest; and empty."""
        classes, max_ms = self._classes, self._max_ms
        self._classes, self._max_ms = Counter(), 0
        if not classes:
            return None
        return [_below(classes, share) for share in shares] + [max_ms]


def _below(classes: Counter[int], share: float) -> int:
    left = share * classes.total()
    for lag_ms in sorted(classes):
        left -= classes[lag_ms]
        if left <= 0:
            return lag_ms
    raise AssertionError("a share is at most 1")
