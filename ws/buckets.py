"""Which bucket of a source's audience a new subscriber joins."""

from botocore.exceptions import ClientError

from contracts.table import subscribers
from contracts.table.subscribers import Cursor
from contracts.table.values import read_item
from ws.world import World


def count(world: World, source_id: str) -> int:
    """Say how many buckets a source's audience has."""
    return cursor(world, source_id, 0).buckets


def cursor(world: World, source_id: str, bucket: int) -> Cursor:
    """Read strongly how far a bucket was told."""
    request = subscribers.get_cursor(world.tables.subscribers, source_id, bucket)
    return Cursor.read(world.dynamodb.get_item(**request).get("Item"))


def join(world: World, source_id: str) -> int:
    """
    Count one more subscriber in the newest bucket and name it; open the next bucket if this one is now full.

    The count may be off (a subscriber may never write its row, another may leave): each pass corrects it.
    """
    buckets = count(world, source_id)
    newest = buckets - 1
    counted = world.dynamodb.update_item(**subscribers.count_in(world.tables.subscribers, source_id, newest))
    if read_item(counted["Attributes"])["count"] >= world.bucket_subscribers_max:
        _once(world, subscribers.open_bucket(world.tables.subscribers, source_id, buckets))
    return newest


def leave(world: World, source_id: str, bucket: int) -> None:
    """Count one subscriber less: without goodbyes a quiet source's buckets would fill with who is long gone."""
    _once(world, subscribers.count_out(world.tables.subscribers, source_id, bucket))


def _once(world: World, request: subscribers.Request) -> None:
    """Do what somebody else may have done already."""
    try:
        world.dynamodb.update_item(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
