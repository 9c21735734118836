"""
PUT /datasources/{sourceId}/update: some fields of a source, as somebody saw it.

The edit names the revision it has seen. Its transaction also bumps the head's fence, so that what a worker fetched
by the old rules cannot land, and tells the fleet. The shard stays what it was at registration.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache, partial
from http import HTTPStatus
from itertools import chain
from typing import Any

from api import door, shown
from api.body import read_object
from api.edit import Action, Cancelled, Edit
from api.fields import FIELD_LENGTH_MAX, hidden_headers, not_shared, read_registration, refuse
from api.key_uses import Move
from api.models import SOURCE_FIELDS, Registration, Source
from api.problem import FieldError, Problem, no_such_source, try_again
from api.registrar import Registrar
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from api.rows import read_source
from contracts.clock import iso
from contracts.kinds import SourceType
from contracts.rules import origin
from contracts.sheet_address import read_address
from contracts.table import heads, sources

_FIELDS = frozenset(SOURCE_FIELDS.values())
_KEYS = frozenset({"apiKey", "apiKeySecretId"})
#: From which place on the transaction's actions count uses of secrets.
KEY_PLACE = 2


def update_source(request: Request, at: Registrar) -> Response:
    """Edit a source and show it."""
    request.allow_parameters()
    seen = _seen(request)
    patch = read_object(request)
    item = _current(request.source_id, at)
    if seen != shown.revision_tag(item)["etag"]:
        raise _stale(item)
    registration = _registration(item, patch, at)
    move = _move(item, patch, registration, at)
    source = _edited(item, registration, move, at)
    _land(source, move, at)
    at.uses.land(move)
    edited = source.item()
    return json_response(
        shown.source(edited) | at.quota.foretold(edited, item),
        headers=shown.revision_tag(edited),
        fields=list(_changed(item, edited, patch)),
    )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], patch: Mapping[str, Any]) -> Iterator[str]:
    """Name what the edit made different; never what it was or is."""
    yield from sorted(name for name in _FIELDS if before.get(name) != after.get(name))
    if patch.get("apiKey") or before.get("apiKeySecretId") != after.get("apiKeySecretId"):
        yield "apiKey"


def _land(source: Source, move: Move, at: Registrar) -> None:
    """Land the edit; if it does not, the key is as it was."""
    try:
        at.configuration.land(_actions(source, move, at), Edit.put(source))
    except Cancelled as cancelled:
        at.uses.take_back(move)
        if min(cancelled.places) >= KEY_PLACE:  # a shared secret's last source went meanwhile, or our hold lapsed
            raise (try_again("send the edit again") if move.holder else refuse(not_shared())) from cancelled
        raise _stale(_current(source.id, at)) from cancelled
    except Problem:
        at.uses.take_back(move)
        raise


def _seen(request: Request) -> str:
    seen = request.headers.get("if-match", "").strip()
    if seen in {"", "*"}:
        detail = "say in If-Match which revision you have seen: the ETag of the source"
        raise Problem(status=HTTPStatus.PRECONDITION_REQUIRED, detail=detail)
    return seen


def _current(source_id: str, at: Registrar) -> dict[str, Any]:
    item = read_source(at.dynamodb, at.tables.data_sources, source_id)
    if item is None:
        raise no_such_source()
    return item


def _stale(item: Mapping[str, Any]) -> Problem:
    return Problem(
        status=HTTPStatus.PRECONDITION_FAILED,
        detail="the source was edited since; `current` is what it is now",
        more={"current": shown.source(item)},
        headers=shown.revision_tag(item),
    )


def _registration(item: Mapping[str, Any], patch: Mapping[str, Any], at: Registrar) -> Registration:
    """Validate the source as it will be: the stored fields with those of the edit over them."""
    stored = {name: value for name, value in item.items() if name in _FIELDS}
    known = {name: value for name, value in patch.items() if name in (_FIELDS | _KEYS) - {"type"}}
    given = {name: value for name, value in known.items() if value is not None or name not in _KEYS}
    edit = _with_hidden(given, item)
    besides = chain(_not_editable(item, patch), hidden_headers(edit.get("headers")))
    registration = read_registration(stored | edit, at.rules.policy, besides=besides)
    if _place(registration.type, registration.url) != _place(registration.type, item["url"]):
        detail = (
            "another spreadsheet is another source: register it anew"
            if registration.type is SourceType.GOOGLE_SHEET
            else "another scheme, host or port is another source, and its key another secret: register it anew"
        )
        raise Problem(status=HTTPStatus.CONFLICT, detail=detail)
    return registration


def _place(kind: SourceType, url: str) -> str:
    """Name what an edit may not change: the origin, of a sheet the spreadsheet."""
    return read_address(url).spreadsheet_id if kind is SourceType.GOOGLE_SHEET else origin(url)


def _edited(item: Mapping[str, Any], registration: Registration, move: Move, at: Registrar) -> Source:
    edited = registration.model_dump(by_alias=True, mode="json", exclude={"api_key", "api_key_secret_id"})
    changed = {"revision": item["revision"] + 1, "lastUpdated": iso(at.now_ms()), "apiKeySecretId": move.after}
    return Source.from_item({**item, **edited, **changed})


def _not_editable(item: Mapping[str, Any], patch: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in patch:
        if name not in _FIELDS | _KEYS:
            message = "cannot be set" if name in item else "there is no such field"
            yield FieldError(field=name[:FIELD_LENGTH_MAX], message=message)
    if patch.get("type", item["type"]) != item["type"]:
        yield FieldError(field="type", message="a source keeps its type: register another")


def _with_hidden(patch: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Put stored values back where a caller sends what it was shown instead of them."""
    headers = patch.get("headers")
    if not isinstance(headers, dict):
        return dict(patch)
    stored = item.get("headers", {})
    return {**patch, "headers": {
        name: stored[name] if value == shown.HIDDEN and name in stored else value for name, value in headers.items()
    }}  # fmt: skip


def _move(item: Mapping[str, Any], patch: Mapping[str, Any], registration: Registration, at: Registrar) -> Move:
    """Say what becomes of the source's key: a new one, another source's, none any more, or as it was."""
    if registration.type is SourceType.GOOGLE_SHEET:
        return Move(before=None, after=None)  # it has no key of its own
    before, bound_to = item.get("apiKeySecretId"), origin(registration.url)
    if registration.api_key:
        return at.uses.bring(item["id"], registration.api_key.get_secret_value(), bound_to, before=before)
    shared = registration.api_key_secret_id
    if shared and shared != before and not at.keys.belongs_to(shared, bound_to):
        raise refuse(not_shared())
    return Move(before=before, after=shared if _KEYS & patch.keys() else before)


def _actions(source: Source, move: Move, at: Registrar) -> list[Action]:
    return [
        ("Update", sources.edit(at.tables.data_sources, source, seen=source.revision - 1)),
        ("Update", heads.close_door(at.tables.sheets_data, source.id)),
        *move.actions(at.tables.fleet),
    ]


@cache
def _act() -> Act:
    return partial(update_source, at=Registrar.at_the_door(os.environ))


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="update", make=_act, now_ms=door.wall_ms)
