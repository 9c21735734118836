"""
Drive's hints, where they are switched on: what was edited is read sooner, slow sheets of which Drive is silent later.

A hint may come three minutes late and never comes for what formulas compute. So a sheet is still read at least once
per `SWEEP_MS`, and one that was seen to change without a hint is never left alone.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
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

#: Called with the ids of spreadsheets that Drive says were edited.
type OnEdited = Callable[[Iterable[str]], None]


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
        self._untold: set[str] = set()
        self._read_ms: dict[str, int] = {}

    async def run(self) -> None:
        """Ask Drive for ever; return at once where hints are off."""
        while self._is_on:
            try:
                for account in await self._keys.accounts():
                    await self._ask(account)
            except (NoAccounts, StoreError) as error:
                log.info("hints_wait", extra={"why": str(error)})
            await self._sleep(ASK_EVERY_S)

    def may_skip(self, watched: Watched) -> bool:
        """Say whether a source need not be read now; if not, it is taken as read."""
        now_ms = self._now_ms()
        if self._leaves_alone(watched, now_ms):
            return True
        if self._is_on and watched.target.sheet:
            self._read_ms[watched.target.id] = now_ms
        return False

    def interval_ms(self, target: Target) -> int:
        """Say how often a source is really read while Drive is silent."""
        sheet = target.sheet
        is_hinted = self._is_on and sheet is not None and sheet.spreadsheet_id not in self._untold
        return read_every_ms(target.interval_ms, hinted=is_hinted)

    def saw_change(self, watched: Watched) -> None:
        """Note that a source changed: with or without Drive's knowing."""
        sheet = watched.target.sheet
        if not self._is_on or sheet is None:
            return
        now_ms = self._now_ms()
        if now_ms - self._hinted_ms.get(sheet.spreadsheet_id, -HINT_LAG_MAX_MS) >= HINT_LAG_MAX_MS:
            self._unexplained_ms.setdefault(sheet.spreadsheet_id, now_ms)

    def _leaves_alone(self, watched: Watched, now_ms: int) -> bool:
        sheet, target = watched.target.sheet, watched.target
        if not self._is_on or sheet is None or target.interval_ms < SLOW_MS:
            return False
        read_ms = self._read_ms.get(target.id)
        if read_ms is None or now_ms - read_ms >= SWEEP_MS or watched.failures or watched.held:
            return False
        if sheet.spreadsheet_id in self._untold or not self._is_heard(now_ms):
            return False
        return self._hinted_ms.get(sheet.spreadsheet_id, 0) < read_ms

    def _is_heard(self, now_ms: int) -> bool:
        """Say whether every account's Drive was heard from: any of them may be the one that can read the sheet."""
        accounts = self._keys.known
        return bool(accounts) and all(
            now_ms - self._heard_ms.get(account.email, -HEARD_MAX_MS) < HEARD_MAX_MS for account in accounts
        )

    async def _ask(self, account: Account) -> None:
        try:
            edited = await self._changes(account)
        except (GoogleRefused, GoogleUnreachable, AnswerTooLarge) as error:
            log.info("hints_not_read", extra={"account": account.email, "why": str(error)})
            return
        now_ms = self._now_ms()
        self._heard_ms[account.email] = now_ms
        for spreadsheet_id in edited:
            self._hinted_ms[spreadsheet_id] = now_ms
            self._unexplained_ms.pop(spreadsheet_id, None)
        self._judge(now_ms)
        if edited:
            self._on_edited(edited)

    def _judge(self, now_ms: int) -> None:
        """Call a spreadsheet untold of whose change no hint came for in time."""
        late = [one for one, at_ms in self._unexplained_ms.items() if now_ms - at_ms >= HINT_LAG_MAX_MS]
        for spreadsheet_id in late:
            del self._unexplained_ms[spreadsheet_id]
            self._untold.add(spreadsheet_id)
            log.info("hints_miss_it", extra={"spreadsheet": spreadsheet_id})

    async def _changes(self, account: Account) -> set[str]:
        """List what was edited since the last time; the first time only note where the list ends."""
        token = self._tokens.get(account.email)
        if token is None:
            told = await self._google.drive(account, "changes/startPageToken", {"supportsAllDrives": "true"})
            self._tokens[account.email] = told["startPageToken"]
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


def _page(token: str) -> dict[str, Any]:
    return {
        "pageToken": token,
        "pageSize": 1_000,
        "fields": "nextPageToken,newStartPageToken,changes(fileId)",
        "supportsAllDrives": "true",
        "includeItemsFromAllDrives": "true",
    }
