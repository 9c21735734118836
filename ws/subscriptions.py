"""
Subscribing, leaving, and resuming after a reconnect.

No gap is possible: the subscriber's row is written first, the position is read second, strongly, and the frames go out
third. A worker commits before the fan-out reads subscribers. So a change either finds the row, or was committed before
the position was read. Before all of that comes the row under the connection, by which the subscriber's is found again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from contracts import frames
from contracts.access import Right
from contracts.frames import Ask, FrameRefused, Position
from contracts.table import connections, sources, subscribers
from contracts.table.connections import SUBSCRIPTIONS_MAX, Subscription
from ws import buckets, documents, rows
from ws.connections import Connection, subscription_rows
from ws.positions import Newest
from ws.world import World

#: Frames for a reader, or, where the gateway found one too large, smaller ones that say the same.
type Frames = Callable[[bool], list[bytes]]

UNKNOWN_SOURCE = "there is no source of this id"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a client asks of one source. `mode` and `accept` are None where they stay as they are."""

    source_id: str
    mode: str | None
    accept: frozenset[str] | None
    held: Position | None


def wishes(ask: Ask) -> list[Wish]:
    """Read a `subscribe` (one source) or a `resume` (many) as wishes."""
    named: Mapping[str, Position | None] = ask.positions or {str(ask.source_id): None}
    return [Wish(source_id=source_id, mode=ask.mode, accept=ask.accept, held=held) for source_id, held in named.items()]


def subscribe(world: World, connection: Connection, wish: Wish) -> Frames:
    """
    Make, change or confirm a subscription; gives the frames that bring its reader up to date, whole or in small ones.

    Raises FrameRefused: `forbidden`, `unknown_connection`, `unknown_source`, `too_many`.
    """
    right = connection.require_read(world)
    subscription = _write(world, connection, right, wish)
    head = documents.head(world, wish.source_id)
    if head is None:
        # Deleted while its rows were being written: nobody else would find them.
        unsubscribe(world, connection, wish.source_id)
        raise FrameRefused("unknown_source", UNKNOWN_SOURCE)
    newest = Newest(world, head)
    confirmed = frames.subscribed(wish.source_id, newest.position, at_ms=world.now_ms())
    first = frames.encode(confirmed, subscription.accept) or []
    behind = partial(newest.frames, wish.held, subscription.mode, subscription.accept)
    behind(False)  # whatever has to be read for it is read here, where trouble becomes an answer
    return lambda small: [*first, *behind(small)]


def unsubscribe(world: World, connection: Connection, source_id: str) -> None:
    """Delete a subscription; to leave what one never joined is no error."""
    subscription = connection.subscriptions.pop(source_id, None)
    if subscription:
        rows.delete_all(world, subscription_rows(world, subscription))
        buckets.leave(world, source_id, subscription.bucket)


def _write(world: World, connection: Connection, right: Right, wish: Wish) -> Subscription:
    """Write the rows of a subscription, the one that fan-out reads last."""
    held = connection.subscriptions.get(wish.source_id)
    subscription = _with(held, wish) if held else _new(world, connection, right, wish)
    if subscription != held:
        own = connections.put_subscription(world.tables.connections, subscription, now_ms=world.now_ms())
        world.dynamodb.put_item(**own)
    # Also if nothing changes: a resume may come because the fan-out's row was lost.
    world.dynamodb.put_item(**subscribers.put_subscriber(world.tables.subscribers, subscription))
    connection.subscriptions[wish.source_id] = subscription
    return subscription


def _new(world: World, connection: Connection, right: Right, wish: Wish) -> Subscription:
    if len(connection.subscriptions) >= SUBSCRIPTIONS_MAX:
        message = f"a connection follows at most {SUBSCRIPTIONS_MAX} sources: unsubscribe from one, or open another"
        raise FrameRefused("too_many", message)
    if rows.get(world, sources.get(world.tables.data_sources, wish.source_id)) is None:
        raise FrameRefused("unknown_source", UNKNOWN_SOURCE)
    subscription = Subscription(
        connection_id=connection.id,
        source_id=wish.source_id,
        bucket=buckets.join(world, wish.source_id, connection.id),
        principal=right.principal,
        since_ms=connection.since_ms,
        until_s=connection.until_s,
        expires_ms=right.expires_ms,
    )
    return _with(subscription, wish)


def _with(subscription: Subscription, wish: Wish) -> Subscription:
    if wish.mode is not None:
        subscription = replace(subscription, mode=wish.mode)
    if wish.accept is not None:
        subscription = replace(subscription, accept=wish.accept)
    return subscription
