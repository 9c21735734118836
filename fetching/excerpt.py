"""The beginning of a document, small enough to be shown: its first rows, cut where they are long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.pointer import escaped
from fetching.hidden import Hidden

ROWS_MAX = 10
COLUMNS_MAX = 50
#: Rows whose members are looked at for the names of columns.
COLUMN_ROWS_MAX = 100
MEMBERS_MAX = 50
TEXT_LENGTH_MAX = 200
DEPTH_MAX = 4
#: Of all that is shown together, about.
CHARACTERS_MAX = 32_768
#: How deep inside objects a list of rows is looked for.
LIST_DEPTH_MAX = 3
CUT = "…"


def excerpt(document: Any, hidden: Hidden) -> dict[str, Any]:
    """Show where the rows are, how many, what they have in common, and the first of them."""
    at, rows = _rows(document)
    room = _Room(hidden=hidden)
    return {
        "kind": _kind(document),
        "at": hidden.text(at),
        "count": len(rows),
        "columns": [hidden.text(name)[:TEXT_LENGTH_MAX] for name in _columns(rows)],
        "rows": [room.show(row, depth=0) for row in rows[:ROWS_MAX]],
        "cut": room.cut or len(rows) > ROWS_MAX,
    }


def _kind(document: Any) -> str:
    return "object" if isinstance(document, dict) else "array" if isinstance(document, list) else "value"


def _rows(document: Any) -> tuple[str, Sequence[Any]]:
    """Find the rows: the document itself if it is a list, else the longest list not deep inside it, else all of it."""
    if isinstance(document, list):
        return "", document
    lists = [("", document)] if isinstance(document, dict) else []
    found: tuple[str, Sequence[Any]] = ("", [document])
    best = 0
    for _ in range(LIST_DEPTH_MAX):
        members = [(f"{at}/{escaped(name)}", value) for at, holder in lists for name, value in holder.items()]
        for at, value in members:
            if isinstance(value, list) and len(value) > best:
                found, best = (at, value), len(value)
        lists = [(at, value) for at, value in members if isinstance(value, dict)]
    return found


def _columns(rows: Sequence[Any]) -> list[str]:
    names = dict.fromkeys(name for row in rows[:COLUMN_ROWS_MAX] if isinstance(row, dict) for name in row)
    return list(names)[:COLUMNS_MAX]


@dataclass(kw_only=True)
class _Room:
    """What is left of `CHARACTERS_MAX`, and whether anything had to be left out."""

    hidden: Hidden
    left: int = CHARACTERS_MAX
    cut: bool = False

    def show(self, value: Any, *, depth: int) -> Any:
        if self.left <= 0 or (depth > DEPTH_MAX and isinstance(value, dict | list)):
            self.cut = True
            return CUT
        self.left -= 2
        if isinstance(value, dict):
            return self._members(value, depth)
        if isinstance(value, list):
            self.cut |= len(value) > ROWS_MAX
            return [self.show(item, depth=depth + 1) for item in value[:ROWS_MAX]]
        return self._leaf(value)

    def _members(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        self.cut |= len(value) > MEMBERS_MAX
        shown = list(value.items())[:MEMBERS_MAX]
        return {self._text(name): self.show(member, depth=depth + 1) for name, member in shown}

    def _leaf(self, value: Any) -> Any:
        return self._text(value) if isinstance(value, str) else self.hidden.value(value)

    def _text(self, text: str) -> str:
        """Hide before cutting: half a key is a key half told."""
        shown = self.hidden.text(text)
        if len(shown) > TEXT_LENGTH_MAX:
            self.cut = True
            shown = shown[:TEXT_LENGTH_MAX] + CUT
        self.left -= len(shown)
        return shown
