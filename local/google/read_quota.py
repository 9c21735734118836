"""
Google's read quota: so many reads per minute for a project and for each of its accounts.

Google does not say whether its minutes are fixed or sliding; both are here, and who passes under both passes. Which
requests count is taken as the strictest reading: every one that arrives, also those that are refused for other reasons.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

from contracts.clock import MINUTE_MS

#: Google Workspace, "Sheets API usage limits" (per minute and project; per minute, project and user).
PROJECT_READS_PER_MINUTE = 300
ACCOUNT_READS_PER_MINUTE = 60

type Window = Literal["fixed", "sliding"]


@dataclass(kw_only=True)
class ReadQuota:
    """The reads of one project, as Google counts them. Times are Google's own, in ms."""

    window: Window = "fixed"
    project_max: int = PROJECT_READS_PER_MINUTE
    account_max: int = ACCOUNT_READS_PER_MINUTE
    reads: Counter[str] = field(default_factory=Counter)
    """What was allowed, by account."""
    refused: int = 0
    _recent: deque[tuple[int, str]] = field(default_factory=deque)
    _held: Counter[str] = field(default_factory=Counter)

    def allow(self, account: str, at_ms: int) -> bool:
        """Count a read, or refuse it."""
        self._forget(at_ms)
        if self._held.total() >= self.project_max or self._held[account] >= self.account_max:
            self.refused += 1
            return False
        self._recent.append((at_ms, account))
        self._held[account] += 1
        self.reads[account] += 1
        return True

    def _forget(self, now_ms: int) -> None:
        since_ms = now_ms // MINUTE_MS * MINUTE_MS if self.window == "fixed" else now_ms - MINUTE_MS + 1
        while self._recent and self._recent[0][0] < since_ms:
            _, account = self._recent.popleft()
            self._held[account] -= 1
