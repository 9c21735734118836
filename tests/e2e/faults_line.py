"""
What one process sends to AWS, write by write, and what may go wrong at each.

The seams of a worker (`monitor_fleet.assembly.Seams`) are wrapped by these; nothing of the product is patched.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from contracts.messages import Message
from monitor_fleet.announce import Publish
from monitor_fleet.documents import BucketVerbs
from monitor_fleet.errors import Ambiguous, StoreError, Throttled
from monitor_fleet.store import Request, StoreVerbs

#: A client's own time-out, and when a request that nobody waits for any more still lands.
GIVE_UP_S, LATE_S = 5.0, 12.0

type Land = Callable[[], Awaitable[Any]]
type Fault = Callable[["Line", Land], Awaitable[Any]]


class Line:
    """One process's line to AWS: counts its writes, and has the nth meet a fault. `away` refuses parts for a while."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.faults: dict[int, Fault] = {}
        self.away: dict[str, StoreError] = {}
        self.refused = 0
        self.on_cut: Callable[[], object] = lambda: None
        self.is_cut = False
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, part: str, land: Land) -> Any:
        """Let a read through."""
        await self._pass(part)
        return await land()

    async def write(self, part: str, what: str, land: Land) -> Any:
        """Let a write through, or have it meet its fault."""
        await self._pass(part)
        self.writes.append(f"{part}.{what}")
        fault = self.faults.get(len(self.writes))
        return await (fault(self, land) if fault else land())

    async def cut(self) -> None:
        """End the process here and now: it never hears what became of its request."""
        self.is_cut = True
        self.on_cut()
        await asyncio.Event().wait()

    def later(self, land: Land) -> None:
        """Let a request land when nobody waits for it any more."""

        async def arrive() -> None:
            await asyncio.sleep(LATE_S)
            await asyncio.gather(land(), return_exceptions=True)

        task = asyncio.create_task(arrive())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _pass(self, part: str) -> None:
        if self.is_cut:
            await self.cut()
        if part in self.away:
            self.refused += 1
            raise self.away[part]


async def die_before(line: Line, _: Land) -> None:
    """SIGKILL just before a write."""
    await line.cut()


async def die_after(line: Line, land: Land) -> None:
    """SIGKILL just after a write landed."""
    await asyncio.gather(land(), return_exceptions=True)
    await line.cut()


async def die_late(line: Line, land: Land) -> None:
    """SIGKILL while a write is on a long way: it lands when the next owner is at work."""
    line.later(land)
    await line.cut()


async def lost(_: Line, __: Land) -> None:
    """Send a write that never arrives."""
    await asyncio.sleep(GIVE_UP_S)
    raise Ambiguous("no answer")


async def unanswered(_: Line, land: Land) -> None:
    """Send a write that lands, and lose its answer."""
    await asyncio.gather(land(), return_exceptions=True)
    await asyncio.sleep(GIVE_UP_S)
    raise Ambiguous("no answer")


async def late(line: Line, land: Land) -> None:
    """Send a write that lands long after its sender gave up."""
    line.later(land)
    await asyncio.sleep(GIVE_UP_S)
    raise Ambiguous("no answer")


async def throttled(_: Line, __: Land) -> None:
    """Refuse a write for want of capacity."""
    raise Throttled("ProvisionedThroughputExceededException")


class LinedStore:
    """The verbs of a store over a line."""

    def __init__(self, inner: StoreVerbs, line: Line, part: str) -> None:
        self._inner, self._line, self._part = inner, line, part

    async def get(self, request: Request) -> Any:
        """GetItem."""
        return await self._line.read(self._part, lambda: self._inner.get(request))

    async def query(self, request: Request) -> Any:
        """Query."""
        return await self._line.read(self._part, lambda: self._inner.query(request))

    async def batch_get(self, request: Request) -> Any:
        """BatchGetItem."""
        return await self._line.read(self._part, lambda: self._inner.batch_get(request))

    async def put(self, request: Request) -> None:
        """PutItem."""
        await self._line.write(self._part, "put", lambda: self._inner.put(request))

    async def update(self, request: Request) -> Any:
        """UpdateItem."""
        return await self._line.write(self._part, "update", lambda: self._inner.update(request))

    async def delete(self, request: Request) -> None:
        """DeleteItem."""
        await self._line.write(self._part, "delete", lambda: self._inner.delete(request))

    async def transact(self, request: Request) -> None:
        """TransactWriteItems."""
        await self._line.write(self._part, "transact", lambda: self._inner.transact(request))


class LinedBucket:
    """The verbs of a bucket over a line."""

    def __init__(self, inner: BucketVerbs, line: Line) -> None:
        self._inner, self._line = inner, line

    async def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        await self._line.write("bucket", "put", lambda: self._inner.put(key, data))

    async def get(self, key: str) -> bytes | None:
        """Read an object."""
        found: bytes | None = await self._line.read("bucket", lambda: self._inner.get(key))
        return found


def lined(publish: Publish, line: Line) -> Publish:
    """Publish over a line."""

    async def send(message: Message) -> None:
        await line.write("queue", f"publish {message.kind.value}", lambda: publish(message))

    return send
