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
from ws.subscriptions import Frames
from ws.world import World

PONG: Frame = {"type": "pong"}

#: What may be well again in a moment; the client is told to try once more.
OUR_TROUBLE = (ClientError, BotoCoreError, RowsLeft)

type Do = Callable[[], Frames]

#: The answers to one frame; a client that is slow for a moment is waited for, and the gateway gives up after 29 s.
ANSWER_WITHIN_S = 8.0


def act(world: World, connection_id: str, body: str) -> list[str]:
    """Serve one frame and post the answers; returns what went wrong, for the log."""
    wrong: list[str] = []
    for answer in _answers(world, connection_id, body, wrong):
        outcome = _post(world, connection_id, answer(False))
        if outcome is Outcome.TOO_LARGE:
            outcome = _post(world, connection_id, answer(True))
        if outcome is Outcome.GONE:
            connections.forget(world, connection_id)
            break
        if outcome is not Outcome.SENT:
            wrong.append(outcome)
            _cut(world, connection_id)
            break
    return wrong


def _post(world: World, connection_id: str, answer: list[bytes]) -> Outcome:
    world.budget.count(len(answer))
    (outcome,) = world.post.deliver([Letter(connection_id=connection_id, frames=answer)], ANSWER_WITHIN_S)
    return outcome


def _cut(world: World, connection_id: str) -> None:
    """End a connection that did not get its answer: it would wait for it, and its reconnect asks again."""
    for stuck in connections.cut(world, [connection_id], ANSWER_WITHIN_S / 2):
        connections.give_up(world, stuck)


def _answers(world: World, connection_id: str, body: str, wrong: list[str]) -> Iterator[Frames]:
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
            return [(None, partial(_renew, world, load, ask))]
        case _:
            return [(None, lambda: _one(PONG))]


def _subscribe(world: World, load: Callable[[], Connection], wish: subscriptions.Wish) -> Frames:
    return subscriptions.subscribe(world, load(), wish)


def _unsubscribe(world: World, load: Callable[[], Connection], source_id: str) -> Frames:
    subscriptions.unsubscribe(world, load(), source_id)
    return lambda _small: []


def _renew(world: World, load: Callable[[], Connection], ask: Ask) -> Frames:
    connections.renew(world, load(), token=ask.token, ticket=ask.ticket)
    return lambda _small: []


def _refusal(refused: FrameRefused, wrong: list[str], *, temporary: bool = False) -> Frames:
    wrong.append(refused.code)
    return _one(frames.error(refused, temporary=temporary))


def _one(frame: Frame) -> Frames:
    written = frames.encode(frame, frozenset()) or []
    return lambda _small: written
