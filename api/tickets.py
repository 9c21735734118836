"""POST /tickets: a pass for one WebSocket handshake, since browsers cannot set headers there."""

import os
import random
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from api import door
from api.problem import Problem
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts import access
from contracts.clock import NowMs
from contracts.table.schema import TableNames

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient


def issue_ticket(
    request: Request, *, dynamodb: "DynamoDBClient", tables: TableNames, now_ms: NowMs, chance: random.Random
) -> Response:
    """Answer with a ticket; its connection inherits the caller's right and the end of it."""
    if request.right is None:
        raise Problem(status=HTTPStatus.UNAUTHORIZED, detail="no token was shown")
    ticket = access.new_ticket(chance)
    dynamodb.put_item(**access.put_ticket(tables.access, ticket, request.right, now_ms=now_ms()))
    return json_response({"ticket": ticket, "expiresIn": access.TICKET_TTL_S}, status=HTTPStatus.CREATED)


@cache
def _act() -> Act:
    tables = TableNames.from_environ(os.environ)
    return partial(issue_ticket, dynamodb=door.dynamodb(), tables=tables, now_ms=door.wall_ms, chance=door.CHANCE)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="tickets", make=_act, now_ms=door.wall_ms)
