"""Reading the stored state of a source: its head, its document, the steps that lead there."""

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
    bytes: int
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


def missed(world: World, newest: Head, *, base: int) -> Missed | None:
    """Read the steps from a version to the head's; None if they are too many or one of them is not kept."""
    if not 0 < newest.version - base <= RESUME_VERSIONS_MAX:
        return None
    found = [change for change in _changes(world, newest, base) if change.incarnation == newest.incarnation]
    steps = [(change.version, change.step) for change in found if change.step is not None]
    if [version for version, _ in steps] != list(range(base + 1, newest.version + 1)):
        return None
    return Missed(steps=steps, bytes=sum(change.bytes for change in found), at_ms=found[-1].at_ms)


def _changes(world: World, newest: Head, base: int) -> list[Change]:
    query = changes.after(world.tables.changes, newest.source_id, base, upto=newest.version)
    return [Change.read(item) for page in rows.pages(world, query) for item in page]


def _stored(world: World, key: str) -> Any:
    try:
        return world.s3.get_object(Bucket=world.documents_bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise BodyMissing(key) from error
        raise
