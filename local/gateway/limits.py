"""The quotas of an account and the limits of a connection, as AWS documents them."""

from collections.abc import Callable
from dataclasses import dataclass

type Now = Callable[[], float]

FRAME_BYTES_MAX = 32 * 1_024
MESSAGE_BYTES_MAX = 128 * 1_024
IDLE_S = 600.0
LIFE_S = 7_200.0
#: How far a signature's time may be off.
SKEW_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Quotas:
    """Per account and Region. `buffer_bytes`: what waits for one client that does not read (AWS names no number)."""

    requests_per_s: float = 10_000
    requests_burst: float = 5_000
    connects_per_s: float = 500
    connects_burst: float = 500
    buffer_bytes: int = 256 * 1_024


class Bucket:
    """A token bucket."""

    def __init__(self, per_s: float, burst: float, now: Now) -> None:
        self._per_s, self._burst, self._now = per_s, burst, now
        self._held, self._at = burst, now()
        self.taken = self.refused = 0

    def take(self) -> bool:
        """Take a token if there is one."""
        now = self._now()
        self._held = min(self._burst, self._held + (now - self._at) * self._per_s)
        self._at = now
        if self._held < 1:
            self.refused += 1
            return False
        self._held -= 1
        self.taken += 1
        return True
