"""
Requests to SheetsData: the head of each source, and the bodies it points to.

A head is small and fenced: a new owner loads it by an update that stamps its epoch and bumps `fence`, and a commit
holds only while both are unchanged. So whatever an older owner, or an older try of the same owner, still has in
flight is refused. A body is written once, before the commit that points to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from sys import intern
from typing import Any, Self

from contracts.clock import DAY_S, iso
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

BODY_TTL_S = 7 * DAY_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """Where a body is: its row in SheetsData, or its key in the bucket, and what its bytes are."""

    id: str
    encoding: str
    bytes: int
    exact: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """
    The newest state of a source. Version 0 has no body yet.

    Workers hold one of each source, so what can be derived is not held: where the body is follows from the rest.
    """

    source_id: str
    incarnation: str
    version: int = 0
    epoch: int = 0
    fence: int = 0
    notified: int = 0
    hash: str = ""
    etag: str | None = None
    last_modified: str | None = None
    last_updated: str | None = None
    key_version: str = ""
    #: Lists of an XML document that it cannot tell of itself: their parents are gone.
    untold: tuple[str, ...] = ()
    body_until_ms: int = 0
    encoding: str = ""
    bytes: int = 0
    exact: bool = False

    @property
    def ref(self) -> Ref | None:
        """Say where the body is."""
        if not self.encoding:
            return None
        name = body_id(self.source_id, self.version, self.hash)
        return Ref(id=name, encoding=self.encoding, bytes=self.bytes, exact=self.exact)

    def keeping(self, ref: Ref) -> Self:
        """Give the same with its body kept so; the body's name is the one that follows from the rest."""
        return replace(self, encoding=ref.encoding, bytes=ref.bytes, exact=ref.exact)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Read a head's item, already unwrapped."""
        ref = item.get("ref", {})
        return cls(
            source_id=item["sheetId"],
            incarnation=item["incarnation"],
            version=item["version"],
            epoch=item["epoch"],
            fence=item["fence"],
            notified=item["notified"],
            hash=item.get("hash", ""),
            etag=item.get("etag"),
            last_modified=item.get("lastModified"),
            last_updated=item.get("lastUpdated"),
            key_version=item.get("keyVersion", ""),
            untold=tuple(item.get("untold", ())),
            body_until_ms=item.get("bodyUntil", 0),
            encoding=intern(ref.get("encoding", "")),
            bytes=ref.get("bytes", 0),
            exact=ref.get("exact", False),
        )

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a head from an item as a client returns it."""
        return cls.from_item(read_item(item))


@dataclass(frozen=True, kw_only=True)
class Next:
    """The state that a commit makes the newest."""

    version: int
    hash: str
    ref: Ref
    at_ms: int
    etag: str | None = None
    last_modified: str | None = None
    key_version: str = ""
    untold: tuple[str, ...] = ()


def body_id(source_id: str, version: int, document_hash: str) -> str:
    """Name the body row of one state."""
    return f"{source_id}@{version}@{document_hash}"


def get(table: str, row_id: str) -> Request:
    """GetItem of a head or a body, read strongly."""
    return {"TableName": table, "Key": write_item({"id": row_id}), "ConsistentRead": True}


def get_many(table: str, source_ids: Sequence[str]) -> Request:
    """BatchGetItem of what a list shows of heads."""
    keys = [write_item({"id": source_id}) for source_id in source_ids]
    wanted = {"ProjectionExpression": "id, #version, lastUpdated", "ExpressionAttributeNames": {"#version": "version"}}
    return {"RequestItems": {table: {"Keys": keys, **wanted}}}


def put_new(table: str, source_id: str, incarnation: str) -> Request:
    """Put the head of a new source (an action of the registering transaction)."""
    item = {
        "id": source_id, "sheetId": source_id, "incarnation": incarnation,
        "version": 0, "epoch": 0, "fence": 0, "notified": 0,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(item), "ConditionExpression": "attribute_not_exists(id)"}


def delete(table: str, row_id: str) -> Request:
    """DeleteItem of a head or a body."""
    return {"TableName": table, "Key": write_item({"id": row_id})}


def put_body(table: str, ref: Ref, *, source_id: str, data: str | bytes, at_ms: int) -> Request:
    """Put a body; `data` is the document as JSON text, or gzipped."""
    item = {
        "id": ref.id, "sheetId": source_id, "data": data, "encoding": ref.encoding,
        "lastUpdated": iso(at_ms), "ttl": at_ms // 1_000 + BODY_TTL_S,
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(item)}


def fence(table: str, source_id: str, *, epoch: int) -> Request:
    """
    Load a head and fence it: whatever was in flight before this is refused from now on.

    Refused if the source is gone or a newer owner fenced it. `fence` counts, so that a late duplicate of this very
    request cannot open the door again.
    """
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "UpdateExpression": "SET epoch = :epoch ADD fence :one",
        "ConditionExpression": "attribute_exists(id) AND epoch <= :epoch",
        "ExpressionAttributeValues": bind({"epoch": epoch, "one": 1}),
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def close_door(table: str, source_id: str) -> Request:
    """
    Bump `fence` (an action of an editing transaction): what was fetched by the old rules cannot land.

    The validators go too: they belong to the old request, and a 304 to the new one would hide what the new rules make
    of the same answer. What was a list stays one, whether the document says so or `untold`: an edit of the interval
    must not turn a list into a value.
    """
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "UpdateExpression": "REMOVE etag, lastModified, keyVersion ADD fence :one",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeValues": bind({"one": 1}),
    }


def commit(table: str, head: Head, new: Next) -> Request:
    """Make a state the newest (an action of the committing transaction): only over the very head that was loaded."""
    values = {
        "version": new.version, "hash": new.hash, "ref": asdict(new.ref), "lastUpdated": iso(new.at_ms),
        "bodyUntil": new.at_ms + BODY_TTL_S * 1_000, "etag": new.etag or "", "lastModified": new.last_modified or "",
        "keyVersion": new.key_version, "untold": list(new.untold),
        "epoch": head.epoch, "fence": head.fence, "base": head.version, "incarnation": head.incarnation,
    }  # fmt: skip
    return {
        "TableName": table,
        "Key": write_item({"id": head.source_id}),
        "UpdateExpression": "SET #version = :version, #hash = :hash, #ref = :ref, lastUpdated = :lastUpdated,"
        " bodyUntil = :bodyUntil, etag = :etag, lastModified = :lastModified, keyVersion = :keyVersion,"
        " untold = :untold",
        "ConditionExpression": "epoch = :epoch AND fence = :fence AND #version = :base AND incarnation = :incarnation",
        "ExpressionAttributeNames": {"#version": "version", "#hash": "hash", "#ref": "ref"},
        "ExpressionAttributeValues": bind(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def set_notified(table: str, head: Head) -> Request:
    """Remember that subscribers were told of this head's version."""
    return {
        "TableName": table,
        "Key": write_item({"id": head.source_id}),
        "UpdateExpression": "SET notified = :version",
        "ConditionExpression": "epoch = :epoch AND incarnation = :incarnation AND notified < :version",
        "ExpressionAttributeValues": bind(
            {"version": head.version, "epoch": head.epoch, "incarnation": head.incarnation}
        ),
    }


def set_body_until(table: str, head: Head, *, until_ms: int) -> Request:
    """Remember that the body of this very head was stored again and expires later."""
    return {
        "TableName": table,
        "Key": write_item({"id": head.source_id}),
        "UpdateExpression": "SET bodyUntil = :until",
        "ConditionExpression": "epoch = :epoch AND fence = :fence AND #version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": bind(
            {"until": until_ms, "epoch": head.epoch, "fence": head.fence, "version": head.version}
        ),
    }
