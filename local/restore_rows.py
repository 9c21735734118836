"""Requests that only a restore makes: rows as a registration puts them, but with a past."""

from dataclasses import asdict
from typing import Any

from contracts.source import Source, State
from contracts.table.changes import Change
from contracts.table.changes import put as put_change
from contracts.table.heads import Head
from contracts.table.values import bind, write_item

type Request = dict[str, Any]

#: BatchWriteItem takes at most this many (AWS).
BATCH_WRITE_MAX = 25


def put_source(table: str, source: Source, *, over: int | None) -> Request:
    """Put a source where there is none, or over the revision that was read."""
    attention = {"attention": source.status.state.value} if source.status.state is not State.NEW else {}
    request: Request = {"TableName": table, "Item": write_item(source.item() | attention)}
    if over is None:
        return request | {"ConditionExpression": "attribute_not_exists(id)"}
    return request | {
        "ConditionExpression": "revision = :seen",
        "ExpressionAttributeValues": bind({"seen": over}),
    }


def set_head(table: str, head: Head, *, replaces: bool) -> Request:
    """
    Begin a new incarnation at a version.

    An update, not a put: over a living head the epoch stays and `fence` grows, so that nothing which was loaded
    before can land, whoever loaded it. Nobody was told of it (`notified`), so its next owner tells if we cannot.
    The validators go: the next poll looks at the whole answer. The lists that the document cannot tell of come with it:
    those of a living head are another document's, and without its own a single item would come back as a value.
    """
    values: dict[str, Any] = {
        "source": head.source_id, "incarnation": head.incarnation, "version": head.version, "hash": head.hash,
        "untold": list(head.untold), "until": head.body_until_ms, "zero": 0, "one": 1,
    }  # fmt: skip
    has = {"#ref": ("ref", asdict(head.ref) if head.ref else None), "lastUpdated": ("at", head.last_updated)}
    kept = {name: pair for name, pair in has.items() if pair[1] is not None}
    gone = [name for name in has if name not in kept]
    return {
        "TableName": table,
        "Key": write_item({"id": head.source_id}),
        "UpdateExpression": "SET sheetId = :source, incarnation = :incarnation, #version = :version, #hash = :hash,"
        " untold = :untold, bodyUntil = :until, notified = :zero, epoch = if_not_exists(epoch, :zero)"
        + "".join(f", {name} = :{value}" for name, (value, _) in kept.items())
        + " REMOVE "
        + ", ".join(["etag", "lastModified", "keyVersion", *gone])
        + " ADD fence :one",
        "ConditionExpression": "attribute_exists(incarnation)" if replaces else "attribute_not_exists(id)",
        "ExpressionAttributeNames": {"#version": "version", "#hash": "hash", "#ref": "ref"},
        "ExpressionAttributeValues": bind(values | dict(kept.values())),
    }


def put_changes(table: str, changes: list[Change], *, history_days: int) -> Request:
    """Put at most `BATCH_WRITE_MAX` changes (BatchWriteItem)."""
    items = [put_change(table, change, history_days=history_days)["Item"] for change in changes]
    return {"RequestItems": {table: [{"PutRequest": {"Item": item}} for item in items]}}
