"""
Requests to Connections: who is connected, and who wants to hear of which source.

Row `#` is the connection itself, every other row one of its subscriptions; rows under `exp#<minute>` and
`who#<principal>` make its end and a revocation a query (`revocations.py`, `sweeps.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.access import Right
from contracts.clock import MINUTE_MS, iso
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

SELF = "#"

#: API Gateway cuts a connection after 2 h; its rows live a little longer.
CONNECTION_TTL_S = 2 * 3_600 + 600
#: What finds a connection that is over lives longer than it, so that somebody still looks.
INDEX_SPARE_S = 3_600
SUBSCRIPTIONS_MAX = 128


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """
    What one connection wants of one source, and by which right.

    `since_ms` is when that right was written down, `until_s` (Unix) when the connection is over in any case.
    """

    connection_id: str
    source_id: str
    bucket: int
    principal: str
    since_ms: int
    until_s: int
    mode: str = "patch"
    accept: frozenset[str] = frozenset()
    expires_ms: int | None = None

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a subscriber's row as a client returns it."""
        row = read_item(item)
        source_id, _, bucket = row["bucket"].rpartition("#")
        return cls(
            connection_id=row["connectionId"],
            source_id=source_id,
            bucket=int(bucket),
            principal=row["who"],
            since_ms=row["since"],
            until_s=row["ttl"],
            mode=row["mode"],
            accept=frozenset(row.get("accept", "").split()),
            expires_ms=row.get("expiry"),
        )

    @classmethod
    def from_own(cls, row: Mapping[str, Any], own: Mapping[str, Any]) -> Self:
        """Read the subscription's row under its connection and the connection's own, both unwrapped."""
        return cls(
            connection_id=row["connectionId"],
            source_id=row["sheetId"],
            bucket=row["bucket"],
            principal=own.get("principal", ""),
            since_ms=own.get("since", 0),
            until_s=own.get("ttl", row["ttl"]),
            mode=row["mode"],
            accept=frozenset(row.get("accept", "").split()),
            expires_ms=own.get("expiry"),
        )


def put_connection(table: str, connection_id: str, right: Right, *, now_ms: int) -> Request:
    """Put a connection's own row."""
    own = {
        "connectionId": connection_id, "sheetId": SELF, "connectedAt": iso(now_ms),
        "ttl": now_ms // 1_000 + CONNECTION_TTL_S, "since": now_ms,
        "principal": right.principal, "scopes": " ".join(sorted(right.scopes)), "expiry": right.expires_ms,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(own)}


def end_ms(right: Right, until_s: int) -> int:
    """Say when a connection is over: with its right, or when the gateway has cut it."""
    return min(right.expires_ms or until_s * 1_000, until_s * 1_000)


def put_index(table: str, connection_id: str, right: Right, *, until_s: int) -> list[Request]:
    """Put the rows by which a connection is found when its right ends, and when it is over without a goodbye."""
    rest = {"ttl": until_s + INDEX_SPARE_S, "at": end_ms(right, until_s)}
    keys = index_keys(connection_id, right, until_s=until_s)
    return [{"TableName": table, "Item": write_item(key | rest)} for key in keys]


def index_keys(connection_id: str, right: Right, *, until_s: int) -> list[dict[str, str]]:
    """Give the keys of a connection's index rows: its principal's, and that of the minute in which it is over."""
    names = [f"who#{right.principal}", f"exp#{end_ms(right, until_s) // MINUTE_MS}"]
    return [{"connectionId": name, "sheetId": connection_id} for name in names]


def renew(table: str, connection_id: str, right: Right, *, now_ms: int) -> Request:
    """Give a connection that is still there another right."""
    return {
        "TableName": table,
        "Key": write_item({"connectionId": connection_id, "sheetId": SELF}),
        "UpdateExpression": "SET scopes = :scopes, expiry = :expiry, since = :since",
        "ConditionExpression": "attribute_exists(connectionId)",
        "ExpressionAttributeValues": bind(
            {"scopes": " ".join(sorted(right.scopes)), "expiry": right.expires_ms, "since": now_ms}
        ),
    }


def rows_of(table: str, connection_id: str) -> Request:
    """Query a connection's own row and its subscriptions."""
    return {
        "TableName": table,
        "KeyConditionExpression": "connectionId = :id",
        "ExpressionAttributeValues": bind({"id": connection_id}),
        "ConsistentRead": True,
    }


def put_subscription(table: str, subscription: Subscription, *, now_ms: int) -> Request:
    """Put the subscription's row under its connection."""
    item = {
        "connectionId": subscription.connection_id, "sheetId": subscription.source_id, "bucket": subscription.bucket,
        "mode": subscription.mode, "accept": " ".join(sorted(subscription.accept)) or None,
        "connectedAt": iso(now_ms), "ttl": subscription.until_s,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(item)}


def delete_row(table: str, connection_id: str, source_id: str) -> Request:
    """DeleteItem of one row under a connection."""
    return {"TableName": table, "Key": write_item({"connectionId": connection_id, "sheetId": source_id})}
