"""
Requests to Connections and Subscribers: who is connected, and who wants to hear of which source.

Connections: row `#` is the connection itself, every other row one of its subscriptions; rows under `exp#<minute>`
and `who#<principal>` make expiry and revocation a query. Subscribers: one partition per source and bucket, read
strongly while posting; row `#` is the bucket's cursor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from contracts.access import Right
from contracts.clock import MINUTE_MS, iso
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

SELF = "#"
CURSOR = "#"

#: API Gateway cuts a connection after 2 h; its rows live a little longer.
CONNECTION_TTL_S = 2 * 3_600 + 600
SUBSCRIPTIONS_MAX = 128
BUCKET_SUBSCRIBERS_MAX = 2_500


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What one connection wants of one source."""

    connection_id: str
    source_id: str
    bucket: int
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
            mode=row["mode"],
            accept=frozenset(row.get("accept", "").split()),
            expires_ms=row.get("expiry"),
        )

    @classmethod
    def from_own(cls, row: Mapping[str, Any], *, expires_ms: int | None) -> Self:
        """Read the subscription's row under its connection, already unwrapped."""
        return cls(
            connection_id=row["connectionId"],
            source_id=row["sheetId"],
            bucket=row["bucket"],
            mode=row["mode"],
            accept=frozenset(row.get("accept", "").split()),
            expires_ms=expires_ms,
        )


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How far a bucket's subscribers were told, and (in bucket 0) how many buckets the source has."""

    incarnation: str = ""
    version: int = 0
    count: int = 0
    lag_ms: int = 0
    buckets: int = 1

    @classmethod
    def read(cls, item: Mapping[str, Any] | None) -> Self:
        """Read a cursor's row; a bucket that was never served has none."""
        row = read_item(item) if item else {}
        return cls(
            incarnation=row.get("incarnation", ""),
            version=row.get("version", 0),
            count=row.get("count", 0),
            lag_ms=row.get("lagMs", 0),
            buckets=row.get("buckets", 1),
        )


def bucket_key(source_id: str, bucket: int) -> str:
    """Name the partition of one bucket of a source's subscribers."""
    return f"{source_id}#{bucket}"


def put_connection(table: str, connection_id: str, right: Right, *, now_ms: int) -> Request:
    """Put a connection's own row."""
    own = {
        "connectionId": connection_id, "sheetId": SELF, "connectedAt": iso(now_ms),
        "ttl": now_ms // 1_000 + CONNECTION_TTL_S,
        "principal": right.principal, "scopes": " ".join(sorted(right.scopes)), "expiry": right.expires_ms,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(own)}


