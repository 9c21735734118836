"""One pass over one bucket: every subscriber gets its frames, and what the posts teach is written down."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched

from contracts.table import connections
from contracts.table.connections import CURSOR, Subscription
from ws import rows
from ws.connections import cut, forget
from ws.post import Letter, Outcome
from ws.world import World

#: A pass looks at the clock once for so many posts.
POSTS_AT_ONCE_MAX = 64
#: What is left of an invocation when a pass saves its place: room for the posts in flight and the message.
STOP_BEFORE_END_MS = 5_000

type TimeLeftMs = Callable[[], int]
type FramesFor = Callable[[Subscription], Sequence[bytes]]
type Then = Callable[[Sequence[Subscription]], None]


class PassFailed(RuntimeError):
    """Some connections could be neither served nor cut: the trouble is not theirs, so the pass is done again."""


@dataclass(frozen=True, kw_only=True)
class Audience:
    """A bucket of a source's subscribers, from the connection after `after` on."""

    source_id: str
    bucket: int
    after: str = CURSOR


@dataclass(kw_only=True)
class Pass:
    """What a pass did. `stopped_at` is the last connection it served before its time ran out; None: it is complete."""

    told: int = 0
    gone: int = 0
    cut: int = 0
    stuck: int = 0
    stopped_at: str | None = None

    def check(self) -> None:
        """Raise PassFailed if somebody was left with neither the frames nor a reason to ask for them."""
        if self.stuck:
            raise PassFailed(f"{self.stuck} subscribers could be neither served nor cut")


def tell(
    world: World, audience: Audience, frames_for: FramesFor, time_left_ms: TimeLeftMs, *, then: Then | None = None
) -> Pass:
    """
    Post to everyone in a bucket, reading it strongly page by page.

    Who is gone loses its rows. Who cannot be served is cut, so that its reconnect heals it, and so is whose right has
    ended; `stuck` counts those that could not even be cut. `then` is done with each handful that was told.
    """
    done = Pass()
    served = audience.after
    for found in _found(world, audience):
        if time_left_ms() < STOP_BEFORE_END_MS:
            done.stopped_at = served
            break
        _tell(world, found, frames_for, done)
        if then:
            then(found)
        served = found[-1].connection_id
    return done


def _found(world: World, audience: Audience) -> Iterator[tuple[Subscription, ...]]:
    query = connections.subscribers(
        world.tables.subscribers, audience.source_id, audience.bucket, now_ms=world.now_ms(), after=audience.after
    )
    for page in rows.pages(world, query):
        yield from batched(map(Subscription.read, page), POSTS_AT_ONCE_MAX, strict=False)


def _tell(world: World, found: Sequence[Subscription], frames_for: FramesFor, done: Pass) -> None:
    now_ms = world.now_ms()
    living = [subscription for subscription in found if not _has_ended(subscription, now_ms)]
    letters = [Letter(connection_id=each.connection_id, frames=frames_for(each)) for each in living]
    outcomes = list(zip(living, world.post.deliver(letters), strict=True))
    gone = [subscription for subscription, outcome in outcomes if outcome is Outcome.GONE]
    failed = [subscription for subscription, outcome in outcomes if outcome is Outcome.FAILED]
    done.told += len(living) - len(gone) - len(failed)
    _clean(world, gone, done)
    _cut(world, [*failed, *(each for each in found if each not in living)], done)


def _has_ended(subscription: Subscription, now_ms: int) -> bool:
    return subscription.expires_ms is not None and subscription.expires_ms <= now_ms


def _clean(world: World, gone: Sequence[Subscription], done: Pass) -> None:
    """Delete all rows of the gone, and the row just read even where its connection's own rows do not name it."""
    done.gone += len(gone)
    list(world.pool.map(partial(forget, world), [each.connection_id for each in gone]))
    table = world.tables.subscribers
    rows.delete_all(
        world, [connections.delete_subscriber(table, it.source_id, it.bucket, it.connection_id) for it in gone]
    )


def _cut(world: World, lost: Sequence[Subscription], done: Pass) -> None:
    was_cut = list(world.pool.map(partial(cut, world), [each.connection_id for each in lost]))
    done.cut += sum(was_cut)
    done.stuck += len(was_cut) - sum(was_cut)
