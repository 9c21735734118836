"""
Buckets that may lag, queued again.

A bucket lags when the message about it ended in the dead-letter queue, or was lost. Such a message came more than once,
or was parked: then a row says so (`records.py`), and nothing is written on the way of those that succeed at once.
"""

from contracts.clock import MINUTE_MS
from contracts.messages import Kind, Message
from contracts.table import sweeps
from contracts.table.subscribers import Cursor
from contracts.table.sweeps import LATE, Late
from ws import buckets, documents, news
from ws.world import World

#: The message may still be under way for this long after it was last seen.
LATE_AFTER_MS = MINUTE_MS
#: A pass that fails so often will not succeed by itself: its messages are in the dead-letter queue, and an alarm tells.
TRIES_MAX = 10


def look(world: World, late: Late) -> tuple[bool, bool]:
    """Look at a bucket that may lag; says whether it does, and whether it was queued again."""
    message = _missing(world, late)
    if message is None:
        world.dynamodb.delete_item(**sweeps.delete(world.tables.connections, LATE, late.name))
        return False, False
    is_due = late.tries < TRIES_MAX and world.now_ms() - late.at_ms >= LATE_AFTER_MS
    if is_due:
        _queue(world, late, message)
    return True, is_due


def _queue(world: World, late: Late, message: Message) -> None:
    news.queue(world, message)
    again = Late(source_id=late.source_id, bucket=late.bucket, at_ms=world.now_ms())
    world.dynamodb.update_item(**sweeps.watch(world.tables.connections, again, tries=1))


def _missing(world: World, late: Late) -> Message | None:
    """Give the message that brings a bucket to the newest; None if it is there."""
    head, cursor = documents.head(world, late.source_id), buckets.cursor(world, late.source_id, late.bucket)
    now_ms = world.now_ms()
    if head is None:
        # Deleted: its bucket's cursor goes with the last pass.
        return _message(Kind.DELETED, late, cursor.incarnation, cursor.version, now_ms) if cursor != Cursor() else None
    if (cursor.incarnation, cursor.version) == (head.incarnation, head.version) or head.version == 0:
        return None
    return _message(Kind.FAN_OUT, late, head.incarnation, head.version, now_ms)


def _message(kind: Kind, late: Late, incarnation: str, version: int, now_ms: int) -> Message:
    return Message(
        kind=kind, source_id=late.source_id, incarnation=incarnation, version=version, at_ms=now_ms, bucket=late.bucket
    )
