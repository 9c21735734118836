"""
Requests about what the minute's sweep has to do, in Connections: every row is written only when something went wrong.

`cut#`: connections that could be neither posted to nor cut, by when. `late#`: buckets whose last message came again or
was parked, so that they may lag. `swept#`: the minute up to which ended connections were looked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import HOUR_S, SECOND_MS
from contracts.table.connections import CONNECTION_TTL_S
from contracts.table.values import bind, write_item

type Request = dict[str, Any]

CUT, LATE, SWEPT = "cut#", "late#", "swept#"


@dataclass(frozen=True, kw_only=True)
class Late:
    """A bucket that may lag; `at_ms` is when its message was last seen or queued, `tries` how often by the sweep."""

    source_id: str
    bucket: int
    at_ms: int
    tries: int = 0

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read a row, already unwrapped."""
        source_id, _, bucket = row["sheetId"].rpartition("#")
        return cls(source_id=source_id, bucket=int(bucket), at_ms=row["at"], tries=row["tries"])

    @property
    def name(self) -> str:
        """Name the bucket as Subscribers does."""
        return f"{self.source_id}#{self.bucket}"


def give_up(table: str, connection_id: str, *, now_ms: int) -> Request:
    """PutItem that leaves a connection to the sweep, which tries to cut it for as long as it can live."""
    row = {"connectionId": CUT, "sheetId": connection_id, "at": now_ms, "ttl": now_ms // SECOND_MS + CONNECTION_TTL_S}
    return {"TableName": table, "Item": write_item(row)}


def watch(table: str, late: Late, *, tries: int = 0) -> Request:
    """UpdateItem that has the sweep look at a bucket until it was told the newest; `tries` are added."""
    values = {"at": late.at_ms, "tries": tries, "ttl": late.at_ms // SECOND_MS + HOUR_S}
    return {
        "TableName": table,
        "Key": write_item({"connectionId": LATE, "sheetId": late.name}),
        "UpdateExpression": "SET #at = :at, #ttl = :ttl ADD tries :tries",
        "ExpressionAttributeNames": {"#at": "at", "#ttl": "ttl"},
        "ExpressionAttributeValues": bind(values),
    }


def listed(table: str, partition: str, *, now_ms: int) -> Request:
    """Query `CUT` or `LATE`, strongly."""
    return {
        "TableName": table,
        "KeyConditionExpression": "connectionId = :partition",
        "FilterExpression": "#ttl > :now",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": bind({"partition": partition, "now": now_ms // SECOND_MS}),
        "ConsistentRead": True,
    }


def delete(table: str, partition: str, name: str) -> Request:
    """DeleteItem of one row of a partition."""
    return {"TableName": table, "Key": write_item({"connectionId": partition, "sheetId": name})}


def get_swept(table: str) -> Request:
    """GetItem of the minute up to which all who had ended were cut."""
    return {"TableName": table, "Key": write_item({"connectionId": SWEPT, "sheetId": "minute"}), "ConsistentRead": True}


def put_swept(table: str, minute: int) -> Request:
    """PutItem of that minute."""
    return {"TableName": table, "Item": write_item({"connectionId": SWEPT, "sheetId": "minute", "minute": minute})}
