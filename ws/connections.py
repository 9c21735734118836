"""A connection's life: its rows from the handshake to the goodbye, or to the post that finds it gone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from botocore.exceptions import ClientError

from contracts import access
from contracts.access import READ, Right
from contracts.clock import SECOND_MS
from contracts.frames import FrameRefused
from contracts.table import connections, subscribers, sweeps
from contracts.table.connections import CONNECTION_TTL_S, SELF, Subscription
from contracts.table.values import read_item
from ws import buckets, revoked, rows
from ws.post import Outcome
from ws.rows import Request
from ws.world import World


@dataclass(frozen=True, kw_only=True)
class Connection:
    """
    A connection as its rows tell it: its right (None if the handshake's row is gone) and subscriptions by source.

    `since_ms` is when the right was written down, `until_s` when the gateway will have cut the connection. Who writes
    a subscription's rows keeps `subscriptions` true to them.
    """

    id: str
    right: Right | None
    since_ms: int
    until_s: int
    subscriptions: dict[str, Subscription]

    @classmethod
    def load(cls, world: World, connection_id: str) -> Self:
        """Read all rows under a connection."""
        query = connections.rows_of(world.tables.connections, connection_id)
        held = {item["sheetId"]: item for page in rows.pages(world, query) for item in map(read_item, page)}
        own = held.pop(SELF, {})
        subscriptions = {source_id: Subscription.from_own(row, own) for source_id, row in held.items()}
        return cls(
            id=connection_id,
            right=Right.from_row(own) if own else None,
            since_ms=own.get("since", 0),
            until_s=own.get("ttl", 0),
            subscriptions=subscriptions,
        )

    def require_read(self, world: World) -> Right:
        """Give the right under which this connection may read now, or refuse."""
        right = self.require_right()
        if not right.allows(READ, world.now_ms()) or revoked.is_revoked(world, right.principal, self.since_ms):
            raise FrameRefused("forbidden", "the right to read has ended: send auth with a new token, or connect again")
        return right

    def is_over(self, world: World) -> bool:
        """Tell whether nothing lets this connection live on: its right, its time, or that nobody revoked it."""
        now_ms, right = world.now_ms(), self.right
        return (
            right is None
            or connections.end_ms(right, self.until_s) <= now_ms
            or revoked.is_revoked(world, right.principal, self.since_ms)
        )

    def require_right(self) -> Right:
        """Give the right that the handshake wrote down, or refuse."""
        if self.right is None:
            raise FrameRefused("unknown_connection", "nothing is known of this connection: connect again")
        return self.right


def connect(world: World, connection_id: str, context: Mapping[str, Any]) -> None:
    """Write down a connection that the authorizer let in. Nothing is posted: the handshake is not over."""
    right = _right(context)
    now_ms = world.now_ms()
    until_s = now_ms // SECOND_MS + CONNECTION_TTL_S
    # The index rows first: a connection without them would outlive its right.
    for request in connections.put_index(world.tables.connections, connection_id, right, until_s=until_s):
        world.dynamodb.put_item(**request)
    world.dynamodb.put_item(**connections.put_connection(world.tables.connections, connection_id, right, now_ms=now_ms))


def forget(world: World, connection_id: str) -> None:
    """Delete every row of one connection, and of no other."""
    rows.delete_all(world, _rows_of(world, Connection.load(world, connection_id)))


def depart(world: World, connection_id: str) -> None:
    """Delete every row of a connection that said goodbye, and count its subscriptions out."""
    connection = Connection.load(world, connection_id)
    rows.delete_all(world, _rows_of(world, connection))
    for subscription in connection.subscriptions.values():
        buckets.leave(world, subscription.source_id, subscription.bucket)


def forget_all(world: World, connection_ids: Sequence[str]) -> None:
    """Do so for many, side by side."""
    list(world.pool.map(partial(forget, world), connection_ids))


def cut(world: World, connection_ids: Sequence[str], within_s: float) -> list[str]:
    """Close connections and delete their rows; gives those that could not be closed, whose rows stay."""
    outcomes = list(zip(connection_ids, world.post.close(connection_ids, within_s), strict=True))
    forget_all(world, [each for each, outcome in outcomes if outcome in {Outcome.SENT, Outcome.GONE}])
    return [each for each, outcome in outcomes if outcome not in {Outcome.SENT, Outcome.GONE}]


def give_up(world: World, connection_id: str) -> None:
    """
    Leave a connection that can be neither served nor cut to the minute's sweep, which cuts it as soon as it can.

    No pass meets it any more, and whatever it sends is told to connect again.
    """
    world.dynamodb.put_item(**sweeps.give_up(world.tables.connections, connection_id, now_ms=world.now_ms()))
    forget(world, connection_id)


def renew(world: World, connection: Connection, *, token: str | None, ticket: str | None) -> None:
    """
    Let a connection live as long as the token that it sends, or as the one that a ticket was given for.

    A ticket is how who came with an issuer's token (OIDC) renews: that token is judged where the ticket is issued.
    Raises FrameRefused: `unknown_connection`, or `forbidden` unless it may read and is of the same principal.
    """
    now_ms = world.now_ms()
    held = connection.require_right()
    right = _check_ticket(world, ticket, now_ms) if ticket else _check_token(world, str(token))
    if not right.allows(READ, now_ms):
        raise FrameRefused("forbidden", "token: it has expired, or may not read")
    if right.principal != held.principal:
        raise FrameRefused("forbidden", "token: it belongs to somebody else than this connection")
    _put_right(world, connection, right, now_ms)


def _put_right(world: World, connection: Connection, right: Right, now_ms: int) -> None:
    for request in connections.put_index(world.tables.connections, connection.id, right, until_s=connection.until_s):
        world.dynamodb.put_item(**request)
    world.dynamodb.update_item(**connections.renew(world.tables.connections, connection.id, right, now_ms=now_ms))
    for subscription in connection.subscriptions.values():
        renewed = replace(subscription, expires_ms=right.expires_ms, since_ms=now_ms)
        world.dynamodb.put_item(**subscribers.put_subscriber(world.tables.subscribers, renewed))


def _check_token(world: World, token: str) -> Right:
    identity = access.token_id(token)
    row = rows.get(world, access.get_token(world.tables.access, identity)) if identity else None
    if row is None or not access.token_matches(token, row):
        raise FrameRefused("forbidden", "token: not a token of this service; for an issuer's send a ticket")
    return Right.from_row(row)


def _check_ticket(world: World, ticket: str, now_ms: int) -> Right:
    """Use a ticket up, as a handshake does."""
    try:
        taken = world.dynamodb.delete_item(**access.take_ticket(world.tables.access, ticket, now_ms=now_ms))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        raise FrameRefused("forbidden", "ticket: used already, older than 60 s, or none of ours") from error
    return Right.from_row(read_item(taken["Attributes"]))


def _rows_of(world: World, connection: Connection) -> Iterator[Request]:
    """Give the deletes of a connection's rows; its own row last, so that what fails in between can be found again."""
    table = world.tables.connections
    for subscription in connection.subscriptions.values():
        yield from subscription_rows(world, subscription)
    if connection.right:
        for key in connections.index_keys(connection.id, connection.right, until_s=connection.until_s):
            yield connections.delete_row(table, key["connectionId"], key["sheetId"])
    yield connections.delete_row(table, connection.id, SELF)


def subscription_rows(world: World, subscription: Subscription) -> Iterator[Request]:
    """Give the deletes of one subscription's two rows, the one that fan-out reads first."""
    source_id, connection_id = subscription.source_id, subscription.connection_id
    yield subscribers.delete_subscriber(world.tables.subscribers, source_id, subscription.bucket, connection_id)
    yield connections.delete_row(world.tables.connections, connection_id, source_id)


def _right(context: Mapping[str, Any]) -> Right:
    """Read what the authorizer found; the gateway turns every value of its context into text."""
    expiry = context.get("expiry")
    return Right(
        principal=str(context["principal"]),
        scopes=frozenset(str(context["scopes"]).split()),
        expires_ms=int(expiry) if expiry not in (None, "", "null") else None,
    )
