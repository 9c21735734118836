"""Following sources: the newest document each time that it changes, for as long as the caller likes."""

import random
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from client.fetch import Fetch
from client.follow import Followed
from client.link import Door, Retry, Token
from client.replica import Phase, Replica
from contracts.clock import SECOND_MS
from contracts.frames import RESUME_SOURCES_MAX


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


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One source of several from which nothing more will come; `why` is what following it alone would have raised."""

    source_id: str
    why: SourceDeleted | SourceRefused


async def subscribe(
    url: str, token: Token, source_id: str, *, api_url: str | None = None, chance: random.Random | None = None
) -> AsyncGenerator[Change]:
    """
    Yield the newest state now, and again whenever it changed; lost connections are opened again and resumed.

    As `follow` for one source. Raises AccessRefused, SourceRefused and SourceDeleted.
    """
    async with aclosing(follow(url, token, [source_id], api_url=api_url, chance=chance)) as found:
        async for each in found:
            if isinstance(each, Ended):
                raise each.why
            yield each


async def follow(
    url: str,
    token: Token,
    source_ids: Collection[str],
    *,
    api_url: str | None = None,
    chance: random.Random | None = None,
) -> AsyncGenerator[Change | Ended]:
    """
    Follow up to 128 sources over one connection: their newest states now, and again whenever one changed.

    `url` is the WebSocket's, `api_url` the HTTP API's, needed only for documents too large to be pushed. Nothing runs
    while the caller is busy: it may be slow, a connection that it lets die is resumed. Ends when every source did.
    Raises AccessRefused.
    """
    chance = chance or random.SystemRandom()
    replicas = _replicas(source_ids, chance)
    seen = {source_id: replica.position for source_id, replica in replicas.items()}
    async with ClientSession() as session:
        door = Door(url=url, token=token, session=session, now_ms=_monotonic_ms, chance=chance)
        fetch = Fetch(session=session, api_url=api_url, token=token)
        followed = Followed(door, fetch, replicas, now_ms=_monotonic_ms, retry=Retry(chance))
        async with aclosing(followed.advances()) as advances:
            async for replica in advances:
                if replica.holds and replica.position != seen[replica.source_id]:
                    seen[replica.source_id] = replica.position
                    yield _change(replica)
                why = _end(replica)
                if why:
                    del replicas[replica.source_id]
                    yield Ended(source_id=replica.source_id, why=why)


def _replicas(source_ids: Collection[str], chance: random.Random) -> dict[str, Replica]:
    if not 0 < len(source_ids) <= RESUME_SOURCES_MAX:
        raise ValueError(f"source_ids: 1 to {RESUME_SOURCES_MAX} of them, a connection follows no more")
    return {source_id: Replica(source_id, chance=chance) for source_id in source_ids}


def _end(replica: Replica) -> SourceDeleted | SourceRefused | None:
    """Say why nothing more will come of a source, if so."""
    if replica.refusal is not None:
        return SourceRefused(replica.refusal["code"], replica.refusal["message"])
    return SourceDeleted(replica.source_id) if replica.phase is Phase.DELETED else None


def _change(replica: Replica) -> Change:
    return Change(
        source_id=replica.source_id,
        incarnation=replica.incarnation,
        version=replica.version,
        document=replica.document,
    )


def _monotonic_ms() -> float:
    return time.monotonic() * SECOND_MS
