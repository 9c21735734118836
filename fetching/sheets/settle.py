"""
Hold cells that are only being computed: a formula that says `Loading...` or `#N/A` for a moment is no news.

Such a cell keeps its last value for a few polls; then it is told as it stands. Only in a row that is surely the same
one: by its key, or, without keys, one whose other cells are all as they were.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fetching.sheets.table import COLUMNS, ROWS

#: GOOGLEFINANCE, IMPORTRANGE and their kin read cold settle within a few polls, or are really broken.
HELD_POLLS_MAX = 3
VOLATILE = frozenset({"Loading...", "#N/A"})

#: Where a cell is: table, row and column.
type Place = tuple[str, str, str]


def settle(
    document: Any, known: Any, held: Mapping[Place, int], *, polls_max: int = HELD_POLLS_MAX
) -> tuple[Any, dict[Place, int]]:
    """
    Put the last values where cells are still being computed; the document, and which cells are held for how long.

    `known` is the last document that was told, None if there is none. What was held too long stands as it is.
    """
    now_held: dict[Place, int] = {}

    def last_value(place: Place, now: Any, last: Any) -> Any:
        if not is_volatile(now) or is_volatile(last) or held.get(place, 0) >= polls_max:
            return now
        now_held[place] = held.get(place, 0) + 1
        return last

    if not isinstance(document, dict) or not isinstance(known, dict):
        return document, {}
    if ROWS in document:
        settled = _table("", document, known, last_value)
    else:
        settled = {name: _table(name, table, known.get(name), last_value) for name, table in document.items()}
    return settled, now_held


def is_volatile(cell: Any) -> bool:
    """Say whether a cell is only being computed."""
    return isinstance(cell, str) and cell in VOLATILE


def has_volatile(document: Any) -> bool:
    """Say whether anything may have to be held: most documents need no look at the last one."""
    if isinstance(document, dict):
        return any(map(has_volatile, document.values()))
    return any(map(has_volatile, document)) if isinstance(document, list) else is_volatile(document)


type _LastValue = Callable[[Place, Any, Any], Any]


def _table(name: str, table: dict[str, Any], known: Any, last_value: _LastValue) -> dict[str, Any]:
    if (
        not isinstance(known, dict)
        or table.get(COLUMNS) != known.get(COLUMNS)
        or type(known.get(ROWS)) is not type(table[ROWS])
    ):
        return table
    rows, last = table[ROWS], known[ROWS]
    if isinstance(rows, dict):
        settled: Any = {
            key: _row((name, key), row, last[key], last_value) if key in last else row for key, row in rows.items()
        }
    else:
        settled = [
            _row((name, str(at)), row, last[at], last_value)
            if at < len(last) and _same_but_volatile(row, last[at])
            else row
            for at, row in enumerate(rows)
        ]
    return {**table, ROWS: settled}


def _row(where: tuple[str, str], row: Any, last: Any, last_value: _LastValue) -> Any:
    if isinstance(row, dict):
        return {
            column: last_value((*where, column), cell, last[column]) if column in last else cell
            for column, cell in row.items()
        }
    return [last_value((*where, str(at)), cell, last[at]) if at < len(last) else cell for at, cell in enumerate(row)]


def _same_but_volatile(row: Any, last: Any) -> bool:
    """Say whether a row is the same one: as wide, and every cell that is not being computed as it was."""
    if len(row) != len(last) or type(row) is not type(last):
        return False
    pairs = [(row[name], last.get(name)) for name in row] if isinstance(row, dict) else zip(row, last, strict=True)
    sure = [(now, before) for now, before in pairs if not is_volatile(now) and not is_volatile(before)]
    return any(now is not None for now, _ in sure) and all(_same(now, before) for now, before in sure)


def _same(now: Any, before: Any) -> bool:
    """Compare as canonical form does: 1 and 1.0 are one number, 1 and true are not."""
    return now == before and isinstance(now, bool) == isinstance(before, bool)
