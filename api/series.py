"""GET /datasources/{sourceId}/series: one number of a source over time, in buckets."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from api import door, parameters
from api.buckets import Buckets, number
from api.documents import Documents
from api.history import Exhausted, History
from api.parameters import Parameter, Place, Whole
from api.problem import FieldError
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts.clock import DAY_S, SECOND_MS, NowMs
from contracts.pointer import Path
from contracts.table.changes import Change
from contracts.table.schema import TableNames

WINDOW_DEFAULT_MS = DAY_S * SECOND_MS
BUCKETS_DEFAULT = 240
BUCKETS_MAX = 2_000
#: An answer reads at most so many pages of history, of 1 MB each.
PAGES_MAX = 6
#: The year 2255: later is a mistake in units.
TIME_MAX_MS = 9_000_000_000_000

PARAMETERS: Sequence[Parameter] = (
    Place(name="path", about="which number: a JSON Pointer", required=True),
    Whole(name="bucket", about="length of a bucket in seconds; by default a 240th of the window", least=1, most=DAY_S),
    Whole(name="from", about="from when, ms since the epoch; by default a day before `to`", least=0, most=TIME_MAX_MS),
    Whole(name="to", about="until when, ms since the epoch; by default, and at most, now", least=0, most=TIME_MAX_MS),
)


@dataclass(frozen=True, kw_only=True)
class Window:
    """What a caller wants to see."""

    path: Path
    from_ms: int
    to_ms: int
    bucket_s: int

    @classmethod
    def of(cls, wanted: Mapping[str, Any], *, now_ms: int) -> "Window":
        """Fill in what the caller left out."""
        to_ms = now_ms if wanted["to"] is None else min(wanted["to"], now_ms)
        from_ms = max(0, to_ms - WINDOW_DEFAULT_MS) if wanted["from"] is None else wanted["from"]
        if from_ms >= to_ms:
            raise parameters.refuse(FieldError(field="from", message="must be before `to`, and before now"))
        least_s = max(1, -(-(to_ms - from_ms) // (BUCKETS_DEFAULT * SECOND_MS)))
        bucket_s = wanted["bucket"] or min(least_s, DAY_S)
        if to_ms - from_ms > BUCKETS_MAX * bucket_s * SECOND_MS:
            message = f"so small that this window has more than {BUCKETS_MAX} of them"
            raise parameters.refuse(FieldError(field="bucket", message=message))
        return cls(path=wanted["path"], from_ms=from_ms, to_ms=to_ms, bucket_s=bucket_s)


def show_series(request: Request, *, documents: Documents, tables: TableNames, now_ms: NowMs) -> Response:
    """Answer with the buckets; `next` is there if the answer broke off: ask again with `from=<next>`."""
    window = Window.of(parameters.read(request, PARAMETERS), now_ms=now_ms())
    history = History.of(request.source_id, documents=documents, table=tables.changes)
    buckets = Buckets(length_ms=window.bucket_s * SECOND_MS)
    reached_ms = _walk(history, window, buckets)
    more = {"next": reached_ms} if reached_ms < window.to_ms else {}
    told = {"bucket": window.bucket_s, "from": window.from_ms, "to": window.to_ms}
    return json_response({"incarnation": history.head.incarnation, **told, "points": list(buckets.shown()), **more})


def _walk(history: History, window: Window, buckets: Buckets) -> int:
    """Fill buckets with what the place held from change to change; how far it came (ms)."""
    start = history.version_at(window.from_ms)
    first = history.change(start)
    value = number(history.cell_in(first, window.path)) if first else None
    since_ms = seen_ms = window.from_ms
    try:
        for change in _changes(history, start + 1, window.to_ms):
            did = history.cell_after(change, window.path)
            seen_ms = max(seen_ms, change.at_ms)  # workers' clocks differ by a little
            if did.touched:
                buckets.hold(value, since_ms, seen_ms)
                value, since_ms = number(did.cell), seen_ms
                buckets.change(value, since_ms)
    except Exhausted:
        until_ms = min(seen_ms + 1, window.to_ms)
    else:
        until_ms = window.to_ms
    buckets.hold(value, since_ms, until_ms)
    return until_ms


def _changes(history: History, version: int, to_ms: int) -> Iterator[Change]:
    """Give the changes of a window, oldest first."""
    for pages, page in enumerate(history.pages_from(version), start=1):
        for change in page.changes:
            if change.at_ms >= to_ms:
                return
            yield change
        if pages == PAGES_MAX and page.last is not None:
            raise Exhausted


@cache
def _act() -> Act:
    tables = TableNames.from_environ(os.environ)
    documents = Documents.at_the_door(os.environ)
    return partial(show_series, documents=documents, tables=tables, now_ms=door.wall_ms)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="series", make=_act, now_ms=door.wall_ms)
