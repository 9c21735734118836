"""
Drive's list of changes, with its lag: edits by hand show up within three minutes, those of formulas never.

Google coalesces changes of a spreadsheet (what its users report; see docs/google-sheets.md).
"""

from dataclasses import dataclass, field

from contracts.clock import SECOND_MS

LAG_MS = 180 * SECOND_MS


@dataclass(kw_only=True)
class Changes:
    """Edits by hand, in the order in which Drive lists them. Tokens are places in that list."""

    lag_ms: int = LAG_MS
    _listed: list[str] = field(default_factory=list)
    _pending: dict[str, int] = field(default_factory=dict)

    def edited(self, book_id: str, at_ms: int) -> None:
        """Note an edit by hand; edits within the lag of the first are one change."""
        self._pending.setdefault(book_id, at_ms + self.lag_ms)

    def start(self, now_ms: int) -> str:
        """Give the token from which on changes are new."""
        self._settle(now_ms)
        return str(len(self._listed))

    def since(self, token: str, now_ms: int) -> tuple[list[str], str]:
        """List what changed since a token, and the next one; ValueError for one that is none."""
        self._settle(now_ms)
        start = int(token)
        if not 0 <= start <= len(self._listed):
            raise ValueError(token)
        return list(dict.fromkeys(self._listed[start:])), str(len(self._listed))

    def _settle(self, now_ms: int) -> None:
        due = [book for book, at_ms in self._pending.items() if at_ms <= now_ms]
        for book in due:
            self._listed.append(book)
            del self._pending[book]
