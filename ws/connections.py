"""A connection's life: its rows from the handshake to the goodbye, or to the post that finds it gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from contracts import access
from contracts.access import READ, Right
from contracts.frames import FrameRefused
from contracts.table import connections
from contracts.table.connections import SELF, Subscription
from contracts.table.values import read_item
from ws import rows
from ws.post import Outcome
from ws.rows import Request
from ws.world import World


@dataclass(frozen=True, kw_only=True)
class Connection:
    """
    A connection as its rows tell it: its right (None if the handshake's row is gone) and subscriptions by source.

    Who writes a subscription's rows keeps `subscriptions` true to them.
    """

    id: str
    right: Right | None
    subscriptions: dict[str, Subscription]

    @classmethod
    def load(cls, world: World, connection_id: str) -> Self:
        """Read all rows under a connection."""
        query = connections.rows_of(world.tables.connections, connection_id)
        held = {item["sheetId"]: item for page in rows.pages(world, query) for item in map(read_item, page)}
        own = held.pop(SELF, None)
        right = Right.from_row(own) if own else None
        expires_ms = right.expires_ms if right else None
        subscriptions = {
            source_id: Subscription.from_own(row, expires_ms=expires_ms) for source_id, row in held.items()
        }
        return cls(id=connection_id, right=right, subscriptions=subscriptions)

    def require_read(self, now_ms: int) -> Right:
        """Give the right under which this connection may read now, or refuse."""
        right = self.require_right()
        if not right.allows(READ, now_ms):
            raise FrameRefused("forbidden", "the right to read has ended: send auth with a new token, or connect again")
        return right

    def require_right(self) -> Right:
        """Give the right that the handshake wrote down, or refuse."""
        if self.right is None:
            raise FrameRefused("unknown_connection", "nothing is known of this connection: connect again")
        return self.right


def connect(world: World, connection_id: str, context: Mapping[str, Any]) -> None:
    """Write down a connection that the authorizer let in. Nothing is posted: the handshake is not over."""
    right = _right(context)
    now_ms = world.now_ms()
    # The index rows first: a connection without them would outlive its right.
    for request in connections.put_index(world.tables.connections, connection_id, right, now_ms=now_ms):
        world.dynamodb.put_item(**request)
    world.dynamodb.put_item(**connections.put_connection(world.tables.connections, connection_id, right, now_ms=now_ms))


def forget(world: World, connection_id: str) -> None:
    """Delete every row of one connection, and of no other."""
    rows.delete_all(world, _rows_of(world, Connection.load(world, connection_id)))


def cut(world: World, connection_id: str) -> bool:
    """Close a connection and delete its rows; False if it could not be closed, and then its rows stay."""
    if world.post.close(connection_id) is Outcome.FAILED:
        return False
    forget(world, connection_id)
    return True


def renew(world: World, connection: Connection, token: str) -> None:
    """
    Let a connection live as long as the token that it sends.

    Raises FrameRefused: `unknown_connection`, or `forbidden` unless the token may read and is of the same principal.
    """
    now_ms = world.now_ms()
    held = connection.require_right()
    right = _check_token(world, token, now_ms)
    if right.principal != held.principal:
        raise FrameRefused("forbidden", "token: it belongs to somebody else than this connection")
    _put_right(world, connection, right, now_ms)


def _put_right(world: World, connection: Connection, right: Right, now_ms: int) -> None:
    for request in connections.put_index(world.tables.connections, connection.id, right, now_ms=now_ms):
        world.dynamodb.put_item(**request)
    world.dynamodb.update_item(**connections.renew(world.tables.connections, connection.id, right))
    for subscription in connection.subscriptions.values():
        renewed = replace(subscription, expires_ms=right.expires_ms)
        world.dynamodb.put_item(**connections.put_subscriber(world.tables.subscribers, renewed, now_ms=now_ms))


def _check_token(world: World, token: str, now_ms: int) -> Right:
    identity = access.token_id(token)
    row = rows.get(world, access.get_token(world.tables.access, identity)) if identity else None
    if row is None or not access.token_matches(token, row):
        raise FrameRefused("forbidden", "token: not a token of this service")
    right = Right.from_row(row)
    if not right.allows(READ, now_ms):
        raise FrameRefused("forbidden", "token: it has expired, or may not read")
    return right


def _rows_of(world: World, connection: Connection) -> Iterator[Request]:
    """Give the deletes of a connection's rows; its own row last, so that what fails in between can be found again."""
    table = world.tables.connections
    for subscription in connection.subscriptions.values():
        yield from subscription_rows(world, subscription)
    if connection.right:
        for key in connections.index_keys(connection.id, connection.right):
            yield connections.delete_row(table, key["connectionId"], key["sheetId"])
    yield connections.delete_row(table, connection.id, SELF)


def subscription_rows(world: World, subscription: Subscription) -> Iterator[Request]:
    """Give the deletes of one subscription's two rows, the one that fan-out reads first."""
    source_id, connection_id = subscription.source_id, subscription.connection_id
    yield connections.delete_subscriber(world.tables.subscribers, source_id, subscription.bucket, connection_id)
    yield connections.delete_row(world.tables.connections, connection_id, source_id)


def _right(context: Mapping[str, Any]) -> Right:
    """Read what the authorizer found; the gateway turns every value of its context into text."""
    expiry = context.get("expiry")
    return Right(
        principal=str(context["principal"]),
        scopes=frozenset(str(context["scopes"]).split()),
        expires_ms=int(expiry) if expiry not in (None, "", "null") else None,
    )
