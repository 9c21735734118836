"""A spreadsheet: tabs of cells, who may read it, and what a range of it holds, as Sheets would answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.sheet_address import Range, read_range
from fetching.sheets.table import letters

type Cell = bool | int | float | str

ROWS_MAX, COLUMNS_MAX = 1_000, 26
_CORNER = re.compile(r"\$?([A-Za-z]*)\$?(\d*)")


class NoSuchRange(ValueError):
    """Sheets would say that it cannot parse it."""


@dataclass(kw_only=True)
class Tab:
    """One sheet of the spreadsheet; `rows` need not be even."""

    gid: int
    title: str
    rows: list[list[Cell]] = field(default_factory=list)

    def set(self, row: int, column: int, value: Cell) -> None:
        """Write a cell (counted from 0); what is not there yet is made."""
        self.rows += [[] for _ in range(row + 1 - len(self.rows))]
        cells = self.rows[row]
        cells += [""] * (column + 1 - len(cells))
        cells[column] = value


@dataclass(kw_only=True)
class Book:
    """A spreadsheet."""

    id: str
    title: str
    tabs: list[Tab]
    readers: set[str] = field(default_factory=set)
    """The e-mail addresses it is shared with."""
    named_ranges: dict[str, str] = field(default_factory=dict)
    is_office_file: bool = False

    def tab(self, gid: int) -> Tab:
        """Find a tab by its id."""
        return next(tab for tab in self.tabs if tab.gid == gid)

    def read(self, a1: str) -> tuple[str, list[list[Cell]]]:
        """Give a range in Sheets' own words, and its rows without what is empty at an end."""
        wanted = self._resolve(a1)
        tab = self._titled(wanted.tab) if wanted.tab else self.tabs[0]
        if tab is None:
            raise NoSuchRange(a1)
        height, width = max(ROWS_MAX, len(tab.rows)), max(COLUMNS_MAX, *map(len, tab.rows), 0)
        top, left, bottom, right = _box(wanted.cells, height, width)
        if top >= height or left >= width:
            raise NoSuchRange(a1)
        rows = [_trimmed(row[left:right]) for row in tab.rows[top:bottom]]
        while rows and not rows[-1]:
            rows.pop()
        title = tab.title if re.fullmatch(r"\w+", tab.title) else "'" + tab.title.replace("'", "''") + "'"
        return f"{title}!{letters(left)}{top + 1}:{letters(right - 1)}{bottom}", rows

    def _resolve(self, a1: str) -> Range:
        try:
            wanted = read_range(a1)
        except ValueError as error:
            raise NoSuchRange(a1) from error
        named = self.named_ranges.get(wanted.tab)
        is_named = named and not wanted.cells and not a1.startswith("'")
        return read_range(named) if named and is_named else wanted

    def _titled(self, title: str) -> Tab | None:
        return next((tab for tab in self.tabs if tab.title == title), None)


def _box(cells: str, height: int, width: int) -> tuple[int, int, int, int]:
    """Turn cells into (top, left, bottom, right), the latter two exclusive; open ends go to the sheet's own."""
    if not cells:
        return 0, 0, height, width
    first, colon, last = cells.partition(":")
    (left, top), (right, bottom) = _corner(first), _corner(last if colon else first)
    lefts, tops = (
        sorted((0 if left is None else left, width - 1 if right is None else right)),
        sorted((0 if top is None else top, height - 1 if bottom is None else bottom)),
    )
    return tops[0], lefts[0], min(tops[1] + 1, height), min(lefts[1] + 1, width)


def _corner(text: str) -> tuple[int | None, int | None]:
    found = _CORNER.fullmatch(text)
    assert found is not None  # read_range let it pass
    column, row = found.groups()
    return (_column(column) if column else None), (int(row) - 1 if row else None)


def _column(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _trimmed(row: Sequence[Cell]) -> list[Cell]:
    end = len(row)
    while end and row[end - 1] == "":
        end -= 1
    return list(row[:end])
