"""One worker in the simulation: the real leases, catalog and committer, with a poller that reads the world's values."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

from contracts.canonical import digest
from contracts.kinds import SourceType
from contracts.messages import Message
from contracts.source import Source
from contracts.table.fleet import Shard
from fetching.document import Document
from fetching.outcome import Validators
from local.memory import NAMES, Memory
from monitor_fleet.announce import Announcer, owes
from monitor_fleet.catalog import Catalog
from monitor_fleet.commit import Committer, Dropped
from monitor_fleet.documents import Documents
from monitor_fleet.errors import StoreError, StoreFailed
from monitor_fleet.leases import Leases
from monitor_fleet.store import Request
from monitor_fleet.watched import Watched
from tests.simulation.invariants import DRIFT, Invariants, is_commit
from tests.simulation.network import FarStore, Network

KIND = SourceType.EXTERNAL
EPOCH_MS = 1_800_000_000_000
POLL_EVERY_S = 1.0
FETCH_MAX_S = 0.3
SKEW_MAX_MS = 1_000

#: Begun without the right, these would be a dead hand's.
_WRITES = frozenset({"update_item", "put_item", "transact_write_items"})


class Process:
    """A process with its own clocks. `values` is what each source serves right now."""

    def __init__(
        self, name: str, *, memory: Memory, network: Network, invariants: Invariants, shards: int,
        values: Mapping[str, bytes], chance: Random, release: str = "", loads: Callable[[int], float] | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.is_alive = True
        self.is_leaving = False
        self.polling: set[int] = set()
        self.watched: dict[str, Watched] = {}
        #: What a commit that is under way was begun with: it may not be watched any more.
        self.committing: dict[str, Watched] = {}
        self.awake = asyncio.Event()
        self.awake.set()
        self._invariants = invariants
        self._values = values
        self._chance = chance
        self._rate = 1 + chance.uniform(-DRIFT, DRIFT)
        self._started_s = chance.uniform(0, 1e6)
        self._skew_ms = chance.randint(-SKEW_MAX_MS, SKEW_MAX_MS)
        #: Until when it was stopped, each time (virtual s).
        self.stopped_until_s: list[float] = []
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        store = FarStore(
            memory,
            network,
            on_send=self._on_send,
            landed=partial(invariants.landed, name),
            awake=lambda: self.awake,
        )
        self.leases = Leases(
            table=NAMES.fleet, kind=KIND, worker_id=name, shards=shards, store=store, now_ms=self._now_ms,
            boot_now=self._boot_now, chance=chance, sleep=self._sleep,
            on_claimed=self._on_claimed, on_giving=self._on_giving, on_lost=self._on_lost, release=release,
            loads=partial(self._loads, loads) if loads else dict,
        )  # fmt: skip
        self.catalog = Catalog(
            tables=NAMES, kind=KIND, store=store, sleep=self._sleep,
            on_source=self._on_source, on_gone=self._on_gone, on_poll=lambda _: None,
            on_death=self.leases.look_now,
        )  # fmt: skip
        self._committer = Committer(
            store=store, tables=NAMES,
            documents=Documents(store=store, table=NAMES.sheets_data, bucket=_NoBucket(), offload=_Inline()),
            offload=_Inline(), now_ms=self._now_ms, may_act=self.leases.may_act, history_days=7,
        )  # fmt: skip

        self._announcer = Announcer(
            store=store, table=NAMES.sheets_data, publish=self._publish, now_ms=self._now_ms, chance=chance,
            sleep=self._sleep, may_act=self.leases.may_act,
        )  # fmt: skip
        self._network = network

    def start(self) -> None:
        """Start what a worker runs."""
        self._tasks = [
            asyncio.create_task(way) for way in (self.leases.run(), self.catalog.run(), self._keep_polling())
        ]

    def kill(self) -> None:
        """SIGKILL: nothing more is done; what was sent goes on."""
        self.is_alive = False
        for task in (*self._tasks, *self._polls.values()):
            task.cancel()

    def terminate(self) -> None:
        """SIGTERM; the second one ends it at once."""
        if self.is_leaving:
            self._tasks.append(asyncio.create_task(self._part()))
        else:
            self.is_leaving = True
            self._tasks.append(asyncio.create_task(self._drain()))

    async def stop_for(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later."""
        self.stopped_until_s.append(asyncio.get_running_loop().time() + seconds)
        self.awake.clear()
        await asyncio.sleep(seconds)
        self.awake.set()

    def failure(self) -> BaseException | None:
        """Give what broke this process, if something did that should not have."""
        ended = [task for task in self._tasks if task.done() and not task.cancelled()]
        return next((error for task in ended if (error := task.exception())), None)

    async def _drain(self) -> None:
        await self.leases.drain()
        self.kill()

    async def _part(self) -> None:
        await self.leases.part()
        self.kill()

    async def _keep_polling(self) -> None:
        while True:
            for source_id, watched in list(self.watched.items()):
                if source_id not in self._polls or self._polls[source_id].done():
                    self._polls[source_id] = asyncio.create_task(self._poll(watched))
            await self._sleep(POLL_EVERY_S)

    async def _poll(self, watched: Watched) -> None:
        if not self.leases.may_act():
            return
        value = self._values.get(watched.target.id, b"null")
        await self._sleep(self._chance.uniform(0, FETCH_MAX_S))
        try:
            head = watched.head or await self._committer.load(watched)
            if head.hash != digest(value):
                document = Document(canonical=value, hash=digest(value))
                self.committing[watched.target.id] = watched
                await self._committer.commit(watched, document, Validators(url=watched.target.url))
            if owes(watched) and watched.current:
                await self._announcer.announce(watched)
        except (Dropped, StoreError):
            return  # the next poll tries again, if there is one

    async def _publish(self, message: Message) -> None:
        """Send to the queue, which may lose the answer or the message."""
        await self._sleep(self._network.takes_s())
        watched = self.watched.get(message.source_id)
        if self._network.away or self._network.happens(self._network.lost_share):
            raise StoreFailed("the queue does not answer")
        self._invariants.published(self.name, watched.shard.epoch if watched else 0, message)
        if self._network.happens(self._network.unanswered_share):
            raise StoreFailed("the queue did not answer")

    def _loads(self, load: Callable[[int], float]) -> dict[int, float]:
        return {number: load(number) for number in self.polling}

    def _on_claimed(self, shard: Shard) -> None:
        if self.leases.may_act():
            self._invariants.held(self.leases.worker_id, shard)
        self.polling.add(shard.number)
        self.catalog.follow(shard)

    async def _on_giving(self, number: int) -> int:
        self.catalog.drop(number)
        under_way = [self._polls.get(source_id) for source_id in self._of(number)]
        await asyncio.gather(*(poll for poll in under_way if poll))
        self._on_lost(number)
        return self._now_ms()

    def _on_lost(self, number: int) -> None:
        self.polling.discard(number)
        self.catalog.drop(number)
        for source_id in self._of(number):
            self._on_gone(source_id)

    def _of(self, number: int) -> list[str]:
        return [source_id for source_id, watched in self.watched.items() if watched.shard.number == number]

    def _on_source(self, source: Source, shard: Shard) -> None:
        self._on_gone(source.id)
        self.watched[source.id] = Watched.begin(source, shard)

    def _on_gone(self, source_id: str) -> None:
        watched = self.watched.pop(source_id, None)
        if watched:
            watched.current = False

    def _on_send(self, call: Callable[..., Any], request: Request) -> None:
        if is_commit(request):
            self._note_revision(request)
        if self.leases.may_act():
            self._invariants.right_holds(self.leases.worker_id, self.name)
        if call.__name__ in _WRITES and not self._may_send(request):
            self._invariants.note("NoWriteOutsideValidity", f"{self.name} sent {request}")

    def _note_revision(self, request: Request) -> None:
        watched = self.committing.get(request["TransactItems"][0]["Update"]["Key"]["id"]["S"])
        if watched:
            self._invariants.made_under[request["ClientRequestToken"]] = watched.target.revision

    def _may_send(self, request: Request) -> bool:
        """Without its right a worker may write its own row, which is how it gets the right back, and make rows."""
        is_head = is_commit(request) or request.get("TableName") == NAMES.sheets_data
        is_move = "#S#" in str(request.get("Key"))
        return self.leases.may_act() or not (is_head or is_move)

    def _boot_now(self) -> float:
        return self._started_s + asyncio.get_running_loop().time() * self._rate

    def _now_ms(self) -> int:
        return EPOCH_MS + self._skew_ms + int(asyncio.get_running_loop().time() * 1_000)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)
        if not self.awake.is_set():
            await self.awake.wait()


class _Inline:
    """Work is done where it is asked for."""

    async def __call__[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs)


class _NoBucket:
    """Documents here are too small for a bucket."""

    async def put(self, key: str, data: bytes) -> None:
        raise NotImplementedError(key, data)

    async def get(self, key: str) -> bytes | None:
        raise NotImplementedError(key)
