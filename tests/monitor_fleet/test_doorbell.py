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
        self.memory.transact_write_items(**fleet.join(NAMES.fleet, KIND, Worker(id="a")))
        self.store = Counting(self.memory)
        self.given: list[tuple[float, frozenset[int]]] = []
        self.bell = Doorbell(
            table=NAMES.fleet, kind=KIND, store=self.store, worker_id="a",
            boot_now=asyncio.get_running_loop().time, sleep=asyncio.sleep, on_given=self._on_given,
        )  # fmt: skip
        self._task = asyncio.create_task(self.bell.keep_listening())

    def ring(self, *given: int) -> None:
        """Ring, as another worker does."""
        self.memory.update_item(**fleet.ring(NAMES.fleet, KIND, "a", given=frozenset(given)))

    def hear(self) -> None:
        """Hear what a renewal brings."""
        self.bell.hear(self.memory.get_item(**fleet.get_worker(NAMES.fleet, KIND, "a"))["Item"])

    async def _on_given(self, numbers: frozenset[int]) -> None:
        self.given.append((asyncio.get_running_loop().time(), numbers))

    async def end(self) -> None:
        """Stop listening."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def test_nothing_is_read_while_nobody_rings():
    """A steady fleet pays for heartbeats and looks only."""

    async def story() -> None:
        rig = Rig()
        rig.hear()
        await asyncio.sleep(100)
        assert (rig.store.reads, rig.given) == (0, [])
        await rig.end()

    run(story())


def test_after_a_first_ring_the_next_is_heard_at_once():
    """The first comes with a renewal, in good time before the hand-off; the second tells that it is done."""

    async def story() -> None:
        rig = Rig()
        rig.ring()
        rig.hear()
        await asyncio.sleep(2)
        rig.ring(5, 6)
        await asyncio.sleep(2 * LISTEN_EVERY_S)
        ((at_s, numbers),) = rig.given
        assert 2 <= at_s <= 2 + 2 * LISTEN_EVERY_S
        assert numbers == rig.bell.taken == {5, 6}
        await rig.end()

    run(story())


def test_listening_ends():
    """And begins again with the next ring that a renewal brings."""

    async def story() -> None:
        rig = Rig()
        rig.ring(1)
        rig.hear()
        await asyncio.sleep(LISTEN_S + 1)
        reads = rig.store.reads
        await asyncio.sleep(100)
        assert rig.store.reads == reads
        rig.ring(2)
        rig.hear()
        await asyncio.sleep(1)
        assert [numbers for _, numbers in rig.given] == [{1}, {2}]
        await rig.end()

    run(story())
