"""
What time it is at Google, by the dates of its answers: quotas are counted there, and workers' clocks differ.

A date names a second, and it was written between sending and receiving; so each answer bounds by how much the local
clock is off, and a few of them together bound it to some ten milliseconds (Cristian, "Probabilistic clock
synchronization", 1989; intervals as in RFC 5905's clock select).
"""

from contracts.clock import SECOND_MS, NowMs

#: Clocks of machines that are kept in time drift far less; a bound is widened by this.
DRIFT_PER_MS = 100e-6


class ServerClock:
    """The local clock and the bounds of how far it is behind the server's (negative: ahead)."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._low_ms = self._high_ms = 0.0
        self._noted_ms: int | None = None

    def now_ms(self) -> int:
        """Give the server's time, as well as it is known."""
        now_ms = self._now_ms()
        return now_ms + round((self._low_ms + self._high_ms) / 2)

    @property
    def error_ms(self) -> float | None:
        """Say by how much it may be wrong; None before the first answer."""
        return None if self._noted_ms is None else (self._high_ms - self._low_ms) / 2

    def note(self, dated_s: int, *, sent_ms: int, received_ms: int) -> None:
        """Learn from an answer: `dated_s` is the second of its Date header, the others are local times."""
        low, high = float(dated_s * SECOND_MS - received_ms), float((dated_s + 1) * SECOND_MS - sent_ms)
        if self._noted_ms is not None:
            drift_ms = abs(received_ms - self._noted_ms) * DRIFT_PER_MS
            both = max(low, self._low_ms - drift_ms), min(high, self._high_ms + drift_ms)
            # Bounds that do not meet: one of the clocks was set. The newest answer knows.
            low, high = both if both[0] <= both[1] else (low, high)
        self._low_ms, self._high_ms, self._noted_ms = low, high, received_ms
