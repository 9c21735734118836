"""
Requests to Subscribers: who is to be told of a source.

One partition per source and bucket, read strongly while posting; row `#` is the bucket's cursor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import MINUTE_MS
from contracts.table.connections import Subscription
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

CURSOR = "#"
BUCKET_SUBSCRIBERS_MAX = 2_500
#: A job that has not begun by then is queued once more: twice does no harm, never would.
JOB_LOST_AFTER_MS = 5 * MINUTE_MS


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


def put_subscriber(table: str, subscription: Subscription) -> Request:
    """Put the row that fan-out reads."""
    item = {
        "bucket": bucket_key(subscription.source_id, subscription.bucket),
        "connectionId": subscription.connection_id,
        "mode": subscription.mode,
        "accept": " ".join(sorted(subscription.accept)) or None,
        "expiry": subscription.expires_ms,
        "who": subscription.principal,
        "since": subscription.since_ms,
        "ttl": subscription.until_s,
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


def count_in(table: str, source_id: str, bucket: int) -> Request:
    """Count one more subscriber of a bucket; returns the new count."""
    return _cursor(table, source_id, bucket, action="ADD #count :one", values={"one": 1})


def count_out(table: str, source_id: str, bucket: int) -> Request:
    """Count one subscriber of a bucket less, unless the count says that nobody is there."""
    request = _cursor(table, source_id, bucket, action="ADD #count :one", values={"one": -1, "none": 0})
    return request | {"ConditionExpression": "#count > :none"}


def get_cursors(table: str, buckets: Sequence[tuple[str, int]]) -> Request:
    """BatchGetItem of at most 100 buckets' cursors, for a list: read as they stand."""
    keys = [{"bucket": bucket_key(source_id, bucket), "connectionId": CURSOR} for source_id, bucket in buckets]
    return {"RequestItems": {table: {"Keys": [write_item(key) for key in keys]}}}


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


def note_job(table: str, source_id: str, bucket: int, *, version: int, now_ms: int) -> Request:
    """
    Note that a job for a bucket is about to wait in the queue, for the message about a version.

    Refused if one waits already; not to the same message come again, whose job may never have been sent, nor if that
    one was noted so long ago that it must be lost.
    """
    request = _cursor(
        table, source_id, bucket, action="SET queued = :queued, queuedAt = :now",
        values={"queued": version, "now": now_ms, "lost": now_ms - JOB_LOST_AFTER_MS},
    )  # fmt: skip
    condition = "attribute_not_exists(queued) OR queued = :queued OR queuedAt < :lost"
    return request | {"ConditionExpression": condition}


def begin_job(table: str, source_id: str, bucket: int) -> Request:
    """Note that no job waits any more; refused if none did."""
    request = _cursor(table, source_id, bucket, action="REMOVE queued, queuedAt", values={"none": 0})
    return request | {"ConditionExpression": "queuedAt > :none"}


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
