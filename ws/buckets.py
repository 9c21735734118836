"""Which bucket of a source's audience a new subscriber joins."""

import zlib

from botocore.exceptions import ClientError

from contracts.table import subscribers
from contracts.table.subscribers import Cursor
from contracts.table.values import read_item
from ws.world import World

#: Buckets besides the newest that a new subscriber looks at; two even the load out (the power of two choices).
LOOKED_AT = 2


def count(world: World, source_id: str) -> int:
    """Say how many buckets a source's audience has."""
    return cursor(world, source_id, 0).buckets


def cursor(world: World, source_id: str, bucket: int) -> Cursor:
    """Read strongly how far a bucket was told."""
    request = subscribers.get_cursor(world.tables.subscribers, source_id, bucket)
    return Cursor.read(world.dynamodb.get_item(**request).get("Item"))


def join(world: World, source_id: str, connection_id: str) -> int:
    """
    Count one more subscriber in a bucket with room and name it; open the next bucket if the newest is now full.

    Buckets are never closed. Were all who come put into the newest, then an audience that only reconnects (each
    connection lives two hours) would open bucket after bucket, and each change has a job for every one of them. The
    count may be off (a subscriber may never write its row, another may leave): each pass corrects it.
    """
    buckets = count(world, source_id)
    newest = buckets - 1
    bucket = _roomiest(world, source_id, newest, connection_id)
    counted = world.dynamodb.update_item(**subscribers.count_in(world.tables.subscribers, source_id, bucket))
    if bucket == newest and read_item(counted["Attributes"])["count"] >= world.bucket_subscribers_max:
        _once(world, subscribers.open_bucket(world.tables.subscribers, source_id, buckets))
    return bucket


def _roomiest(world: World, source_id: str, newest: int, connection_id: str) -> int:
    """Give the emptiest of the newest bucket and a few others by the connection's hash; the newest if all are full."""
    if not newest:
        return newest
    others = {zlib.crc32(f"{i}{connection_id}".encode()) % newest for i in range(LOOKED_AT)}
    counts = {bucket: cursor(world, source_id, bucket).count for bucket in sorted({newest, *others})}
    emptiest = min(counts, key=lambda bucket: counts[bucket])
    return emptiest if counts[emptiest] < world.bucket_subscribers_max else newest


def leave(world: World, source_id: str, bucket: int) -> None:
    """Count one subscriber less: without goodbyes a quiet source's buckets would fill with who is long gone."""
    _once(world, subscribers.count_out(world.tables.subscribers, source_id, bucket))


def wants_job(world: World, source_id: str, bucket: int, version: int) -> bool:
    """Say whether a job is to be queued for a bucket: one that waits will see the newest state when it begins."""
    table = world.tables.subscribers
    return _once(world, subscribers.note_job(table, source_id, bucket, version=version, now_ms=world.now_ms()))


def begin_job(world: World, source_id: str, bucket: int) -> None:
    """Note that a bucket's job begins; before the head is read, so that what is committed from then on gets its own."""
    _once(world, subscribers.begin_job(world.tables.subscribers, source_id, bucket))


def _once(world: World, request: subscribers.Request) -> bool:
    """Do what somebody else may have done already; says whether nobody had."""
    try:
        world.dynamodb.update_item(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True
