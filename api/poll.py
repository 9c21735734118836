"""POST /datasources/{sourceId}/poll: have a source polled now, by the worker that polls it anyway."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from api import door
from api.edit import Action, Cancelled, Configuration, Edit
from api.problem import Problem, no_such_source
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from api.rows import read_source
from contracts.clock import SECOND_MS, NowMs
from contracts.kinds import POLLING_INTERVAL_MIN_S, SourceType
from contracts.table import sources
from contracts.table.schema import TableNames
from contracts.table.values import bind, write_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: What a wish is remembered by, beyond the moment until which the next is too soon.
WISH_TTL_S = 3_600


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """All that wishing for a poll needs."""

    dynamodb: "DynamoDBClient"
    tables: TableNames
    configuration: Configuration
    now_ms: NowMs


def poll_source(request: Request, at: Wishes) -> Response:
    """Tell the fleet; the poll itself comes within two seconds, and its outcome as any other's."""
    request.allow_parameters()
    item = read_source(at.dynamodb, at.tables.data_sources, request.source_id)
    if item is None:
        raise no_such_source()
    if not item["enabled"]:
        raise Problem(status=HTTPStatus.CONFLICT, detail="the source is paused: enable it to have it polled")
    kind = SourceType(item["type"])
    edit = Edit(source_id=item["id"], kind=kind, shard=item["shard"], act="poll", revision=item["revision"])
    try:
        at.configuration.land(_actions(item, kind, at), edit)
    except Cancelled as cancelled:
        if 0 in cancelled.places:
            raise no_such_source() from cancelled
        raise _too_soon(kind) from cancelled
    return json_response({"sourceId": item["id"], "requestedAt": at.now_ms()}, status=HTTPStatus.ACCEPTED)


def _actions(item: Mapping[str, Any], kind: SourceType, at: Wishes) -> list[Action]:
    """Let the log grow only for a source that is there, and no faster than the source could be polled."""
    now_ms = at.now_ms()
    until_ms = now_ms + POLLING_INTERVAL_MIN_S[kind] * SECOND_MS
    wish = {"id": f"poll#{item['id']}", "until": until_ms, "ttl": now_ms // SECOND_MS + WISH_TTL_S}
    put = {
        "TableName": at.tables.access,
        "Item": write_item(wish),
        "ConditionExpression": "attribute_not_exists(id) OR #until <= :now",
        "ExpressionAttributeNames": {"#until": "until"},
        "ExpressionAttributeValues": bind({"now": now_ms}),
    }
    return [("ConditionCheck", sources.is_there(at.tables.data_sources, item["id"])), ("Put", put)]


def _too_soon(kind: SourceType) -> Problem:
    least_s = POLLING_INTERVAL_MIN_S[kind]
    return Problem(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        detail=f"it was asked for less than {least_s} s ago",
        headers={"retry-after": str(least_s)},
    )


@cache
def _act() -> Act:
    dynamodb, tables = door.dynamodb(), TableNames.from_environ(os.environ)
    wishes = Wishes(
        dynamodb=dynamodb,
        tables=tables,
        configuration=Configuration.at_the_door(dynamodb, tables.fleet),
        now_ms=door.wall_ms,
    )
    return partial(poll_source, at=wishes)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="poll", make=_act, now_ms=door.wall_ms)
