"""The titles of tabs by their ids: an address names a tab by its id (`#gid=`), a range by its title."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from fetching.sheets.account import Account
from fetching.sheets.verbs import GoogleVerbs

SPREADSHEETS_MAX = 10_000


class TabGone(Exception):
    """The spreadsheet has no tab of that id; the text is for a person."""


class Tabs:
    """Remembers titles; each spreadsheet is asked once, and again when a title turns out wrong."""

    def __init__(self, google: GoogleVerbs) -> None:
        self._google = google
        self._titles: OrderedDict[str, dict[int, str]] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[dict[int, str]]] = {}

    async def title(
        self, account: Account, spreadsheet_id: str, gid: int, *, turn: Callable[[], Awaitable[None]]
    ) -> str:
        """
        Give a title; where it is not known that takes a turn and a read, for all that ask meanwhile together.

        Raises TabGone.
        """
        known = self._titles.get(spreadsheet_id, {})
        titles = known if gid in known else await self._together(account, spreadsheet_id, turn)
        if gid not in titles:
            raise TabGone(f"the spreadsheet has no tab with gid={gid} any more: paste the address of the one to watch")
        return titles[gid]

    def forget(self, spreadsheet_id: str) -> None:
        """Ask again next time: a tab was renamed."""
        self._titles.pop(spreadsheet_id, None)

    async def _together(
        self, account: Account, spreadsheet_id: str, turn: Callable[[], Awaitable[None]]
    ) -> dict[int, str]:
        place = (account.email, spreadsheet_id)
        task = self._asking.get(place)
        if task is None:
            task = self._asking[place] = asyncio.get_running_loop().create_task(
                self._ask(account, spreadsheet_id, turn)
            )
            task.add_done_callback(lambda _: self._asking.pop(place))
        # One that gives up (its shard moved) must not end the read of the others.
        return await asyncio.shield(task)

    async def _ask(self, account: Account, spreadsheet_id: str, turn: Callable[[], Awaitable[None]]) -> dict[int, str]:
        await turn()
        titles = self._titles[spreadsheet_id] = await self._google.tabs(account, spreadsheet_id)
        self._titles.move_to_end(spreadsheet_id)
        while len(self._titles) > SPREADSHEETS_MAX:
            self._titles.popitem(last=False)
        return titles
