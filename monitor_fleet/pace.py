"""
How well a worker keeps pace: how many due times passed unserved, and why.

A worker with too much to do polls less often than it was asked to; that it does is counted and said, in the log when it
begins and when it ends, and in `GET /healthz` all the time.
"""

import logging
from collections import Counter

from contracts.clock import SECOND_MS

log = logging.getLogger(__name__)

PERIOD_MS = 10 * SECOND_MS


class Pace:
    """Counts since the start, and whether the last period was one of overload."""

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.overloaded = False
        self._period_ends_ms = 0
        self._waited = 0
        self._stretch = 1.0

    def missed(self, due_times: int, *, interval_ms: int, waited_ms: int) -> None:
        """
        Note due times of one source that passed while its turn waited to begin, or went on.

        Only waiting is our overload: a source that takes longer to answer than its interval cannot be asked more often.
        """
        waiting = waited_ms >= interval_ms
        self.skipped["waiting" if waiting else "answering"] += due_times
        if waiting:
            self._waited += due_times
            self._stretch = max(self._stretch, 1 + waited_ms / interval_ms)

    def look(self, now_ms: int) -> None:
        """End a period, if it is over: say when overload begins and when it ends."""
        if now_ms < self._period_ends_ms:
            return
        self._period_ends_ms = now_ms + PERIOD_MS
        extra = {"skipped": self._waited, "stretch": round(self._stretch, 1)}
        if self._waited:
            log.warning("overloaded", extra=extra)
        elif self.overloaded:
            log.info("overload_over", extra=extra)
        self.overloaded = self._waited > 0
        self._waited, self._stretch = 0, 1.0
