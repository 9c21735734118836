"""GET /datasources/{sourceId}/changes: what changed, newest first; with `path`, the history of one place."""

import json
import os
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from api import cell, cursor, door, parameters
from api.documents import Documents
from api.history import Exhausted, History, Page
from api.parameters import Parameter, Place, Text, Whole
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts.pointer import Cell, Path
from contracts.table.changes import Change
from contracts.table.schema import TableNames

#: The history of one place looks at this many changes, or at 1 MB of them (AWS), and says where to go on.
LOOKED_AT_MAX = 1_000
#: An answer ends early rather than be larger; a step larger than this is told without its operations.
ANSWER_BYTES_MAX = 1_000_000

PARAMETERS: Sequence[Parameter] = (
    Whole(name="limit", about="how many changes at most", least=1, most=100, default=50),
    Text(name="cursor", about="where to go on: `next` of the last answer", most=64),
    Place(name="path", about="only changes of this place: a JSON Pointer"),
)


def list_changes(request: Request, *, documents: Documents, tables: TableNames) -> Response:
    """Answer with one page; `next` is there while there may be more."""
    wanted = parameters.read(request, PARAMETERS)
    below = cursor.read_version(wanted["cursor"]) if wanted["cursor"] is not None else None
    history = History.of(request.source_id, documents=documents, table=tables.changes)
    limit, path = wanted["limit"], wanted["path"]
    page = history.before(below, limit=limit if path is None else LOOKED_AT_MAX)
    items, last = _fill(page, history, path, limit, start=below or history.head.version + 1)
    more = {"next": cursor.write_version(last)} if last is not None and last > 1 else {}
    return json_response({"incarnation": history.head.incarnation, "items": items, **more})


def _fill(
    page: Page, history: History, path: Path | None, limit: int, *, start: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Give the items of an answer, and the version below which the next goes on (None: there is no more)."""
    items: list[dict[str, Any]] = []
    size, version = 0, start
    for change in page.changes:
        try:
            item = _item(change) if path is None else _item_of(change, path, history)
        except Exhausted:
            return items, version
        size += len(json.dumps(item)) if item else 0
        if item and (len(items) == limit or (items and size > ANSWER_BYTES_MAX)):
            return items, version
        items += [item] if item else []
        version = change.version
    return items, page.last


def _item(change: Change) -> dict[str, Any]:
    small = change.bytes <= ANSWER_BYTES_MAX
    return {
        "incarnation": change.incarnation, "version": change.version, "at": change.at_ms, "bytes": change.bytes,
        "ops": change.step if small else None, "summary": change.summary and change.summary.row(),
    }  # fmt: skip


def _item_of(change: Change, path: Path, history: History) -> dict[str, Any] | None:
    """Show what a change did to one place; None if nothing."""
    did = history.cell_after(change, path)
    if not did.touched:
        return None
    shown = _item(change)
    ops = None if shown["ops"] is None else list(cell.touching(shown["ops"], path))
    return {**shown, "ops": ops, "after": _shown(did.cell)}


def _shown(found: Cell | None) -> dict[str, Any] | None:
    """Show what a place held: null if that is not known, or more than an answer takes."""
    if found is None:
        return None
    if not found.exists:
        return {"exists": False}
    if len(json.dumps(found.value)) > ANSWER_BYTES_MAX:
        return None
    return {"exists": True, "value": found.value}


@cache
def _act() -> Act:
    tables = TableNames.from_environ(os.environ)
    return partial(list_changes, documents=Documents.at_the_door(os.environ), tables=tables)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="changes", make=_act, now_ms=door.wall_ms)
