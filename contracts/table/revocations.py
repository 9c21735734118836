"""
Requests about ended rights: whom to cut although their right names a later end, or none.

Who revokes a token deletes its row in Access, so that nobody gets in with it again, and puts a row here, in
Connections, so that who is in already gets out: the next pass over a bucket leaves them out, the next minute's sweep
cuts them. A right is its principal's: whoever holds another token of the same principal connects again with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.access import TICKET_TTL_S
from contracts.clock import SECOND_MS
from contracts.table.connections import CONNECTION_TTL_S
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

PARTITION = "revoked#"

#: A ticket drawn before lets somebody in a minute later, and a handshake under way (29 s at most: API Gateway) at once.
LATE_MS = (TICKET_TTL_S + 30) * SECOND_MS


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """Whatever a principal was given until `at_ms` has ended."""

    principal: str
    at_ms: int

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a row as a client returns it."""
        row = read_item(item)
        return cls(principal=row["sheetId"], at_ms=row["at"])

    def ends(self, since_ms: int) -> bool:
        """Tell whether it ends a right that was written down then; one that came a moment later may be as old."""
        return since_ms <= self.at_ms + LATE_MS


def revoke(table: str, principal: str, *, now_ms: int) -> Request:
    """PutItem that ends what a principal has, in the table Connections; put again it moves to the later moment."""
    # No connection that was let in before outlives this row.
    row = {
        "connectionId": PARTITION, "sheetId": principal, "at": now_ms,
        "ttl": now_ms // SECOND_MS + CONNECTION_TTL_S + LATE_MS // SECOND_MS,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(row)}


def standing(table: str, *, now_ms: int) -> Request:
    """Query what was revoked while anybody who is connected now may have been in already, read strongly."""
    return {
        "TableName": table,
        "KeyConditionExpression": "connectionId = :revoked",
        "FilterExpression": "#ttl > :now",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": bind({"revoked": PARTITION, "now": now_ms // SECOND_MS}),
        "ConsistentRead": True,
    }
