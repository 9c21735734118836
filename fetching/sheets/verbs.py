"""What is asked of Google, and what can come of it; who asks is in `client.py`, which only sheets workers load."""

from collections.abc import Sequence
from typing import Any, Protocol

from fetching.sheets.account import Account
from fetching.sheets.answers import Refusal

#: As much as any other document may come to when it is unpacked.
ANSWER_BYTES_MAX = 32 * 1_024 * 1_024


class GoogleRefused(Exception):
    """Google answered, but not with what was asked for."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.status} {refusal.message}")
        self.refusal = refusal


class GoogleUnreachable(Exception):
    """No answer, or not a whole one; the text is for a person."""


class AnswerTooLarge(Exception):
    """The answer has more than ANSWER_BYTES_MAX."""


class GoogleVerbs(Protocol):
    """What is asked of Google; each raises GoogleRefused, GoogleUnreachable or AnswerTooLarge."""

    async def values(self, account: Account, spreadsheet_id: str, ranges: Sequence[str]) -> list[bytes]:
        """Read ranges in one request; each one's rows as JSON, in the order asked for."""
        ...

    async def tabs(self, account: Account, spreadsheet_id: str) -> dict[int, str]:
        """Read the titles of a spreadsheet's tabs by their ids (gid)."""
        ...

    async def drive(self, account: Account, path: str, params: dict[str, Any]) -> Any:
        """Ask Drive; the answer decoded."""
        ...
