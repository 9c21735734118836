"""Hearing of hand-offs: nothing is read until somebody rings, then much, for a while."""

import asyncio
import contextlib

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import Worker
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.doorbell import LISTEN_EVERY_S, LISTEN_S, Doorbell
from monitor_fleet.store import Request
from tests.simulation.virtual import run

KIND = SourceType.EXTERNAL


class Counting(MemoryStore):
    """Counts reads."""

    reads = 0

    async def get(self, request: Request) -> dict[str, object] | None:
        """Get, and count it."""
        self.reads += 1
        return await super().get(request)


class Rig:
    """A doorbell at a row in memory."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.memory.put_item(**fleet.join(NAMES.fleet, KIND, Worker(id="a")))
        self.store = Counting(self.memory)
        self.answered_s: list[float] = []
        self.bell = Doorbell(
            table=NAMES.fleet, kind=KIND, store=self.store, worker_id="a",
            boot_now=asyncio.get_running_loop().time, sleep=asyncio.sleep, on_ring=self._on_ring,
        )  # fmt: skip
        self._task = asyncio.create_task(self.bell.keep_listening())

    def ring(self) -> None:
        """Ring, as another worker does."""
        self.memory.update_item(**fleet.ring(NAMES.fleet, KIND, "a"))

    async def _on_ring(self) -> None:
        self.answered_s.append(asyncio.get_running_loop().time())

    async def end(self) -> None:
        """Stop listening."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def test_nothing_is_read_while_nobody_rings():
    """A steady fleet pays for heartbeats and looks only."""

    async def story() -> None:
        rig = Rig()
        rig.bell.hear(0)
        await asyncio.sleep(100)
        assert (rig.store.reads, rig.answered_s) == (0, [])
        await rig.end()

    run(story())


def test_after_a_first_ring_the_next_is_heard_at_once():
    """The first comes with a renewal, in good time before the hand-off; the second tells that it is done."""

    async def story() -> None:
        rig = Rig()
        rig.ring()
        rig.bell.hear(1)
        await asyncio.sleep(2)
        rig.ring()
        await asyncio.sleep(2 * LISTEN_EVERY_S)
        assert len(rig.answered_s) == 2
        assert 2 <= rig.answered_s[1] <= 2 + 2 * LISTEN_EVERY_S
        await rig.end()

    run(story())


def test_listening_ends():
    """And begins again with the next ring that a renewal brings."""

    async def story() -> None:
        rig = Rig()
        rig.bell.hear(1)
        await asyncio.sleep(LISTEN_S + 1)
        reads = rig.store.reads
        await asyncio.sleep(100)
        assert rig.store.reads == reads
        rig.bell.hear(2)
        await asyncio.sleep(1)
        assert len(rig.answered_s) == 2
        await rig.end()

    run(story())
