"""A fleet, its sources and its troubles, all from one seed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from contracts.canonical import digest
from contracts.source import Source
from contracts.table import fleet, heads, sources
from contracts.table.heads import Head
from contracts.table.transaction import Act, transaction
from contracts.table.values import read_item
from local.memory import NAMES, Memory
from tests.simulation.invariants import Invariants, Violated
from tests.simulation.network import LATE_MAX_S, Network
from tests.simulation.process import KIND, Process

SHARDS = 8
SOURCES = 6
WORKERS_MAX = 4
TROUBLE_S = 60.0
#: After a mass death an observer waits three times as long, then claims, loads and commits.
SETTLE_MAX_S = 60.0
LOOK_EVERY_S = 0.1
BAD_NETWORK_SHARE = 0.7


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run was like, to compare runs of one seed."""

    settled_after_s: float
    epochs: tuple[int, ...]
    versions: tuple[tuple[str, int], ...]


class World:
    """Everything there is in one run."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.memory = Memory()
        self.invariants = Invariants(self.memory, KIND)
        self.network = Network(chance=Random(seed + 1))
        self.processes: list[Process] = []
        self.values: dict[str, bytes] = {}
        self.revisions: dict[str, int] = {}
        self._entry = 0
        self._stops: set[asyncio.Task[None]] = set()

    def join(self) -> Process:
        """Start a worker."""
        name = f"w{len(self.processes)}"
        process = Process(
            name, memory=self.memory, network=self.network, invariants=self.invariants, shards=SHARDS,
            values=self.values, chance=Random(self.chance.random()),
        )  # fmt: skip
        self.processes.append(process)
        process.start()
        return process

    def living(self) -> list[Process]:
        """List the workers that were not killed and have not parted."""
        return [process for process in self.processes if process.is_alive]

    def register(self) -> None:
        """Register a source, as the API does: one transaction."""
        number = len(self.revisions)
        source_id = f"external-{number:08x}"
        self.values[source_id] = b"0"
        self.revisions[source_id] = 1
        source = self._source(source_id)
        put = ("Put", sources.put_new(NAMES.data_sources, source))
        head = ("Put", heads.put_new(NAMES.sheets_data, source_id, "one"))
        self._edit(source, "put", put, head)

    def edit(self, source_id: str) -> None:
        """Edit a source: its revision moves, and so does the fence of its head."""
        self.revisions[source_id] += 1
        source = self._source(source_id)
        request = sources.put_new(NAMES.data_sources, source)
        del request["ConditionExpression"]
        self._edit(source, "put", ("Put", request), ("Update", heads.close_door(NAMES.sheets_data, source_id)))

    def delete(self, source_id: str) -> None:
        """Delete a source."""
        source = self._source(source_id)
        row = ("Delete", sources.delete(NAMES.data_sources, source_id, revision=source.revision))
        self._edit(source, "delete", row, ("Delete", heads.delete(NAMES.sheets_data, source_id)))
        del self.values[source_id]

    def _edit(self, source: Source, act: str, *actions: tuple[Any, dict[str, Any]]) -> None:
        table, shard, revision = NAMES.fleet, source.shard, source.revision
        member: tuple[Act, dict[str, Any]] = (
            ("Delete", fleet.delete_member(table, KIND, shard, source.id))
            if act == "delete"
            else ("Put", fleet.put_member(table, KIND, shard, source.id, revision=revision))
        )
        log = fleet.put_log(
            table, KIND, self._entry + 1, source_id=source.id, shard=shard, act=act, revision=revision, at_ms=0
        )
        told: list[tuple[Act, dict[str, Any]]] = [
            member,
            ("Update", fleet.bump_shard(table, KIND, shard)),
            ("Update", fleet.bump_counter(table, KIND, seen=self._entry)),
            ("Put", log),
        ]
        self.memory.transact_write_items(**transaction([*actions, *told], token=f"edit-{self._entry}"))
        self._entry += 1

    def _source(self, source_id: str) -> Source:
        number = int(source_id.rpartition("-")[2], 16)
        return Source(
            id=source_id, name=source_id, url="https://example.com/", pollingInterval=1,
            revision=self.revisions[source_id], incarnation="one", shard=number % SHARDS, createdAt="", lastUpdated="",
        )  # fmt: skip

    def change(self, source_id: str) -> None:
        """Let a source serve something else; often what it served before."""
        self.values[source_id] = str(self.chance.randrange(3)).encode()

    async def flap(self, source_id: str) -> None:
        """Let a source serve something else for a moment: who only compares states does not see it."""
        before = self.values[source_id]
        self.change(source_id)
        await asyncio.sleep(self.chance.uniform(1, 3))
        if source_id in self.values:
            self.values[source_id] = before

    def stop(self, process: Process, seconds: float) -> None:
        """Stop a process for a while."""
        task = asyncio.create_task(process.stop_for(seconds))
        self._stops.add(task)
        task.add_done_callback(self._stops.discard)

    def look(self) -> None:
        """Check what must hold at every moment."""
        for process in self.processes:
            error = process.failure()
            if error:
                raise error
        for number in range(SHARDS):
            by = [one.name for one in self.living() if number in one.polling and one.leases.may_act()]
            if len(by) > 1:
                self.invariants.note("OnePollerPerShard", f"shard {number}: {by}")
        self.invariants.check()

    def missing(self) -> str | None:
        """Name what a calm fleet should have reached and has not."""
        polled = {number: [one for one in self.living() if number in one.polling] for number in range(SHARDS)}
        if any(len(by) != 1 or not by[0].leases.may_act() for by in polled.values()):
            return "EveryShardOwnedWithin"
        if any(self.invariants.owner_of(number) != by[0].leases.worker_id for number, by in polled.items()):
            return "RowsNameTheirPollers"
        watched = {name: one.target.revision for by in self.living() for name, one in by.watched.items()}
        if watched != {name: self.revisions[name] for name in self.values}:
            return "ConfigSeenWithin"
        if any(self._head(name).hash != digest(value) for name, value in self.values.items()):
            return "StateEqualsSourceWithin"
        counts = [len(process.polling) for process in self.living()]
        return "BalancedWithin" if max(counts) - min(counts) > 1 else None

    def outcome(self, settled_after_s: float) -> Outcome:
        """Sum the run up."""
        rows = [fleet.Shard.read(self._row(number)) for number in range(SHARDS)]
        versions = tuple((name, self._head(name).version) for name in sorted(self.values))
        return Outcome(settled_after_s=settled_after_s, epochs=tuple(row.epoch for row in rows), versions=versions)

    def _row(self, number: int) -> dict[str, Any]:
        item: dict[str, Any] = self.memory.get_item(**fleet.get_shard(NAMES.fleet, KIND, number))["Item"]
        return item

    def _head(self, source_id: str) -> Head:
        return Head.from_item(read_item(self.memory.get_item(**heads.get(NAMES.sheets_data, source_id))["Item"]))


async def simulate(seed: int) -> Outcome:
    """Run one seed: a fleet in trouble, then calm, in which everything must come right."""
    world = World(seed)
    for _ in range(SOURCES):
        world.register()
    _worsen(world)
    for _ in range(world.chance.randint(1, WORKERS_MAX)):
        world.join()
    try:
        await _watch(world, TROUBLE_S, _trouble(world))
        return await _settle(world)
    finally:
        for process in world.processes:
            process.kill()
        await asyncio.sleep(1)  # cancelled tasks end


async def _watch(world: World, seconds: float, trouble: Callable[[], Awaitable[None]]) -> None:
    until_s = asyncio.get_running_loop().time() + seconds
    task = asyncio.ensure_future(trouble())
    try:
        while asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(LOOK_EVERY_S)
            world.look()
    finally:
        task.cancel()


async def _settle(world: World) -> Outcome:
    """Wait until everything is as it should be, and for as long as late copies of requests may still land."""
    world.network.calm()
    if all(process.is_leaving for process in world.living()):
        world.join()
    now_s = asyncio.get_running_loop().time
    began_s, settled_s, missing = now_s(), None, world.missing()
    while now_s() < began_s + SETTLE_MAX_S:
        await asyncio.sleep(LOOK_EVERY_S)
        world.look()
        missing = world.missing()
        settled_s = (settled_s or now_s()) if not missing else None
        if settled_s and now_s() >= began_s + LATE_MAX_S:
            return world.outcome(settled_s - began_s)
    raise Violated(missing or "", f"not within {SETTLE_MAX_S} s of calm")


def _worsen(world: World) -> None:
    """Draw how bad the network is; some runs have a good one."""
    network, chance = world.network, world.chance
    network.delay_s = chance.choice([0.002, 0.01, 0.05])
    if chance.random() < BAD_NETWORK_SHARE:
        network.slow_share, network.lost_share = chance.uniform(0, 0.02), chance.uniform(0, 0.03)
        network.unanswered_share, network.twice_share = chance.uniform(0, 0.03), chance.uniform(0, 0.08)
        network.late_share = chance.uniform(0, 0.12)


def _trouble(world: World) -> Callable[[], Awaitable[None]]:
    async def go_away() -> None:
        world.network.away = True
        await asyncio.sleep(world.chance.uniform(0.5, 15))
        world.network.away = False

    async def go_on() -> None:
        while True:
            await asyncio.sleep(world.chance.expovariate(0.7))
            await _one_trouble(world, go_away)

    return go_on


async def _one_trouble(world: World, go_away: Callable[[], Awaitable[None]]) -> None:
    chance = world.chance
    if all(process.is_leaving for process in world.living()):
        world.join()  # without a worker there is nothing to see
    living = world.living()
    match chance.randrange(18):
        case 0 if living:
            chance.choice(living).kill()
        case 1 | 2 if living:
            chance.choice(living).terminate()
        case 3 | 4 if len(living) < WORKERS_MAX:
            world.join()
        case 5 | 6 if living:
            world.stop(chance.choice(living), chance.uniform(0.5, 12))
        case 7:
            await go_away()
        case 8:
            world.edit(chance.choice(sorted(world.values)))
        case 9 if len(world.values) > SOURCES // 2:
            world.delete(chance.choice(sorted(world.values)))
            world.register()
        case 10 | 11 | 12 | 13:
            await world.flap(chance.choice(sorted(world.values)))
        case _:
            world.change(chance.choice(sorted(world.values)))
