"""How a source's ranges are asked for: by an account that may, in the tab that its address means today."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from fetching.failures import too_large
from fetching.outcome import Failed, Reason
from fetching.sheets.account import Account
from fetching.sheets.answers import Meaning
from fetching.sheets.tabs import TabGone, Tabs
from fetching.sheets.target import SheetTarget
from fetching.sheets.verbs import ANSWER_BYTES_MAX, AnswerTooLarge, GoogleRefused, GoogleUnreachable

#: What another account may be able to read: people share a sheet with one of them, and keys are deleted one by one.
_TRY_ANOTHER = frozenset({Meaning.FORBIDDEN, Meaning.MISSING, Meaning.TOKEN, Meaning.API_OFF})


class Asks(Protocol):
    """One account's reads, each of which waits until the quota lets it go."""

    async def turn(self) -> None:
        """Wait until one read may be sent."""
        ...

    async def together(self, ranges: tuple[str, ...]) -> list[bytes]:
        """Read, if somebody else wants the same spreadsheet in the same request."""
        ...

    async def alone(self, ranges: tuple[str, ...]) -> list[bytes]:
        """Read in a request of our own."""
        ...

    def are_wrong(self, ranges: tuple[str, ...]) -> bool:
        """Say whether Google knew no such ranges the last time: whoever shared their request would be refused too."""
        ...


async def by_any(
    accounts: Sequence[Account],
    read: Callable[[Account], Awaitable[list[bytes]]],
    refused: Callable[[GoogleRefused, Account], Awaitable[Failed]],
    *,
    first: str | None = None,
) -> tuple[Account, list[bytes]] | Failed:
    """
    Read by the account that could last time (its e-mail is `first`), else by each in turn.

    If none may, what the first of them was told is said: that is the one to share with.
    """
    said: Failed | None = None
    for account in sorted(accounts, key=lambda one: one.email != first):
        try:
            return account, await read(account)
        except GoogleRefused as error:
            answer = await refused(error, account)
            if error.refusal.meaning not in _TRY_ANOTHER:
                return answer
            said = said if said and account is not accounts[0] else answer
    assert said is not None  # there is at least one account
    return said


async def in_its_tab(sheet: SheetTarget, account: Account, asks: Asks, tabs: Tabs) -> list[bytes]:
    """Read a source's ranges; a title that Google does not know is looked up again, once."""
    title = await _title(sheet, account, asks, tabs) if sheet.needs_title else ""
    if not asks.are_wrong(sheet.a1(title)):
        try:
            return await asks.together(sheet.a1(title))
        except GoogleRefused as error:
            if error.refusal.meaning is not Meaning.RANGE:
                raise
    # Somebody else's range may be the wrong one, or ours is named after a tab that has a new title.
    if sheet.needs_title:
        tabs.forget(sheet.spreadsheet_id)
        title = await _title(sheet, account, asks, tabs)
    return await asks.alone(sheet.a1(title))


#: What asking may end in beside an answer and a refusal.
TROUBLES = (TabGone, GoogleUnreachable, AnswerTooLarge)


def in_trouble(error: TabGone | GoogleUnreachable | AnswerTooLarge) -> Failed:
    """Say what asking ended in."""
    match error:
        case TabGone():
            return Failed(reason=Reason.SELECTOR, why=str(error))
        case GoogleUnreachable():
            return Failed(reason=Reason.RESET, why=str(error))
        case AnswerTooLarge():
            return too_large(f"the sheet has more than {ANSWER_BYTES_MAX >> 20} MiB")


async def _title(sheet: SheetTarget, account: Account, asks: Asks, tabs: Tabs) -> str:
    assert sheet.gid is not None  # `needs_title` says so
    return await tabs.title(account, sheet.spreadsheet_id, sheet.gid, turn=asks.turn)
