"""What a worker leaves behind for the endpoints to show."""

import gzip
import json
from dataclasses import replace
from typing import Any

from contracts import steps
from contracts.bodies import Body, pack, unpack
from contracts.canonical import canonical, digest
from contracts.table import changes, heads
from contracts.table.changes import Change
from contracts.table.heads import Head, Next
from contracts.table.values import read_item
from tests.api.account import Aws


def commit(aws: Aws, source_id: str, document: Any, *, bucket: bool = False, untold: tuple[str, ...] = ()) -> Body:
    """Store the next version of a source's document, as a worker does."""
    head = Head.read(aws.dynamodb.get_item(**heads.get(aws.tables.sheets_data, source_id))["Item"])
    encoded = canonical(document)
    version = head.version + 1
    body = pack(encoded, source_id=source_id, version=version, document_hash=digest(encoded))
    if bucket:
        body = replace(body, ref=replace(body.ref, encoding="bucket"))
        aws.s3.put_object(Bucket=aws.bucket, Key=body.ref.id, Body=gzip.compress(encoded))
    else:
        put = heads.put_body(aws.tables.sheets_data, body.ref, source_id=source_id, data=body.data, at_ms=aws.at_ms)
        aws.dynamodb.put_item(**put)
    newest = Next(version=version, hash=digest(encoded), ref=body.ref, at_ms=aws.at_ms, untold=untold)
    aws.dynamodb.update_item(**heads.commit(aws.tables.sheets_data, head, newest))
    step = None
    if head.ref:
        old = read_item(aws.dynamodb.get_item(**heads.get(aws.tables.sheets_data, head.ref.id))["Item"])
        step = steps.make(json.loads(unpack(head.ref.encoding, old["data"])), document)
    change = Change(
        source_id=source_id, incarnation=head.incarnation, version=version, step=step,
        bytes=len(json.dumps(step or [])), at_ms=aws.at_ms, ref=body.ref,
        summary=steps.Summary.of(step) if step is not None else None,
    )  # fmt: skip
    aws.dynamodb.put_item(**changes.put(aws.tables.changes, change, history_days=7))
    return body


def items(aws: Aws, table: str) -> list[dict[str, Any]]:
    """Give every item of a table, unwrapped."""
    return [read_item(item) for item in aws.rows(table)]
