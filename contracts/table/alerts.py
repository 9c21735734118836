"""
Requests to Fleet about alerts: who was told of which outage, and who is owed word.

A row for each source in trouble and each receiver whose rule covers it. It names the outage, so nobody is told twice
of one; what is owed is claimed by counting a try, so two that look at the same time do not both tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

PARTITION = "alerts"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one receiver was told of one source. `since` is when the outage began; `owed` is what is to be told."""

    receiver: str
    source_id: str
    incarnation: str
    since_ms: int
    told: str = ""
    owed: str = ""
    tries: int = 0
    not_before_ms: int = 0

    @property
    def key(self) -> dict[str, str]:
        """Give the key of the row."""
        return {"pk": PARTITION, "sk": f"{self.receiver}#{self.source_id}"}

    @property
    def outage(self) -> str:
        """Name the outage."""
        return f"{self.incarnation}#{self.since_ms}"

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a row as a client returns it."""
        row = read_item(item)
        receiver, _, source_id = row["sk"].rpartition("#")
        incarnation, _, since = row["outage"].rpartition("#")
        return cls(
            receiver=receiver, source_id=source_id, incarnation=incarnation, since_ms=int(since),
            told=row.get("told", ""), owed=row.get("owed", ""), tries=row.get("tries", 0),
            not_before_ms=row.get("notBefore", 0),
        )  # fmt: skip


def rows(table: str) -> Request:
    """Query all rows, strongly."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": bind({"pk": PARTITION}),
        "ConsistentRead": True,
    }


def owe_first(table: str, row: Told) -> Request:
    """Owe word of an outage that this receiver has not heard of; refused if somebody just wrote it down."""
    item = row.key | {"outage": row.outage, "owed": row.owed, "tries": 0}
    return {
        "TableName": table,
        "Item": write_item(item),
        "ConditionExpression": "attribute_not_exists(pk) OR outage <> :outage",
        "ExpressionAttributeValues": bind({"outage": row.outage}),
    }


def owe_next(table: str, row: Told, event: str) -> Request:
    """Owe word of how a known outage went on; what was owed before is no news any more."""
    return _of_outage(table, row, "SET owed = :owed, tries = :zero REMOVE notBefore", {"owed": event, "zero": 0})


def claim(table: str, row: Told, *, again_ms: int) -> Request:
    """Take what is owed for one try; the next one comes no sooner than `again_ms`, whether this one lives or dies."""
    values = {"next": row.tries + 1, "again": again_ms, "owed": row.owed, "seen": row.tries}
    request = _of_outage(table, row, "SET tries = :next, notBefore = :again", values)
    return request | {"ConditionExpression": "outage = :outage AND owed = :owed AND tries = :seen"}


def settle(table: str, row: Told) -> Request:
    """Write down that a receiver was told what it was owed, unless it is owed something newer."""
    request = _of_outage(table, row, "SET told = :owed REMOVE owed, tries, notBefore", {"owed": row.owed})
    return request | {"ConditionExpression": "outage = :outage AND owed = :owed"}


def forget(table: str, row: Told) -> Request:
    """Delete the row of an outage that is over."""
    return {
        "TableName": table,
        "Key": write_item(row.key),
        "ConditionExpression": "outage = :outage",
        "ExpressionAttributeValues": bind({"outage": row.outage}),
    }


def _of_outage(table: str, row: Told, action: str, values: Mapping[str, Any]) -> Request:
    return {
        "TableName": table,
        "Key": write_item(row.key),
        "UpdateExpression": action,
        "ConditionExpression": "outage = :outage",
        "ExpressionAttributeValues": bind({**values, "outage": row.outage}),
    }
