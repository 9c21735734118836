"""Requests to Changes: the step to each version, for patches, resume and history."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from contracts.clock import DAY_S
from contracts.steps import Step, Summary
from contracts.table.heads import Ref, body_id
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

_encode = msgspec.json.Encoder().encode

#: A step larger than this, compressed, is not kept: its readers take a snapshot (an item holds 400 KB).
STEP_BYTES_MAX = 300_000
COMPRESS_FROM_BYTES = 2_048
#: Resume replays at most this many versions; history and charts read all.
RESUME_VERSIONS_MAX = 300


@dataclass(frozen=True, kw_only=True)
class Change:
    """
    A stored step. `step` is None where there is none to apply: the first version, or one too large.

    `ref` is where the document that it led to was put, for as long as that is kept; None where nobody noted it.
    """

    source_id: str
    incarnation: str
    version: int
    step: Step | None
    bytes: int
    at_ms: int
    ref: Ref | None = None
    #: None for a version that has no step.
    summary: Summary | None = None

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a change from an item as a client returns it."""
        plain = read_item(item)
        return cls(
            source_id=plain["sheetId"],
            incarnation=plain["incarnation"],
            version=plain["version"],
            step=_unpack(plain.get("ops")),
            bytes=plain["bytes"],
            at_ms=plain["at"],
            ref=_ref(plain),
            summary=Summary.from_row(plain["summary"]) if "summary" in plain else None,
        )


def put(table: str, change: Change, *, history_days: int, packed: str | bytes | None = None) -> Request:
    """
    Put a change (an action of the committing transaction).

    `packed` is its step as `pack` made it, where that was done in another process: then `change` carries none.
    """
    item = {
        "sheetId": change.source_id, "version": change.version, "incarnation": change.incarnation,
        "ops": packed if change.step is None else pack(change.step), "bytes": change.bytes, "at": change.at_ms,
        "summary": change.summary and change.summary.row(),
        "ttl": change.at_ms // 1_000 + history_days * DAY_S,
        **(_kept(change.ref) if change.ref else {}),
    }  # fmt: skip
    return {"TableName": table, "Item": write_item(item)}


def after(table: str, source_id: str, version: int, *, upto: int, limit: int = RESUME_VERSIONS_MAX) -> Request:
    """Query the changes that lead from `version` to `upto`, in order, read strongly."""
    return {
        "TableName": table,
        "KeyConditionExpression": "sheetId = :source AND #version BETWEEN :from AND :upto",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": bind({"source": source_id, "from": version + 1, "upto": max(upto, version + 1)}),
        "ConsistentRead": True,
        "Limit": limit,
    }


def before(table: str, source_id: str, version: int, *, limit: int) -> Request:
    """Query one page of the changes that led to versions below one, newest first."""
    values = bind({"source": source_id, "version": version})
    return _part(table, "#version < :version", values) | {"ScanIndexForward": False, "Limit": limit}


def from_version(table: str, source_id: str, version: int, *, start: Mapping[str, Any] | None = None) -> Request:
    """Query one page (1 MB, AWS) of the changes that led to versions from one on, oldest first."""
    request = _part(table, "#version >= :version", bind({"source": source_id, "version": version}))
    return request | ({"ExclusiveStartKey": start} if start else {})


def time_from(table: str, source_id: str, version: int) -> Request:
    """Query when the first version from one on that is still kept was made."""
    request = from_version(table, source_id, version)
    names = {**request["ExpressionAttributeNames"], "#at": "at"}
    return request | {"Limit": 1, "ProjectionExpression": "#version, #at", "ExpressionAttributeNames": names}


def keys_of(table: str, source_id: str, *, start: Mapping[str, Any] | None = None) -> Request:
    """Query one page of a source's keys, to delete them."""
    request: Request = {
        "TableName": table,
        "KeyConditionExpression": "sheetId = :source",
        "ExpressionAttributeValues": bind({"source": source_id}),
        "ProjectionExpression": "sheetId, #version",
        "ExpressionAttributeNames": {"#version": "version"},
    }
    return request | ({"ExclusiveStartKey": start} if start else {})


def _part(table: str, versions: str, values: Mapping[str, Any]) -> Request:
    return {
        "TableName": table,
        "KeyConditionExpression": f"sheetId = :source AND {versions}",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }


def pack(step: Step) -> str | bytes | None:
    """Write a step as it is stored; None if it is too large to be."""
    text = _encode(step)
    if len(text) < COMPRESS_FROM_BYTES:
        return text.decode()
    packed = gzip.compress(text, compresslevel=6, mtime=0)
    return packed if len(packed) <= STEP_BYTES_MAX else None


def _kept(ref: Ref) -> dict[str, Any]:
    """Note where a document is; its id is made of the row's own key and the hash."""
    return {"hash": ref.id.rpartition("@")[2], "encoding": ref.encoding, "size": ref.bytes}


def _ref(plain: Mapping[str, Any]) -> Ref | None:
    if "encoding" not in plain:
        return None
    kept_as = body_id(plain["sheetId"], plain["version"], plain["hash"])
    return Ref(id=kept_as, encoding=plain["encoding"], bytes=plain["size"])


def _unpack(ops: str | bytes | None) -> Step | None:
    if ops is None:
        return None
    step: Step = json.loads(gzip.decompress(ops) if isinstance(ops, bytes) else ops)
    return step
