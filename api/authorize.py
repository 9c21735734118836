"""
The authorizer of both APIs: who is this, and does the route allow it? Whatever is not clearly allowed is not.

A header is judged alone: one that opens nothing is not mended by a ticket. What begins as a token of ours is one, and
is looked up; anything else can only be a token of the configured issuer. A ticket counts where no header is shown.

The HTTP API (payload 2.0) gets a simple answer, the WebSocket API a policy for its handshake; both get the same
context. Tokens and tickets are never logged, nor is what was wrong with one told to its bearer.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from api import door
from api.respond import Answer, Event, log
from api.rows import read_row
from api.scopes import needed
from contracts import access
from contracts.access import Right
from contracts.clock import NowMs, iso
from contracts.table.schema import TableNames
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: Nothing of ours is longer; what is longer is not looked up.
CREDENTIAL_LENGTH_MAX = 256
#: Beyond what API Gateway passes on in all headers together (10,240 bytes).
JWT_LENGTH_MAX = 8_192

#: Gives the right of an issuer's token; None if it does not count.
type Foreign = Callable[[str], Right | None]


_JWT_DOTS = 2


class Find(Protocol):
    """Finds the right of a handshake or request, or None."""

    def __call__(self, event: Event) -> Right | None:
        """Look at the event's header or ticket."""


def find_right(
    event: Event, *, dynamodb: "DynamoDBClient", tables: TableNames, now_ms: NowMs, foreign: Foreign
) -> Right | None:
    """Find what the bearer may do. A ticket opens a WebSocket only, and only if no header is shown."""
    header = {name.lower(): value for name, value in (event.get("headers") or {}).items()}.get("authorization")
    if header is not None:
        bearer = _bearer(header)
        if bearer.count(".") == _JWT_DOTS and not bearer.startswith(access.TOKEN_PREFIX):
            return foreign(bearer) if len(bearer) <= JWT_LENGTH_MAX and bearer.isascii() else None
        return _right_of_token(dynamodb, tables.access, bearer)
    ticket = (event.get("queryStringParameters") or {}).get("ticket", "")
    if not _is_handshake(event) or not _plausible(ticket):
        return None
    return _right_of_ticket(dynamodb, tables.access, ticket, now_ms())


def decide(event: Event, find: Find, *, now_ms: NowMs) -> Answer:
    """Answer in the form of the API that asks, and leave a line in the log."""
    started_ms = now_ms()
    route = _route(event)
    right = find(event)
    allowed = right is not None and right.allows(needed(route), now_ms())
    context = _context_of(right) if right and allowed else {}
    log({
        "what": "authorize", "at": iso(started_ms), "route": route, "allowed": allowed,
        "principal": right.principal if right else "",
        "request": (event.get("requestContext") or {}).get("requestId", ""), "ms": now_ms() - started_ms,
    })  # fmt: skip
    return _policy(event, context) if _is_handshake(event) else {"isAuthorized": allowed, "context": context}


def _right_of_token(dynamodb: "DynamoDBClient", table: str, token: str) -> Right | None:
    identity = access.token_id(token) if _plausible(token) else None
    row = read_row(dynamodb, access.get_token(table, identity)) if identity else None
    return Right.from_row(row) if row and access.token_matches(token, row) else None


def _right_of_ticket(dynamodb: "DynamoDBClient", table: str, ticket: str, now_ms: int) -> Right | None:
    try:
        answer = dynamodb.delete_item(**access.take_ticket(table, ticket, now_ms=now_ms))
    except ClientError as error:
        if error.response["Error"].get("Code") == "ConditionalCheckFailedException":
            return None
        raise
    return Right.from_row(read_item(answer["Attributes"]))


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _plausible(credential: str) -> bool:
    return 0 < len(credential) <= CREDENTIAL_LENGTH_MAX and credential.isascii()


def _is_handshake(event: Event) -> bool:
    return "methodArn" in event


def _route(event: Event) -> str:
    context = event.get("requestContext") or {}
    return str(event.get("routeKey") or context.get("routeKey") or "")


def _context_of(right: Right) -> dict[str, str | int]:
    """Say what the endpoint will know of its caller; a value is text or a number, never null (API Gateway)."""
    scopes = " ".join(sorted(right.scopes))
    return {"principal": right.principal, "scopes": scopes} | ({"expiry": right.expires_ms} if right.expires_ms else {})


def _policy(event: Event, context: Mapping[str, str | int]) -> Answer:
    effect = "Allow" if context else "Deny"
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return {
        "principalId": context.get("principal", "nobody"),
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }


@cache
def _verify() -> Foreign:
    if not os.environ.get("OIDC_ISSUER"):
        return lambda _: None
    from api import oidc  # noqa: PLC0415 - its library would double the start of an authorizer that never needs it

    return oidc.Verifier(issuer=oidc.Issuer.from_environ(os.environ), ask=oidc.ask, now_ms=door.wall_ms).right


def _foreign(token: str) -> Right | None:
    """Ask about an issuer's token; what that takes is imported when the first one is shown."""
    return _verify()(token)


@cache
def _find() -> Find:
    tables = TableNames.from_environ(os.environ)
    return partial(find_right, dynamodb=door.dynamodb(), tables=tables, now_ms=door.wall_ms, foreign=_foreign)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda; a table that does not answer is an error of ours, never a yes."""
    return decide(event, _find(), now_ms=door.wall_ms)
