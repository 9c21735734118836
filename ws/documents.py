"""Reading the stored state of a source: its head, its document, the steps that lead there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contracts import bodies
from contracts.steps import Step
from contracts.table import changes, heads
from contracts.table.changes import RESUME_VERSIONS_MAX, Change
from contracts.table.heads import Head
from ws import rows
from ws.world import World


class BodyMissing(LookupError):
    """The document is not where its head says: it expired, or the source moved on or was deleted meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Missed:
    """The steps between two versions, none left out."""

    steps: list[tuple[int, Step]]
    at_ms: int


def head(world: World, source_id: str) -> Head | None:
    """Read a head strongly; None if there is no such source."""
    item = rows.get(world, heads.get(world.tables.sheets_data, source_id))
    return Head.from_item(item) if item else None


def body(world: World, newest: Head) -> bytes:
    """Read the canonical bytes of a head's document."""
    ref = newest.ref
    if ref is None:
        raise BodyMissing(f"{newest.source_id} has no document yet")
    if ref.encoding == bodies.BUCKET:
        return bodies.unpack(ref.encoding, _stored(world, ref.id))
    item = rows.get(world, heads.get(world.tables.sheets_data, ref.id))
    if item is None:
        raise BodyMissing(ref.id)
    return bodies.unpack(ref.encoding, item["data"])


def missed(world: World, newest: Head, *, base: int, bytes_max: int) -> Missed | None:
    """
    Read the steps from a version to the head's; None if they are too many or too large, or one of them is not kept.

    What is too large is not read to its end: 300 steps may be a thousand times what this process holds.
    """
    if not 0 < newest.version - base <= RESUME_VERSIONS_MAX:
        return None
    steps: list[tuple[int, Step]] = []
    at_ms, left = 0, bytes_max
    for change in _changes(world, newest, base):
        left -= change.bytes
        if left < 0 or change.step is None or change.version != base + len(steps) + 1:
            return None
        steps.append((change.version, change.step))
        at_ms = change.at_ms
    return Missed(steps=steps, at_ms=at_ms) if base + len(steps) == newest.version else None


def _changes(world: World, newest: Head, base: int) -> Iterator[Change]:
    query = changes.after(world.tables.changes, newest.source_id, base, upto=newest.version)
    for page in rows.pages(world, query):
        yield from (change for change in map(Change.read, page) if change.incarnation == newest.incarnation)


def _stored(world: World, key: str) -> Any:
    try:
        return world.s3.get_object(Bucket=world.documents_bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise BodyMissing(key) from error
        raise
