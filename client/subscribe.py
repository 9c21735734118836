"""Following one source: the newest document each time that it changes, for as long as the caller likes."""

import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from client.fetch import Fetch
from client.link import Clock, Door, Link, Lost, Retry
from client.replica import Phase, Replica
from contracts.clock import SECOND_MS
from contracts.frames import Frame


@dataclass(frozen=True, kw_only=True)
class Change:
    """A state of the source. `document` must not be changed: the next one is made from it."""

    source_id: str
    incarnation: str
    version: int
    document: Any


class SourceDeleted(LookupError):
    """The source was deleted: nothing more will come."""


class SourceRefused(PermissionError):
    """The service will not serve this source; `code` is one of the protocol's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def subscribe(
    url: str, token: str, source_id: str, *, api_url: str | None = None, chance: random.Random | None = None
) -> AsyncGenerator[Change]:
    """
    Yield the newest state now, and again whenever it changed; lost connections are opened again and resumed.

    `url` is the WebSocket's, `api_url` the HTTP API's, needed only for documents too large to be pushed. Nothing runs
    while the caller is busy: it may be slow, a connection that it lets die is resumed. Raises AccessRefused,
    SourceRefused and SourceDeleted.
    """
    chance = chance or random.SystemRandom()
    async with ClientSession() as session:
        door = Door(url=url, token=token, session=session, now_ms=_monotonic_ms, chance=chance)
        fetch = Fetch(session=session, api_url=api_url, token=token)
        replica = Replica(source_id, chance=chance)
        seen = replica.position
        async with aclosing(_advances(door, replica, fetch)) as advances:
            async for _ in advances:
                if replica.holds and replica.position != seen:
                    seen = replica.position
                    yield _change(replica)


async def _advances(door: Door, replica: Replica, fetch: Fetch) -> AsyncGenerator[None]:
    """Yield after everything that may have changed the replica, over one connection after another."""
    retry = Retry(door)
    while True:
        try:
            async with door.open() as link:
                retry.opened()
                replica.opened()
                while True:
                    await _step(link, replica, fetch, door.now_ms)
                    yield
        except Lost:
            replica.closed()
            await retry.wait()


async def _step(link: Link, replica: Replica, fetch: Fetch, now_ms: Clock) -> None:
    """Send what the replica wants to ask, and take the next frame."""
    while asked := replica.take(now_ms()):
        await link.send(asked)
    frame = await link.receive(until_ms=replica.due_ms)
    if frame is None or frame.get("sourceId") != replica.source_id:
        return
    replica.receive(await fetch.snapshot(frame) if frame["type"] == "ref" else frame)
    _check(replica)


def _check(replica: Replica) -> None:
    refusal: Frame | None = replica.refusal
    if refusal is not None:
        raise SourceRefused(refusal["code"], refusal["message"])
    if replica.phase is Phase.DELETED:
        raise SourceDeleted(replica.source_id)


def _change(replica: Replica) -> Change:
    return Change(
        source_id=replica.source_id,
        incarnation=replica.incarnation,
        version=replica.version,
        document=replica.document,
    )


def _monotonic_ms() -> float:
    return time.monotonic() * SECOND_MS
