"""GET /datasources/export: sources as a file that `POST /datasources/import` takes. Keys are never in it."""

import os
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from api import cursor, door, pages, parameters, shown
from api.parameters import Parameter, Text, Whole
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts.table import sources
from contracts.table.schema import TableNames
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: A test holds this to the model, which a Lambda that only reads does not import.
_NOT_PORTABLE = frozenset(
    {
        *("id", "apiKeySecretId", "revision", "incarnation", "shard"),
        *("createdAt", "lastUpdated", "owner", "status", "attention"),
    }
)

PARAMETERS: Sequence[Parameter] = (
    Whole(name="limit", about="how many sources at most", least=1, most=100, default=100),
    Text(name="cursor", about="where to go on: `next` of the last answer", most=64),
)


def export_sources(request: Request, *, dynamodb: "DynamoDBClient", tables: TableNames) -> Response:
    """Answer with one page (1 MB at most); `next` is there while there may be more."""
    wanted = parameters.read(request, PARAMETERS)
    after = None if wanted["cursor"] is None else cursor.read(wanted["cursor"])
    answer = dynamodb.scan(**sources.page(tables.data_sources, limit=wanted["limit"], after=after))
    items = pages.fitting([_portable(read_item(item)) for item in answer["Items"]])
    is_whole, last = len(items) == len(answer["Items"]), answer.get("LastEvaluatedKey")
    after = (read_item(last)["id"] if last else None) if is_whole else items[-1]["id"]
    return json_response({"items": items, **({"next": cursor.write(after)} if after else {})})


def _portable(item: Mapping[str, Any]) -> dict[str, Any]:
    """Write a stored source without what only this deployment says of it."""
    fields = {name: value for name, value in shown.source(item).items() if name not in _NOT_PORTABLE}
    return {"id": item["id"], **fields, **({"needsKey": True} if item.get("apiKeySecretId") else {})}


@cache
def _act() -> Act:
    return partial(export_sources, dynamodb=door.dynamodb(), tables=TableNames.from_environ(os.environ))


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="export", make=_act, now_ms=door.wall_ms)