def put_index(table: str, connection_id: str, right: Right, *, now_ms: int) -> list[Request]:
    """Put the rows by which a connection is found when its right ends."""
    ttl = {"ttl": now_ms // 1_000 + CONNECTION_TTL_S}
    return [{"TableName": table, "Item": write_item(key | ttl)} for key in index_keys(connection_id, right)]


def index_keys(connection_id: str, right: Right) -> list[dict[str, str]]:
    """Give the keys of a connection's index rows: its principal's, and its expiry's if it has one."""
    names = [f"who#{right.principal}"]
    if right.expires_ms is not None:
        names.append(f"exp#{right.expires_ms // MINUTE_MS}")
    return [{"connectionId": name, "sheetId": connection_id} for name in names]


def renew(table: str, connection_id: str, right: Right) -> Request:
    """Give a connection that is still there a right of a later end."""
    return {
        "TableName": table,
        "Key": write_item({"connectionId": connection_id, "sheetId": SELF}),
        "UpdateExpression": "SET scopes = :scopes, expiry = :expiry",
        "ConditionExpression": "attribute_exists(connectionId)",
        "ExpressionAttributeValues": bind({"scopes": " ".join(sorted(right.scopes)), "expiry": right.expires_ms}),
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
        "connectedAt": iso(now_ms), "ttl": now_ms // 1_000 + CONNECTION_TTL_S,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(item)}


def delete_row(table: str, connection_id: str, source_id: str) -> Request:
    """DeleteItem of one row under a connection."""
    return {"TableName": table, "Key": write_item({"connectionId": connection_id, "sheetId": source_id})}


def put_subscriber(table: str, subscription: Subscription, *, now_ms: int) -> Request:
    """Put the row that fan-out reads."""
    item = {
        "bucket": bucket_key(subscription.source_id, subscription.bucket),
        "connectionId": subscription.connection_id,
        "mode": subscription.mode,
        "accept": " ".join(sorted(subscription.accept)) or None,
        "expiry": subscription.expires_ms,
        "ttl": now_ms // 1_000 + CONNECTION_TTL_S,
    }
    return {"TableName": table, "Item": write_item(item)}


def delete_subscriber(table: str, source_id: str, bucket: int, connection_id: str) -> Request:
    """DeleteItem of the row that fan-out reads."""
    key = {"bucket": bucket_key(source_id, bucket), "connectionId": connection_id}
    return {"TableName": table, "Key": write_item(key)}


def subscribers(table: str, source_id: str, bucket: int, *, now_ms: int, after: str = CURSOR) -> Request:
    """
    Query a bucket's subscribers, strongly, after a connection (`#` sorts before every id).

    Rows past their ttl are left out: DynamoDB deletes them up to two days late.
    """
    values = {"bucket": bucket_key(source_id, bucket), "after": after, "now": now_ms // 1_000}
    return {
        "TableName": table,
        "KeyConditionExpression": "#bucket = :bucket AND connectionId > :after",
        "FilterExpression": "#ttl > :now",
        "ExpressionAttributeNames": {"#bucket": "bucket", "#ttl": "ttl"},
        "ExpressionAttributeValues": bind(values),
        "ConsistentRead": True,
    }


def get_cursor(table: str, source_id: str, bucket: int) -> Request:
    """GetItem of a bucket's cursor, read strongly."""
    key = {"bucket": bucket_key(source_id, bucket), "connectionId": CURSOR}
    return {"TableName": table, "Key": write_item(key), "ConsistentRead": True}


def get_cursors(table: str, buckets: Sequence[tuple[str, int]]) -> Request:
    """BatchGetItem of at most 100 buckets' cursors, for a list: read as they stand."""
    keys = [{"bucket": bucket_key(source_id, bucket), "connectionId": CURSOR} for source_id, bucket in buckets]
    return {"RequestItems": {table: {"Keys": [write_item(key) for key in keys]}}}


def count_in(table: str, source_id: str, bucket: int) -> Request:
    """Count one more subscriber of a bucket; returns the new count."""
    return _cursor(table, source_id, bucket, action="ADD #count :one", values={"one": 1})


def open_bucket(table: str, source_id: str, buckets: int) -> Request:
    """Let a source have one bucket more than `buckets`, if nobody was quicker."""
    values = {"next": buckets + 1, "seen": buckets}
    request = _cursor(table, source_id, 0, action="SET buckets = :next", values=values)
    return request | {"ConditionExpression": "attribute_not_exists(buckets) OR buckets = :seen"}


def set_cursor(table: str, source_id: str, bucket: int, cursor: Cursor) -> Request:
    """Remember what a pass over a bucket found and told."""
    action = "SET incarnation = :incarnation, #version = :version, #count = :count, lagMs = :lag"
    values = {
        "incarnation": cursor.incarnation, "version": cursor.version, "count": cursor.count, "lag": cursor.lag_ms,
    }  # fmt: skip
    return _cursor(table, source_id, bucket, action=action, values=values)


def delete_cursor(table: str, source_id: str, bucket: int) -> Request:
    """DeleteItem of a bucket's cursor, when its source is gone."""
    return delete_subscriber(table, source_id, bucket, CURSOR)


def _cursor(table: str, source_id: str, bucket: int, *, action: str, values: Mapping[str, Any]) -> Request:
    names = {f"#{name}": name for name in ("count", "version") if f"#{name}" in action}
    request: Request = {
        "TableName": table,
        "Key": write_item({"bucket": bucket_key(source_id, bucket), "connectionId": CURSOR}),
        "UpdateExpression": action,
        "ExpressionAttributeValues": bind(values),
        "ReturnValues": "ALL_NEW",
    }
    return request | ({"ExpressionAttributeNames": names} if names else {})
