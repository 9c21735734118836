"""
Drive's hints, where they are switched on: what was edited is read sooner, slow sheets of which Drive is silent later.

A hint may come three minutes late and never comes for what formulas compute. So a sheet is still read at least once
per `SWEEP_MS`, and one that was seen to change without a hint is never left alone.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.clock import MINUTE_MS, SECOND_MS, NowMs
from contracts.sheet_reading import SLOW_MS, SWEEP_MS, read_every_ms
from fetching.sheets.account import Account
from fetching.sheets.verbs import AnswerTooLarge, GoogleRefused, GoogleUnreachable, GoogleVerbs
from monitor_fleet.errors import StoreError
from monitor_fleet.sheets.key_book import KeyBook, NoAccounts
from monitor_fleet.watched import Target, Watched

log = logging.getLogger(__name__)

ASK_EVERY_S = 15.0
#: A change without a hint within this before or after it was none that Drive tells of.
HINT_LAG_MAX_MS = 4 * MINUTE_MS
#: Silence of Drive says nothing once it was not heard from for this long.
HEARD_MAX_MS = 60 * SECOND_MS
PAGES_MAX = 20
#: Turns come a little late; by so much more a sheet may be read later than its sweep.
SLACK_MS = 30 * SECOND_MS
#: An edit was hinted at late enough: its read goes before those of a sweep.
EDITED_WAIT_MS = 15 * SECOND_MS
#: Spreadsheets of which Drive is known not to tell: the oldest is forgotten, and found out again.
UNTOLD_MAX = 10_000
#: Drive does not take the token: the list begins anew.
_TOKEN_REFUSED = frozenset({400, 404, 410})

#: Called with the ids of spreadsheets that Drive says were edited.
type OnEdited = Callable[[Iterable[str]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """When a source was last to be read, when it was the time before that, and when that came to pass (0: never)."""

    asked_ms: int = 0
    before_ms: int = 0
    read_ms: int = 0


_NEVER = _Seen()


class Hints:
    """What Drive said of the spreadsheets of this worker's sources."""

    def __init__(
        self, *, google: GoogleVerbs, keys: KeyBook, now_ms: NowMs, sleep: Callable[[float], Awaitable[None]],
        on_edited: OnEdited, is_on: bool,
    ) -> None:  # fmt: skip
        self._google = google
        self._keys = keys
        self._now_ms = now_ms
        self._sleep = sleep
        self._on_edited = on_edited
        self._is_on = is_on
        self._tokens: dict[str, str] = {}
        self._heard_ms: dict[str, int] = {}
        self._hinted_ms: dict[str, int] = {}
        self._unexplained_ms: dict[str, int] = {}
        self._untold: dict[str, None] = {}
        self._seen: dict[str, _Seen] = {}
        self._listening_ms: dict[str, int] = {}
        """Since when an account's list is followed without a gap."""

    async def run(self) -> None:
        """Ask Drive for ever; return at once where hints are off."""
        while self._is_on:
            try:
                await self._ask(await self._keys.accounts())
            except (NoAccounts, StoreError) as error:
                log.info("hints_wait", extra={"why": str(error)})
            await self._sleep(ASK_EVERY_S)

    def may_skip(self, watched: Watched) -> bool:
        """Say whether a source need not be read now; if not, it is taken as read."""
        now_ms = self._now_ms()
        if self._leaves_alone(watched, now_ms):
            return True
        if self._is_on and watched.target.sheet:
            seen = self._seen.get(watched.target.id, _NEVER)
            self._seen[watched.target.id] = replace(seen, asked_ms=now_ms, before_ms=seen.asked_ms)
        return False

    def saw_read(self, watched: Watched) -> None:
        """Note that a source was read: waiting for the quota may have taken a while."""
        seen = self._seen.get(watched.target.id)
        if seen:
            self._seen[watched.target.id] = replace(seen, read_ms=self._now_ms())

    def interval_ms(self, target: Target) -> int:
        """Say how often a source is really read while Drive is silent."""
        sheet = target.sheet
        is_hinted = self._is_on and sheet is not None and sheet.spreadsheet_id not in self._untold
        return read_every_ms(target.interval_ms, hinted=is_hinted)

    def patience_ms(self, watched: Watched) -> int:
        """Say how long a source's read may wait for its turn: lateness is measured by it."""
        target = watched.target
        if target.sheet is None or not self._is_on or target.interval_ms < SLOW_MS:
            return target.interval_ms
        before_ms = self._seen.get(target.id, _NEVER).before_ms
        is_edited = before_ms and self._hinted_ms.get(target.sheet.spreadsheet_id, 0) > before_ms
        return EDITED_WAIT_MS if is_edited else self.interval_ms(target)

    def saw_change(self, watched: Watched) -> None:
        """
        Note that a source changed: with or without Drive's knowing.

        What changed since a read before which nobody listened to Drive, or since none at all, proves nothing.
        """
        sheet, listening_ms = watched.target.sheet, self._listens_since_ms()
        if not self._is_on or sheet is None or listening_ms is None:
            return
        if self._seen.get(watched.target.id, _NEVER).before_ms < listening_ms:
            return
        now_ms = self._now_ms()
        if now_ms - self._hinted_ms.get(sheet.spreadsheet_id, -HINT_LAG_MAX_MS) >= HINT_LAG_MAX_MS:
            self._unexplained_ms.setdefault(sheet.spreadsheet_id, now_ms)

    def _leaves_alone(self, watched: Watched, now_ms: int) -> bool:
        sheet, target = watched.target.sheet, watched.target
        if not self._is_on or sheet is None or target.interval_ms < SLOW_MS:
            return False
        seen = self._seen.get(target.id, _NEVER)
        if _is_swept(target, now_ms, seen.read_ms) or watched.failures or watched.held:
            return False
        if sheet.spreadsheet_id in self._untold or not self._is_heard(now_ms):
            return False
        return self._hinted_ms.get(sheet.spreadsheet_id, 0) <= seen.asked_ms

    def _listens_since_ms(self) -> int | None:
        """Say since when every account's Drive is listened to; None if one's is not."""
        since = [self._listening_ms.get(account.email) for account in self._keys.known]
        return max((at_ms for at_ms in since if at_ms is not None), default=None) if None not in since else None

    def _is_heard(self, now_ms: int) -> bool:
        """Say whether every account's Drive was heard from: any of them may be the one that can read the sheet."""
        accounts = self._keys.known
        return bool(accounts) and all(
            now_ms - self._heard_ms.get(account.email, -HEARD_MAX_MS) < HEARD_MAX_MS for account in accounts
        )

    async def _ask(self, accounts: Sequence[Account]) -> None:
        """Ask each account's Drive; what several tell of is one edit."""
        edited: set[str] = set()
        for account in accounts:
            edited |= await self._edited(account)
        now_ms = self._now_ms()
        for spreadsheet_id in edited:
            self._hinted_ms[spreadsheet_id] = now_ms
            self._unexplained_ms.pop(spreadsheet_id, None)
        if self._is_heard(now_ms):
            self._judge(now_ms)
        self._forget(now_ms)
        if edited:
            self._on_edited(edited)

    async def _edited(self, account: Account) -> set[str]:
        try:
            edited = await self._changes(account)
        except (GoogleRefused, GoogleUnreachable, AnswerTooLarge) as error:
            log.info("hints_not_read", extra={"account": account.email, "why": str(error)})
            if isinstance(error, GoogleRefused) and error.refusal.status in _TOKEN_REFUSED:
                self._tokens.pop(account.email, None)
            return set()
        self._heard_ms[account.email] = self._now_ms()
        return edited

    def _judge(self, now_ms: int) -> None:
        """Call a spreadsheet untold of whose change no hint came for in time."""
        late = [one for one, at_ms in self._unexplained_ms.items() if now_ms - at_ms >= HINT_LAG_MAX_MS]
        for spreadsheet_id in late:
            del self._unexplained_ms[spreadsheet_id]
            self._untold[spreadsheet_id] = None
            log.info("hints_miss_it", extra={"spreadsheet": spreadsheet_id})

    def _forget(self, now_ms: int) -> None:
        """Drop what no decision depends on any more."""
        since_ms = now_ms - 2 * SWEEP_MS
        self._hinted_ms = {one: at_ms for one, at_ms in self._hinted_ms.items() if at_ms >= since_ms}
        self._seen = {one: seen for one, seen in self._seen.items() if seen.asked_ms >= since_ms}
        for spreadsheet_id in list(self._untold)[: max(0, len(self._untold) - UNTOLD_MAX)]:
            del self._untold[spreadsheet_id]

    async def _changes(self, account: Account) -> set[str]:
        """List what was edited since the last time; the first time only note where the list ends."""
        token = self._tokens.get(account.email)
        if token is None:
            told = await self._google.drive(account, "changes/startPageToken", {"supportsAllDrives": "true"})
            self._tokens[account.email] = told["startPageToken"]
            self._listening_ms[account.email] = self._now_ms()
            return set()
        edited: set[str] = set()
        for _ in range(PAGES_MAX):
            told = await self._google.drive(account, "changes", _page(token))
            edited |= {change["fileId"] for change in told.get("changes", []) if "fileId" in change}
            token = told.get("newStartPageToken") or told["nextPageToken"]
            self._tokens[account.email] = token
            if "newStartPageToken" in told:
                break
        return edited


def _is_swept(target: Target, now_ms: int, read_ms: int) -> bool:
    """
    Say whether a source must be read at this turn: at the next one it would be too long ago.

    Or its own sweep begins, by its hash, and it is not quite new: so sheets that were read in a rush, as after a
    start, do not come in one again.
    """
    sweep_ms, since_ms = read_every_ms(target.interval_ms, hinted=True), now_ms - read_ms
    begins = (now_ms - target.request) // sweep_ms != (read_ms - target.request) // sweep_ms
    return since_ms > sweep_ms - target.interval_ms + SLACK_MS or (begins and since_ms * 2 >= sweep_ms)


def _page(token: str) -> dict[str, Any]:
    return {
        "pageToken": token,
        "pageSize": 1_000,
        "fields": "nextPageToken,newStartPageToken,changes(fileId)",
        "supportsAllDrives": "true",
        "includeItemsFromAllDrives": "true",
    }
