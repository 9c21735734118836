"""Many sources over one connection after another, in virtual time and over a loopback socket."""

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType

from client import Change, Ended, SourceDeleted, SourceRefused, follow, subscribe
from client.follow import Followed
from client.link import Link, Lost, Retry
from client.replica import Replica
from contracts import frames
from contracts.canonical import canonical, digest
from tests.client.gateway import Connection, Gateway, first

MINUTE_MS = 60_000
A, B = "external-a", "external-b"
ACCEPT = ["gzip", "chunk"]


class NoWait(random.Random):
    """Chance that never waits: pings after 7 minutes, hand-overs after 105."""

    def random(self) -> float:
        """Draw the least."""
        return 0.0


class Over(Exception):
    """The test's time is over."""


class Clock:
    """Time that passes only while somebody waits for a message, up to an end."""

    now_ms = 0.0
    end_ms = 0.0

    def __call__(self) -> float:
        """Tell it."""
        return self.now_ms


class FakeSocket:
    """A connection in virtual time; `answer` gives what the service sends to a frame."""

    def __init__(self, clock: Clock, answer: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> None:
        self._clock, self._answer = clock, answer
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.coming: list[dict[str, Any]] = []
        self.closed_at_ms: float | None = None

    async def send_str(self, data: str) -> None:
        """Hear a frame."""
        frame = json.loads(data)
        self.sent.append((self._clock.now_ms, frame))
        self.coming += self._answer(frame)

    async def receive(self, timeout: float | None = None) -> WSMessage:  # noqa: ASYNC109 - as aiohttp's
        """Give what comes next, or let the time pass."""
        if not self.coming:
            if self._clock.now_ms >= self._clock.end_ms:
                raise Over
            self._clock.now_ms += (timeout or 0) * 1_000
            raise TimeoutError
        return WSMessage(WSMsgType.TEXT, json.dumps(self.coming.pop(0)), None)

    async def close(self) -> bool:
        """Take the goodbye."""
        self.closed_at_ms = self._clock.now_ms
        return True


class Doors:
    """Opens one connection in virtual time after another; `shut` of them it refuses first, after the first one."""

    def __init__(
        self, clock: Clock, answer: Callable[[dict[str, Any]], list[dict[str, Any]]], *, shut: int = 0
    ) -> None:
        self._clock, self._answer, self._shut = clock, answer, shut
        self.sockets: list[FakeSocket] = []

    async def open(self) -> Link:
        """Open one."""
        if self.sockets and self._shut:
            self._shut -= 1
            raise Lost("no connection")
        self.sockets.append(FakeSocket(self._clock, self._answer))
        return Link(self.sockets[-1], now_ms=self._clock, chance=NoWait())


class NoFetch:
    """Nothing here is too large to be pushed."""

    async def snapshot(self, ref: Any) -> Any:
        """Be called never."""
        raise AssertionError(ref)


def snapshot(source_id: str, version: int, document: Any) -> dict[str, Any]:
    """Write a snapshot."""
    named = digest(canonical(document))
    return frames.snapshot(source_id, ("one", version), document_hash=named, data=document, exact=False)


def answer(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer as a service whose sources are all at version 1."""
    match frame:
        case {"action": "ping"}:
            return [{"type": "pong"}]
        case {"action": "resume", "positions": dict(positions)}:
            return [frames.subscribed(each, ("one", 1), at_ms=0) for each in positions]
        case {"action": "subscribe", "position": _, "sourceId": str(source_id)}:
            return [frames.subscribed(source_id, ("one", 1), at_ms=0)]
    return [snapshot(frame["sourceId"], 1, {"of": frame["sourceId"]})]


async def run(doors: Doors, clock: Clock, source_ids: list[str], *, until_ms: float) -> dict[str, Replica]:
    """Follow sources until a time has come."""
    clock.end_ms = until_ms
    replicas = {each: Replica(each, chance=NoWait()) for each in source_ids}
    followed = Followed(doors, NoFetch(), replicas, now_ms=clock, retry=Retry(NoWait()))
    with suppress(Over):
        async with aclosing(followed.advances()) as advances:
            async for _ in advances:
                pass
    assert clock.now_ms >= until_ms
    return replicas


async def test_a_silent_connection_is_pinged_before_the_gateway_cuts_it():
    """After 8 ± 1 minutes, and again after as much silence: a quiet source costs no reconnect."""
    clock = Clock()
    doors = Doors(clock, answer)

    await run(doors, clock, [A], until_ms=30 * MINUTE_MS)

    (socket,) = doors.sockets
    pings = [at_ms for at_ms, frame in socket.sent if frame == {"action": "ping"}]
    assert [round(at_ms / MINUTE_MS) for at_ms in pings[:4]] == [7, 14, 21, 28]


async def test_a_ping_that_nobody_answers_opens_another_connection():
    """A peer that is gone says no goodbye: 10 s are enough to know."""
    clock = Clock()
    doors = Doors(clock, lambda frame: [] if frame["action"] == "ping" else answer(frame))

    await run(doors, clock, [A], until_ms=8 * MINUTE_MS)

    first_one, second, *_ = doors.sockets
    assert first_one.closed_at_ms == pytest.approx(7 * MINUTE_MS + 10_000, abs=1_000)
    assert second.sent[0][1]["position"] == ["one", 1]


async def test_a_connection_is_handed_over_before_two_hours_and_one_frame_resumes_all():
    """The next one is open before the old one is closed, and is told what is held of every source."""
    clock = Clock()
    doors = Doors(clock, answer)

    replicas = await run(doors, clock, [A, B], until_ms=119 * MINUTE_MS)

    old, new = doors.sockets
    assert old.closed_at_ms == new.sent[0][0] == pytest.approx(105 * MINUTE_MS, abs=1_000)
    resume = {"action": "resume", "positions": {A: ["one", 1], B: ["one", 1]}, "mode": "patch", "accept": ACCEPT}
    assert new.sent[0][1] == resume
    assert all(replica.holds for replica in replicas.values())


async def test_a_hand_over_that_fails_keeps_the_old_connection_and_is_tried_again():
    """What works is not thrown away for what may not."""
    clock = Clock()
    doors = Doors(clock, answer, shut=3)

    await run(doors, clock, [A], until_ms=110 * MINUTE_MS)

    old, new = doors.sockets
    assert old.closed_at_ms == new.sent[0][0] == pytest.approx(105 * MINUTE_MS + 3_000, abs=1_000)


@pytest.mark.parametrize("code", ["unknown_connection", "forbidden"])
async def test_what_only_a_new_connection_heals_opens_one(code: str):
    """The service may have given a connection up that stands: its sources are not refused, they are elsewhere."""

    async def serve(socket: Connection, asked: dict[str, Any]) -> None:
        if gateway.connections == 1:
            refused = frames.FrameRefused(code, "connect again", source_id=A)
            await socket.send_json(frames.error(refused))
        else:
            await socket.send_json(snapshot(asked["sourceId"], 1, 1))

    async with (
        Gateway.serving(serve) as gateway,
        aclosing(subscribe(gateway.url, gateway.token, A, chance=NoWait())) as changes,
    ):
        (change,) = await first(changes, 1)

    assert change.document == 1


async def test_many_sources_share_a_connection_and_one_that_ends_does_not_end_the_others():
    """Each ends with its own reason, and when the last did, so does the iteration."""

    async def serve(socket: Connection, asked: dict[str, Any]) -> None:
        source_id = asked["sourceId"]
        if source_id == B:
            await socket.send_json(frames.error(frames.FrameRefused("unknown_source", "none", source_id=B)))
            return
        await socket.send_json(snapshot(A, 1, 1))
        await socket.send_json(frames.reset(A, "deleted"))

    async with Gateway.serving(serve) as gateway, asyncio.timeout(60):
        seen = [each async for each in follow(gateway.url, gateway.token, [B, A], chance=NoWait())]

    assert gateway.connections == 1
    assert isinstance(seen[0], Ended)
    assert isinstance(seen[0].why, SourceRefused)
    assert isinstance(seen[1], Change)
    assert isinstance(seen[2], Ended)
    assert isinstance(seen[2].why, SourceDeleted)
    assert [each.source_id for each in seen] == [B, A, A]


async def test_a_token_that_ends_is_asked_for_anew_at_each_connection():
    """The tokens of an issuer end within the hour; a connection that is cut for it comes back with the next."""
    given = []

    async def token() -> str:
        given.append(Gateway.token)
        return given[-1]

    async def serve(socket: Connection, asked: dict[str, Any]) -> None:
        await socket.send_json(snapshot(asked["sourceId"], gateway.connections, gateway.connections))
        if gateway.connections == 1:
            await socket.close()

    async with (
        Gateway.serving(serve) as gateway,
        aclosing(subscribe(gateway.url, token, A, chance=NoWait())) as changes,
    ):
        seen = await first(changes, 2)

    assert [change.document for change in seen] == [1, 2]
    assert len(given) == 2


@pytest.mark.parametrize("count", [0, 129])
async def test_no_source_and_more_than_128_are_refused_before_anything_is_opened(count: int):
    """A connection follows at most 128."""
    with pytest.raises(ValueError, match="1 to 128"):
        await anext(follow("ws://127.0.0.1:9", "token", [f"external-{i}" for i in range(count)]))
