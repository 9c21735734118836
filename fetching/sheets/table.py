"""
Rows of cells to a document: what a range of a sheet is for subscribers. Pure and picklable.

Google leaves out empty rows at the end and empty cells at the end of a row, and writes an empty cell before others as
`""`; here every row has as many cells as there are columns and an empty cell is null (a formula that gives `""` too:
Google's answer does not tell them apart).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.sheet_address import Range

type Cell = bool | int | float | str | None
type Row = list[Cell]

COLUMNS, ROWS = "columns", "rows"
COLUMNS_SAID_MAX = 12
_LETTERS = 26


class KeyColumnMissing(ValueError):
    """The key column is not among the columns."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How a source wants its ranges."""

    ranges: tuple[Range, ...] = ()
    """As registered; none stands for the whole tab."""
    names: tuple[str, ...] = ()
    """The ranges as the person wrote them: they name the tables of a source with several."""
    header: bool = True
    key_column: str = ""


def document_of(tables: Sequence[Sequence[Sequence[Any]]], shape: Shape) -> Any:
    """
    Make the document of a source from its ranges' cells, in the order of its ranges.

    One range: `{"columns": [...], "rows": [...]}`; several: an object of these by the ranges' names.
    """
    made = [_table(cells, shape) for cells in tables]
    return made[0] if len(made) == 1 else dict(zip(shape.names, made, strict=True))


def _table(cells: Sequence[Sequence[Any]], shape: Shape) -> dict[str, Any]:
    # Most rows have no empty cell, and a sheet may have 100,000.
    rows = [[_cell(value) for value in row] if "" in row else list(row) for row in cells]
    width = max(map(len, rows), default=0)
    if not shape.header:
        return {ROWS: [_padded(row, width) for row in rows]}
    columns = _columns(rows[0] if rows else [], width)
    body = [_padded(row, width) for row in rows[1:]]
    if not shape.key_column:
        return {COLUMNS: columns, ROWS: [dict(zip(columns, row, strict=True)) for row in body]}
    if shape.key_column not in columns:
        there = ", ".join(map(repr, columns[:COLUMNS_SAID_MAX])) or "no cells"
        raise KeyColumnMissing(f"there is no column {shape.key_column!r}: the first row has {there}")
    return {COLUMNS: columns, ROWS: _by_key(body, columns, columns.index(shape.key_column))}


def _by_key(body: Sequence[Row], columns: Sequence[str], at: int) -> dict[str, dict[str, Cell]]:
    """Key the rows; a blank row is none, a row without a key is named after its place, a second one numbered."""
    seen: Counter[str] = Counter()
    keyed: dict[str, dict[str, Cell]] = {}
    for number, row in enumerate(body, start=2):
        if all(cell is None for cell in row):
            continue
        name = f"#{number}" if row[at] is None else text_of(row[at])
        seen[name] += 1
        keyed[_free(name, seen[name], keyed)] = dict(zip(columns, row, strict=True))
    return keyed


def _free(name: str, times: int, taken: dict[str, Any]) -> str:
    """Give a name that is not taken: what stands there twice is numbered."""
    numbered = name if times == 1 else f"{name} ({times})"
    while numbered in taken:
        numbered += "'"
    return numbered


def _columns(header: Row, width: int) -> list[str]:
    """Name each column: by its header, by its letter where that is empty, numbered where it stands twice."""
    seen: Counter[str] = Counter()
    named: dict[str, None] = {}
    for name in _names(header, width):
        seen[name] += 1
        named[_free(name, seen[name], named)] = None
    return list(named)


def _names(header: Row, width: int) -> Iterator[str]:
    for at in range(width):
        cell = header[at] if at < len(header) else None
        yield letters(at) if cell is None else text_of(cell)


def letters(at: int) -> str:
    """Name a column as a sheet does: 0 is A, 26 is AA."""
    name, at = "", at + 1
    while at:
        at, rest = divmod(at - 1, _LETTERS)
        name = chr(ord("A") + rest) + name
    return name


def text_of(cell: Cell) -> str:
    """Write a cell as a name: a whole number without its point."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _padded(row: Row, width: int) -> Row:
    return row if len(row) == width else row + [None] * (width - len(row))


def _cell(value: Any) -> Cell:
    """Take a cell; only blanks are changed, a text keeps its own spaces."""
    return None if value == "" else value
