"""What a client's frame asks for, done; what is wrong with it, said. The connection lives on in every case."""

from collections.abc import Callable, Iterator
from functools import cache, partial

from botocore.exceptions import BotoCoreError, ClientError

from contracts import frames
from contracts.frames import Ask, Frame, FrameRefused
from ws import connections, subscriptions
from ws.connections import Connection
from ws.post import Letter, Outcome
from ws.rows import RowsLeft
from ws.world import World

PONG: Frame = {"type": "pong"}

#: What may be well again in a moment; the client is told to try once more.
OUR_TROUBLE = (ClientError, BotoCoreError, RowsLeft)

type Do = Callable[[], list[bytes]]


def act(world: World, connection_id: str, body: str) -> list[str]:
    """Serve one frame and post the answers; returns what went wrong, for the log."""
    wrong: list[str] = []
    for answer in _answers(world, connection_id, body, wrong):
        outcomes = world.post.deliver([Letter(connection_id=connection_id, frames=answer)] if answer else [])
        if Outcome.GONE in outcomes:
            connections.forget(world, connection_id)
            break
        wrong.extend(outcome for outcome in outcomes if outcome is Outcome.FAILED)
    return wrong


def _answers(world: World, connection_id: str, body: str, wrong: list[str]) -> Iterator[list[bytes]]:
    """Give the answers to one frame, each source's on its own, so that one's trouble is not another's."""
    try:
        ask = frames.parse(body)
    except FrameRefused as refused:
        yield _refusal(refused, wrong)
        return
    for source_id, do in _parts(world, connection_id, ask):
        try:
            yield do()
        except FrameRefused as refused:
            refused.frame_id, refused.source_id = ask.id, source_id
            yield _refusal(refused, wrong)
        except OUR_TROUBLE as error:
            wrong.append(str(error))
            trouble = FrameRefused(
                "unavailable", "not possible right now: try again", frame_id=ask.id, source_id=source_id
            )
            yield _refusal(trouble, wrong, temporary=True)


def _parts(world: World, connection_id: str, ask: Ask) -> list[tuple[str | None, Do]]:
    """Take a frame apart into what it asks of each source; the connection's rows are read once, when first needed."""
    load = cache(partial(Connection.load, world, connection_id))
    match ask.action:
        case "subscribe" | "resume":
            wishes = subscriptions.wishes(ask)
            return [(wish.source_id, partial(_subscribe, world, load, wish)) for wish in wishes]
        case "unsubscribe":
            return [(ask.source_id, partial(_unsubscribe, world, load, str(ask.source_id)))]
        case "auth":
            return [(None, partial(_renew, world, load, str(ask.token)))]
        case _:
            return [(None, lambda: frames.encode(PONG, frozenset()) or [])]


def _subscribe(world: World, load: Callable[[], Connection], wish: subscriptions.Wish) -> list[bytes]:
    return subscriptions.subscribe(world, load(), wish)


def _unsubscribe(world: World, load: Callable[[], Connection], source_id: str) -> list[bytes]:
    subscriptions.unsubscribe(world, load(), source_id)
    return []


def _renew(world: World, load: Callable[[], Connection], token: str) -> list[bytes]:
    connections.renew(world, load(), token)
    return []


def _refusal(refused: FrameRefused, wrong: list[str], *, temporary: bool = False) -> list[bytes]:
    wrong.append(refused.code)
    return frames.encode(frames.error(refused, temporary=temporary), frozenset()) or []
