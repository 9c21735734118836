"""One pass over one bucket: every subscriber gets its frames, and what the posts teach is written down."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import batched

from contracts.clock import SECOND_MS
from contracts.table import subscribers
from contracts.table.connections import Subscription
from contracts.table.subscribers import CURSOR
from ws import revoked, rows
from ws.budget import FREE_POSTS_MAX
from ws.connections import cut, forget_all, give_up
from ws.post import Letter, Outcome
from ws.world import World

#: Handfuls on their way at once: while one waits for its slowest posts, the next goes out.
HANDFULS_AT_ONCE = 2
#: What is left of an invocation when a pass saves its place: room for the posts in flight and the message.
STOP_BEFORE_END_MS = 5_000
#: What is left when posts in flight are given up, and of that what posting again in small frames and cutting may take.
POSTS_END_MS, AGAIN_S, CUT_WITHIN_S = 3_000, 0.5, 1.5
#: Where nobody is served and more than these cannot even be cut, the gateway is the trouble, and not they.
GIVE_UP_MAX = 10

type TimeLeftMs = Callable[[], int]
type FramesFor = Callable[[Subscription, bool], Sequence[bytes]]
"""What a subscriber is told, in small frames if the usual ones were too large for the gateway."""
type Then = Callable[[Sequence[Subscription]], None]


class PassFailed(RuntimeError):
    """Nobody could be served nor cut: the trouble is not theirs, so the pass is done again."""


@dataclass(frozen=True, kw_only=True)
class Audience:
    """A bucket of a source's subscribers, from the connection after `after` on."""

    source_id: str
    bucket: int
    after: str = CURSOR


@dataclass(kw_only=True)
class Pass:
    """
    What a pass did. `stopped_at` is the last connection it served before its time ran out; None: it is complete.

    `stuck` counts who could be neither served nor cut. Of a change: the versions that became one frame with others,
    and the time from its commit to the last post.
    """

    told: int = 0
    gone: int = 0
    cut: int = 0
    slow: int = 0
    failed: int = 0
    stuck: int = 0
    stopped_at: str | None = None
    conflated: int = 0
    lag_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Handful:
    """Subscribers told together; `after` is whom the pass served before them."""

    found: Sequence[Subscription]
    after: str
    is_first: bool


@dataclass(kw_only=True)
class _Told:
    """What became of a handful. `later`: the place of the first for whom there was no time; None: there was for all."""

    told: int = 0
    gone: int = 0
    cut: int = 0
    slow: int = 0
    failed: int = 0
    stuck: list[str] = field(default_factory=list)
    later: int | None = None


def tell(
    world: World, audience: Audience, frames_for: FramesFor, time_left_ms: TimeLeftMs, *, then: Then | None = None
) -> Pass:
    """
    Post to everyone in a bucket, reading it strongly page by page while posts are on their way.

    Who is gone loses its rows. Who cannot be served is cut, so that its reconnect heals it, and so is whose right has
    ended; who cannot even be cut is given up. `then` is done with everyone who was told. Raises PassFailed.
    """
    done, stuck = Pass(), list[str]()
    flying: deque[tuple[_Handful, Future[_Told]]] = deque()
    for handful in _handfuls(world, audience):
        if not _may_go(world, handful, audience, time_left_ms):
            done.stopped_at = handful.after
            break
        letters = [(each, frames_for(each, False)) for each in handful.found if not _is_over(world, each)]
        within_s = (time_left_ms() - POSTS_END_MS) / SECOND_MS
        flying.append((handful, world.pool.submit(_tell, world, handful, letters, frames_for, within_s)))
        if len(flying) >= HANDFULS_AT_ONCE:
            _settle(*flying.popleft(), done, stuck, then)
        if done.stopped_at is not None:
            break
    while flying:
        _settle(*flying.popleft(), done, stuck, then)
    _give_up(world, stuck, done)
    return done


def _handfuls(world: World, audience: Audience) -> Iterator[_Handful]:
    query = subscribers.subscribers(
        world.tables.subscribers, audience.source_id, audience.bucket, now_ms=world.now_ms(), after=audience.after
    )
    served = audience.after
    for page in rows.pages(world, query):
        for found in batched(map(Subscription.read, page), world.budget.lease_max, strict=False):
            yield _Handful(found=found, after=served, is_first=served == CURSOR)
            served = found[-1].connection_id


