"""Many sources over one connection, and over the next one when it is lost or about to be cut."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

from client.gather import gathered
from client.link import Clock, Link, Lost, Retry
from client.replica import Replica
from contracts.clock import SECOND_MS
from contracts.frames import Frame


class Opens(Protocol):
    """What opens connections (`client.link.Door`)."""

    async def open(self) -> Link:
        """Open one. Raises AccessRefused and Lost."""


class Fetches(Protocol):
    """What fetches documents too large to be pushed (`client.fetch.Fetch`)."""

    async def snapshot(self, ref: Frame) -> Frame:
        """Fetch what a `ref` points to."""


class Followed:
    """The replicas of one client, kept right over one connection after another."""

    def __init__(
        self, door: Opens, fetch: Fetches, replicas: Mapping[str, Replica], *, now_ms: Clock, retry: Retry
    ) -> None:
        self._door, self._fetch, self._replicas = door, fetch, replicas
        self._now_ms, self._retry = now_ms, retry
        self._link: Link | None = None

    async def advances(self) -> AsyncGenerator[Replica]:
        """Yield after every frame the replica that it was about; ends when there are no replicas left."""
        try:
            while self._replicas:
                try:
                    replica = await self._step(await self._connected())
                except Lost:
                    await self._lost()
                    continue
                if replica:
                    yield replica
        finally:
            await self._close()

    async def _connected(self) -> Link:
        link = self._link
        if link is None:
            self._link = link = await self._door.open()
            self._opened()
        elif self._now_ms() >= link.leave_at_ms:
            link = await self._hand_over(link)
        return link

    async def _hand_over(self, old: Link) -> Link:
        """
        Open the next connection while this one still stands, and say there what is held.

        What came meanwhile over the old one is among what is then brought. Where no new one is to be had it stays.
        """
        try:
            self._link = new = await self._door.open()
        except Lost:
            old.leave_at_ms = self._now_ms() + SECOND_MS + self._retry.next_ms()
            return old
        self._opened()
        await old.close()
        return new

    def _opened(self) -> None:
        for replica in self._replicas.values():
            replica.opened()

    async def _step(self, link: Link) -> Replica | None:
        """Send what the replicas want to ask, together, and take the next frame."""
        now_ms = self._now_ms()
        asked = [frame for each in self._replicas.values() if (frame := each.take(now_ms))]
        for frame in gathered(asked):
            await link.send(frame)
        came = await link.receive(until_ms=min(each.due_ms for each in self._replicas.values()))
        replica = self._replicas.get(str(came.get("sourceId"))) if came else None
        if came and replica:
            replica.receive(await self._fetch.snapshot(came) if came["type"] == "ref" else came)
        return replica

    async def _lost(self) -> None:
        if self._link:
            self._retry.lasted(self._now_ms() - self._link.opened_at_ms)
        await self._close()
        for replica in self._replicas.values():
            replica.closed()
        await asyncio.sleep(self._retry.next_ms() / SECOND_MS)

    async def _close(self) -> None:
        link, self._link = self._link, None
        if link:
            await link.close()
