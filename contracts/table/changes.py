"""Requests to Changes: the step to each version, for patches, resume and history."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import DAY_S
from contracts.steps import Step
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

#: A step larger than this, compressed, is not kept: its readers take a snapshot (an item holds 400 KB).
STEP_BYTES_MAX = 300_000
COMPRESS_FROM_BYTES = 2_048
#: Resume replays at most this many versions; history and charts read all.
RESUME_VERSIONS_MAX = 300


@dataclass(frozen=True, kw_only=True)
class Change:
    """A stored step. `step` is None where there is none to apply: the first version, or one too large."""

    source_id: str
    incarnation: str
    version: int
    step: Step | None
    bytes: int
    at_ms: int

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
        )


def put(table: str, change: Change, *, history_days: int) -> Request:
    """Put a change (an action of the committing transaction)."""
    item = {
        "sheetId": change.source_id, "version": change.version, "incarnation": change.incarnation,
        "ops": _pack(change.step), "bytes": change.bytes, "at": change.at_ms,
        "ttl": change.at_ms // 1_000 + history_days * DAY_S,
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


def _pack(step: Step | None) -> str | bytes | None:
    if step is None:
        return None
    text = json.dumps(step, ensure_ascii=False, separators=(",", ":"))
    if len(text) < COMPRESS_FROM_BYTES:
        return text
    packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
    return packed if len(packed) <= STEP_BYTES_MAX else None


def _unpack(ops: str | bytes | None) -> Step | None:
    if ops is None:
        return None
    step: Step = json.loads(gzip.decompress(ops) if isinstance(ops, bytes) else ops)
    return step
