"""GET /datasources/{sourceId}: one source with its head."""

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from api import door, shown
from api.achievable import SheetQuota
from api.audience import subscribers
from api.problem import no_such_source
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from api.rows import read_head, read_source
from contracts.table.schema import TableNames

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient


def get_source(request: Request, *, dynamodb: "DynamoDBClient", tables: TableNames, quota: SheetQuota) -> Response:
    """Answer with a source; its ETag is the revision that an update must name."""
    request.allow_parameters()
    item = read_source(dynamodb, tables.data_sources, request.source_id)
    if item is None:
        raise no_such_source()
    head = read_head(dynamodb, tables.sheets_data, request.source_id)
    followed_by = subscribers(dynamodb, tables.subscribers, [request.source_id])[request.source_id]
    (achievable,) = quota.now(item)
    detail = shown.detail(item, head, subscribers=followed_by) | achievable
    return json_response(detail, headers=shown.revision_tag(item))


@cache
def _act() -> Act:
    dynamodb = door.dynamodb()
    quota = SheetQuota.of(os.environ, dynamodb=dynamodb, now_ms=door.wall_ms)
    return partial(get_source, dynamodb=dynamodb, tables=TableNames.from_environ(os.environ), quota=quota)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="get", make=_act, now_ms=door.wall_ms)
