"""
Where a Google Sheets source is: the spreadsheet and, if the address names one, the tab; from any form people paste.

Ranges are A1 notation (Google Workspace, "Sheets API Overview"): `Tab!A1:D`, `'My tab'!A:C`, `Tab`, `A1:D`, or the
name of a named range.
"""

import re
from dataclasses import dataclass

from yarl import URL

SPREADSHEETS_HOSTS = frozenset({"docs.google.com", "spreadsheets.google.com", "drive.google.com", "sheets.google.com"})
RANGE_LENGTH_MAX = 256
#: Columns go to ZZZ, rows to ten million (Google Drive Help, "Files you can store").
_CELLS = re.compile(r"\$?[A-Za-z]{1,3}\$?\d{1,8}|\$?[A-Za-z]{1,3}|\$?\d{1,8}")
_ID = re.compile(r"[A-Za-z0-9_-]{20,128}")
_GID = re.compile(r"(?:^|[&#?])gid=(\d{1,10})(?![^&#])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetAddress:
    """A spreadsheet, and the id of the tab that was open when its address was copied."""

    spreadsheet_id: str
    gid: int | None = None


def read_address(text: str) -> SheetAddress:
    """Find the spreadsheet and the tab in whatever was pasted; ValueError says what to paste instead."""
    if _ID.fullmatch(text):
        return SheetAddress(spreadsheet_id=text)
    try:
        url = URL(text)
    except ValueError as error:
        raise ValueError(f"not a Google Sheets address: {error}") from error
    if url.scheme not in {"http", "https"} or url.host not in SPREADSHEETS_HOSTS:
        raise ValueError("not a Google Sheets address: paste the sheet's own url or its id")
    return SheetAddress(spreadsheet_id=_spreadsheet_id(url), gid=_gid(url))


def _spreadsheet_id(url: URL) -> str:
    parts = url.path.split("/")
    after_d = parts[parts.index("d") + 1 :] if "d" in parts else []
    if after_d[:1] == ["e"]:
        raise ValueError(
            "this is the link of a published copy, which hides the sheet's id: paste the address of the sheet itself,"
            " as the browser shows it while you edit it"
        )
    found = after_d[0] if after_d else url.query.get("key") or url.query.get("id") or ""
    if not _ID.fullmatch(found):
        raise ValueError("not a Google Sheets address: paste the sheet's own url or its id")
    return found


def _gid(url: URL) -> int | None:
    """Find the tab; the fragment is what the browser keeps up to date, so it goes before the query."""
    found = _GID.search(url.fragment) or _GID.search(url.query_string)
    return int(found[1]) if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """A range in its two parts; either may be missing, not both. A lone name is a tab's or a named range's."""

    tab: str = ""
    cells: str = ""

    def a1(self, default_tab: str = "") -> str:
        """Write it in A1 notation, quoted as Google wants it; in `default_tab` where it names none."""
        tab = quoted(self.tab or default_tab) if self.tab or default_tab else ""
        return "!".join(part for part in (tab, self.cells) if part)


def quoted(tab: str) -> str:
    """Quote the name of a tab: quotes are always right, and `A1` in quotes is a tab, not a cell."""
    return "'" + tab.replace("'", "''") + "'"


def read_range(text: str) -> Range:
    """Read A1 notation; ValueError says what is wrong with it."""
    if not text or len(text) > RANGE_LENGTH_MAX or _CONTROL.search(text):
        raise ValueError(f"a range has 1 to {RANGE_LENGTH_MAX} characters, none of them a line break")
    tab, bang, cells = text.rpartition("!")
    if not bang or (text.endswith("'") and text.startswith("'")):
        return Range(cells=text) if _are_cells(text) else Range(tab=_unquoted(text))
    if not _are_cells(cells):
        raise ValueError(f"{cells!r} is not a range of cells such as A1:D9, A2:D or A:C")
    return Range(tab=_unquoted(tab), cells=cells)


def _are_cells(text: str) -> bool:
    first, colon, last = text.partition(":")
    if not colon:
        return bool(re.fullmatch(r"\$?[A-Za-z]{1,3}\$?\d{1,8}", first))
    return bool(_CELLS.fullmatch(first) and _CELLS.fullmatch(last))


def _unquoted(tab: str) -> str:
    if tab.startswith("'") and tab.endswith("'") and len(tab) > 2:  # noqa: PLR2004 - two quotes
        inner = tab[1:-1]
        if "'" in inner.replace("''", ""):
            raise ValueError(f"{tab} is not a quoted tab: double each quote inside it")
        return inner.replace("''", "'")
    if not tab or tab.startswith("'") or tab.endswith("'"):
        raise ValueError("the name of the tab is missing or its quotes do not pair")
    return tab
