"""What a message of the queue has to tell a source's audience, bucket by bucket."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain

from contracts import frames
from contracts.frames import Position
from contracts.messages import Kind, Message, send
from contracts.table import sources, subscribers
from contracts.table.heads import Head
from contracts.table.subscribers import CURSOR, Cursor
from ws import buckets, documents, fan_out, rows
from ws.connections import subscription_rows
from ws.fan_out import STOP_BEFORE_END_MS, Audience, FramesFor, Pass, Then, TimeLeftMs
from ws.positions import Newest
from ws.world import World

#: A message that was queued again so often goes round in circles.
HOPS_MAX = 64


class TooManyHops(RuntimeError):
    """A pass saved its place again and again and never came to its end."""


@dataclass(frozen=True, kw_only=True)
class News:
    """
    What one bucket is to be told.

    `message` continues the pass where it stops (its version is the least that anybody was told), `then` is done with
    everyone who was told, `finish` when the pass is complete, with the number of all who were told. `conflated` counts
    the versions that nobody hears of alone.
    """

    message: Message
    frames_for: FramesFor
    then: Then | None = None
    finish: Callable[[int], object] = lambda _: None
    conflated: int = 0


def tell(world: World, message: Message, time_left_ms: TimeLeftMs) -> Pass:
    """
    Tell one bucket what a message is about; one for the whole audience is first queued once per further bucket.

    Out of time, the rest is queued as a message of its own. Raises PassFailed and TooManyHops.
    """
    if message.hops > HOPS_MAX:
        raise TooManyHops(f"{message.source_id}: queued again {message.hops} times")
    if time_left_ms() < STOP_BEFORE_END_MS:
        queue(world, replace(message, hops=message.hops + 1))
        return Pass(stopped_at=message.after or CURSOR)
    if message.after is None:
        if message.bucket is None:
            _queue_further_buckets(world, message)
        elif message.kind is Kind.FAN_OUT:
            buckets.begin_job(world, message.source_id, message.bucket)
    news = _NEWS[message.kind](world, message)
    return _pass(world, news, time_left_ms) if news else Pass()


def queue(world: World, message: Message) -> None:
    """Queue work for another invocation; the same work queued twice by a retry is one message."""
    unique = hashlib.sha256(message.encode().encode()).hexdigest()
    world.sqs.send_message(**send(world.queue_url, message, unique=unique))


def _queue_further_buckets(world: World, message: Message) -> None:
    """Queue a job for each; of a change only where none waits, however fast a source changes."""
    is_change = message.kind is Kind.CHANGE
    kind = Kind.FAN_OUT if is_change else message.kind
    for bucket in range(1, buckets.count(world, message.source_id)):
        if not is_change or buckets.wants_job(world, message.source_id, bucket, message.version):
            queue(world, replace(message, kind=kind, bucket=bucket, hops=0))


def _pass(world: World, news: News, time_left_ms: TimeLeftMs) -> Pass:
    message = news.message
    audience = Audience(source_id=message.source_id, bucket=message.bucket or 0, after=message.after or CURSOR)
    done = fan_out.tell(world, audience, news.frames_for, time_left_ms, then=news.then)
    told = message.told + done.told
    if done.stopped_at is not None:
        queue(world, replace(message, after=done.stopped_at, told=told, hops=message.hops + 1))
        return done
    news.finish(told)
    done.conflated, done.lag_ms = news.conflated, max(0, world.now_ms() - message.at_ms)
    return done


def _change(world: World, message: Message) -> News | None:
    """
    Bring a bucket to the newest state, whatever version the message was about.

    Queued changes so become one pass. The cursor moves only when a pass is complete, and only to what its first
    readers were told: so the next pass starts where the worst served of them is.
    """
    head = documents.head(world, message.source_id)
    if head is None:
        return None
    cursor = buckets.cursor(world, message.source_id, message.bucket or 0)
    least = message if message.after else replace(message, incarnation=head.incarnation, version=head.version)
    if _is_told(cursor, least) or least.incarnation != head.incarnation:
        return None
    newest, base = Newest(world, head), _base(cursor, message, head)
    return News(
        message=least,
        frames_for=lambda each, small: newest.frames(base, each.mode, each.accept, small),
        finish=lambda told: _move_cursor(world, least, told),
        conflated=max(0, head.version - base[1] - 1) if base and base[0] == head.incarnation else 0,
    )


def _is_told(cursor: Cursor, message: Message) -> bool:
    return cursor.incarnation == message.incarnation and cursor.version >= message.version


def _base(cursor: Cursor, message: Message, head: Head) -> Position | None:
    """Say what everyone in a bucket has at least; None: nothing of this incarnation."""
    if cursor.incarnation == head.incarnation:
        return cursor.incarnation, cursor.version
    if cursor.incarnation or message.incarnation != head.incarnation:
        return None
    # Never served: whoever is here came after the version before the message's. One who did not sees a gap and resumes.
    return head.incarnation, min(message.version, head.version) - 1


def _move_cursor(world: World, message: Message, told: int) -> None:
    cursor = Cursor(
        incarnation=message.incarnation,
        version=message.version,
        count=told,
        lag_ms=max(0, world.now_ms() - message.at_ms),
    )
    table, bucket = world.tables.subscribers, message.bucket or 0
    world.dynamodb.update_item(**subscribers.set_cursor(table, message.source_id, bucket, cursor))


def _status(world: World, message: Message) -> News | None:
    source = rows.get(world, sources.get(world.tables.data_sources, message.source_id))
    if source is None:
        return None
    frame = frames.status(message.source_id, source["status"], at_ms=message.at_ms)
    written = frames.encode(frame, frozenset()) or []
    return News(message=message, frames_for=lambda _each, _small: written)


def _deleted(world: World, message: Message) -> News:
    written = frames.encode(frames.reset(message.source_id, "deleted"), frozenset()) or []
    cursor = subscribers.delete_cursor(world.tables.subscribers, message.source_id, message.bucket or 0)
    return News(
        message=message,
        frames_for=lambda _each, _small: written,
        then=lambda told: rows.delete_all(
            world, chain.from_iterable(subscription_rows(world, subscription) for subscription in told)
        ),
        finish=lambda _: world.dynamodb.delete_item(**cursor),
    )


_NEWS: dict[Kind, Callable[[World, Message], News | None]] = {
    Kind.CHANGE: _change,
    Kind.FAN_OUT: _change,
    Kind.STATUS: _status,
    Kind.DELETED: _deleted,
}