def _may_go(world: World, handful: _Handful, audience: Audience, time_left_ms: TimeLeftMs) -> bool:
    """Take a handful's posts from the account's budget, if that is possible in time."""
    patience_ms = time_left_ms() - STOP_BEFORE_END_MS
    if patience_ms < 0:
        return False
    posts, is_small = len(handful.found), handful.is_first and audience.bucket == 0
    if is_small and posts <= FREE_POSTS_MAX:
        world.budget.count(posts)
        return True
    return world.budget.wait(posts, large=not is_small, patience_ms=patience_ms)


def _is_over(world: World, subscription: Subscription) -> bool:
    has_ended = subscription.expires_ms is not None and subscription.expires_ms <= world.now_ms()
    return has_ended or revoked.is_revoked(world, subscription.principal, subscription.since_ms)


def _tell(
    world: World,
    handful: _Handful,
    letters: Sequence[tuple[Subscription, Sequence[bytes]]],
    frames_for: FramesFor,
    within_s: float,
) -> _Told:
    """Post to a handful, and act on what the posts say of each."""
    fates = _post(world, letters, within_s)
    too_large = [each for each, outcome in fates.items() if outcome is Outcome.TOO_LARGE]
    if too_large:
        again = [(each, frames_for(each, True)) for each in too_large]
        fates |= _post(world, again, AGAIN_S)
    by = {outcome: [each for each, one in fates.items() if one is outcome] for outcome in Outcome}
    told = _Told(gone=len(by[Outcome.GONE]), slow=len(by[Outcome.SLOW]))
    told.later = next((i for i, each in enumerate(handful.found) if fates.get(each) is Outcome.LATER), None)
    # Who comes after that one is told again, and counted then.
    told.told = sum(fates.get(each) is Outcome.SENT for each in handful.found[: told.later])
    _clean(world, by[Outcome.GONE])
    over = [each for each in handful.found if each not in fates]
    failed = [*by[Outcome.FAILED], *by[Outcome.TOO_LARGE]]
    lost = [*by[Outcome.SLOW], *failed, *over]
    told.failed = len(failed)
    told.stuck = cut(world, [each.connection_id for each in lost], CUT_WITHIN_S) if lost else []
    told.cut = len(lost) - len(told.stuck)
    return told


def _post(
    world: World, letters: Sequence[tuple[Subscription, Sequence[bytes]]], within_s: float
) -> dict[Subscription, Outcome]:
    written = [Letter(connection_id=each.connection_id, frames=frames) for each, frames in letters]
    outcomes = world.post.deliver(written, within_s)
    return dict(zip((each for each, _ in letters), outcomes, strict=True))


def _clean(world: World, gone: Sequence[Subscription]) -> None:
    """Delete all rows of the gone, and the row just read even where its connection's own rows do not name it."""
    forget_all(world, [each.connection_id for each in gone])
    table = world.tables.subscribers
    rows.delete_all(
        world, [subscribers.delete_subscriber(table, it.source_id, it.bucket, it.connection_id) for it in gone]
    )


def _settle(handful: _Handful, flight: Future[_Told], done: Pass, stuck: list[str], then: Then | None) -> None:
    """Add what became of a handful; a pass goes on before the first for whom there was no time."""
    told = flight.result()
    if done.stopped_at is None or handful.after < done.stopped_at:
        done.told += told.told  # who comes after the place where the pass goes on is told again
    done.gone += told.gone
    done.cut += told.cut
    done.slow += told.slow
    done.failed += told.failed
    stuck += told.stuck
    served = handful.found
    if told.later is not None:
        served = handful.found[: told.later]
        place = served[-1].connection_id if served else handful.after
        done.stopped_at = place if done.stopped_at is None else min(done.stopped_at, place)
    if then and served:
        then(served)


def _give_up(world: World, stuck: Sequence[str], done: Pass) -> None:
    """Give up who is stuck, unless everybody is: one connection's trouble must not hold a source's news."""
    done.stuck = len(stuck)
    if not done.told and len(stuck) > GIVE_UP_MAX:
        raise PassFailed(f"{len(stuck)} subscribers could be neither served nor cut, and nobody could")
    for each in stuck:
        give_up(world, each)
