"""The titles of tabs by their ids: an address names a tab by its id (`#gid=`), a range by its title."""

from collections import OrderedDict

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

    def known(self, spreadsheet_id: str, gid: int) -> str | None:
        """Give the title if it is known."""
        return self._titles.get(spreadsheet_id, {}).get(gid)

    async def ask(self, account: Account, spreadsheet_id: str, gid: int) -> str:
        """Ask Google: one read. Raises TabGone."""
        titles = self._titles[spreadsheet_id] = await self._google.tabs(account, spreadsheet_id)
        self._titles.move_to_end(spreadsheet_id)
        while len(self._titles) > SPREADSHEETS_MAX:
            self._titles.popitem(last=False)
        if gid not in titles:
            raise TabGone(f"the spreadsheet has no tab with gid={gid} any more: paste the address of the one to watch")
        return titles[gid]

    def forget(self, spreadsheet_id: str) -> None:
        """Ask again next time: a tab was renamed."""
        self._titles.pop(spreadsheet_id, None)
