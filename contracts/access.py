"""
Who gets in: tokens, tickets, scopes. Only hashes are kept.

A token reads `smf_<id>_<secret>`: the id finds the row, the hash of the secret is compared in constant time. A
ticket is a token for one WebSocket handshake, since browsers cannot set headers there: single use, 60 seconds.
"""

import hashlib
import hmac
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import DAY_S, SECOND_MS
from contracts.table.values import bind, write_item

type Request = dict[str, Any]

TOKEN_PREFIX = "smf"  # noqa: S105 - a prefix, so that leaked tokens can be searched for
TOKEN_ROW = "token#"  # noqa: S105 - how a row's id begins
TICKET_ROW = "ticket#"
TICKET_TTL_S = 60
#: How long after its end a token is still listed.
ENDED_TTL_S = 7 * DAY_S
SECRET_BITS = 192
ID_BITS = 48
READ, WRITE = "read", "write"


@dataclass(frozen=True, kw_only=True)
class Right:
    """What a caller may do, and until when (None: until revoked)."""

    principal: str
    scopes: frozenset[str]
    expires_ms: int | None = None

    def allows(self, scope: str, now_ms: int) -> bool:
        """Tell whether this right still stands and covers a scope; `write` covers `read`."""
        alive = self.expires_ms is None or now_ms < self.expires_ms
        return alive and (scope in self.scopes or (scope == READ and WRITE in self.scopes))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read the right of a token's or a ticket's row."""
        return cls(principal=row["principal"], scopes=frozenset(row["scopes"].split()), expires_ms=row.get("expiry"))


def new_token(chance: random.Random) -> str:
    """Make a token; `chance` must be the system's."""
    return f"{TOKEN_PREFIX}_{chance.getrandbits(ID_BITS):012x}_{chance.getrandbits(SECRET_BITS):048x}"


def new_ticket(chance: random.Random) -> str:
    """Make a ticket; `chance` must be the system's."""
    return f"{chance.getrandbits(SECRET_BITS):048x}"


def token_id(token: str) -> str | None:
    """Name the row of a token; None if it cannot be one."""
    prefix, _, rest = token.partition("_")
    identity, _, secret = rest.partition("_")
    return f"{TOKEN_ROW}{identity}" if prefix == TOKEN_PREFIX and identity and secret else None


def ticket_id(ticket: str) -> str:
    """Name the row of a ticket."""
    return f"{TICKET_ROW}{hash_secret(ticket)}"


def hash_secret(secret: str) -> str:
    """Hash a random secret: with 192 bits of chance a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_row(token: str, right: Right, *, name: str, created_at: str) -> dict[str, Any]:
    """Give the plain row that lets a token in."""
    identity = token_id(token)
    if identity is None:
        raise ValueError("not a token of ours")
    row = {
        "id": identity, "hash": hash_secret(token), "principal": right.principal, "name": name,
        "scopes": " ".join(sorted(right.scopes)), "createdAt": created_at,
    }  # fmt: skip
    if right.expires_ms is None:
        return row
    return row | {"expiry": right.expires_ms, "ttl": right.expires_ms // SECOND_MS + ENDED_TTL_S}


def token_matches(token: str, row: Mapping[str, Any]) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_secret(token), str(row.get("hash", "")))


def put_token(table: str, row: Mapping[str, Any]) -> Request:
    """Put a token's row."""
    return {"TableName": table, "Item": write_item(row)}


def put_new_token(table: str, row: Mapping[str, Any]) -> Request:
    """Put a token's row where there is none: ids are 48 bits of chance."""
    return put_token(table, row) | {"ConditionExpression": "attribute_not_exists(id)"}


def delete_token(table: str, identity: str) -> Request:
    """DeleteItem of a token: from then on it opens nothing."""
    return {"TableName": table, "Key": write_item({"id": identity})}


def tokens(table: str) -> Request:
    """Scan what is known of all tokens, but for their hashes."""
    return {
        "TableName": table,
        "FilterExpression": "begins_with(id, :row)",
        "ProjectionExpression": "id, #name, principal, scopes, createdAt, expiry",
        "ExpressionAttributeNames": {"#name": "name"},
        "ExpressionAttributeValues": bind({"row": TOKEN_ROW}),
        "ConsistentRead": True,
    }


def get_token(table: str, identity: str) -> Request:
    """GetItem of a token, read strongly: a revoked token is refused at once."""
    return {"TableName": table, "Key": write_item({"id": identity}), "ConsistentRead": True}


def put_ticket(table: str, ticket: str, right: Right, *, now_ms: int) -> Request:
    """Put a ticket's row; the connection inherits the right and its end, not the ticket's."""
    item = {
        "id": ticket_id(ticket), "principal": right.principal, "scopes": " ".join(sorted(right.scopes)),
        "expiry": right.expires_ms, "until": now_ms + TICKET_TTL_S * SECOND_MS,
        "ttl": now_ms // SECOND_MS + TICKET_TTL_S,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(item)}


def take_ticket(table: str, ticket: str, *, now_ms: int) -> Request:
    """Delete a ticket and return it: whoever deletes it first is in, nobody after."""
    return {
        "TableName": table,
        "Key": write_item({"id": ticket_id(ticket)}),
        "ConditionExpression": "#until > :now",
        "ExpressionAttributeNames": {"#until": "until"},
        "ExpressionAttributeValues": bind({"now": now_ms}),
        "ReturnValues": "ALL_OLD",
    }
