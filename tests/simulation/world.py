"""A fleet, its sources and its troubles, all from one seed."""

import asyncio
import math
from collections.abc import Callable
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
from monitor_fleet.liveness import are_many
from monitor_fleet.plan import URGENT
from monitor_fleet.roster import misplaced
from tests.simulation.invariants import Invariants
from tests.simulation.network import Network
from tests.simulation.process import KIND, Process
from tests.simulation.scale import LONG, Scale

#: After a mass death an observer waits three times as long, then claims, loads and commits.
SETTLE_MAX_S = 60.0
#: Rows may say what is no more for so long.
COVER_WITHIN_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run was like, to compare runs of one seed."""

    calls: int
    settled_after_s: float
    epochs: tuple[int, ...]
    versions: tuple[tuple[str, int], ...]


class World:
    """Everything there is in one run."""

    def __init__(
        self, seed: int, scale: Scale = LONG, *, memory: Memory | None = None,
        loads: Callable[[int], float] | None = None,
    ) -> None:  # fmt: skip
        self.scale = scale
        self.chance = Random(seed)
        self.memory = memory or Memory()
        self._loads = loads
        self.invariants = Invariants(self.memory, KIND, Random(seed + 2))
        self.invariants.is_well = self._is_well
        #: Nothing happens here that may cost a living worker its life.
        self.is_mild = False
        #: When the store was last there again after it had been away or deaf (virtual s).
        self.store_back_s = -math.inf
        self.release = 1
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
            name, memory=self.memory, network=self.network, invariants=self.invariants, shards=self.scale.shards,
            values=self.values, chance=Random(self.chance.random()), release=str(self.release),
            loads=self._loads,
        )  # fmt: skip
        self.processes.append(process)
        process.start()
        return process

    def _is_well(self, worker_id: str, since_s: float) -> bool:
        """
        Say whether a worker of a mild run must live on after what befell it since its last heartbeat.

        One thing must be survived. Two may add up to a silence that no observer can tell from death: 2 s between
        heartbeats, 3 s stopped, and a renewal that a deaf store takes 1 s to lose.
        """
        name, _, life = worker_id.partition("~")
        process = next((one for one in self.living() if one.name == name), None)
        if not self.is_mild or life or process is None:
            return False
        stops = sum(until_s > since_s for until_s in process.stopped_until_s)
        return stops + (self.network.away or self.network.deaf or self.store_back_s > since_s) <= 1

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
        self.invariants.deleted.add(source_id)
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
            revision=self.revisions[source_id], incarnation="one", shard=number % self.scale.shards,
            createdAt="", lastUpdated="",
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
        polled: dict[int, str] = {}
        for process in self.processes:
            error = process.failure()
            if error:
                raise error
            if process.is_alive and process.leases.may_act():
                self._look_at(process, polled)
        self.invariants.check()

    def _look_at(self, process: Process, polled: dict[int, str]) -> None:
        worker_id = process.leases.worker_id
        self.invariants.right_holds(worker_id, process.name)
        for number in process.polling:
            if polled.setdefault(number, process.name) != process.name:
                self.invariants.note("OnePollerPerShard", f"shard {number}: {polled[number]} and {process.name}")
        for number, shard in process.leases.owned.items():
            if number in process.polling:
                self.invariants.held(worker_id, shard)

    def missing(self) -> str | None:
        """Name what a calm fleet should have reached and has not."""
        polled: dict[int, list[Process]] = {number: [] for number in range(self.scale.shards)}
        for process in self.living():
            for number in process.polling:
                polled[number].append(process)
        if any(len(by) != 1 or not by[0].leases.may_act() for by in polled.values()):
            return "EveryShardOwnedWithin"
        if any(self.invariants.owner_of(number) != by[0].leases.worker_id for number, by in polled.items()):
            return "RowsNameTheirPollers"
        watched = {name: one.target.revision for by in self.living() for name, one in by.watched.items()}
        if watched != {name: self.revisions[name] for name in self.values}:
            return "ConfigSeenWithin"
        return self._missing_of_sources() or self._missing_of_workers()

    def _missing_of_sources(self) -> str | None:
        known = {name: self._head(name) for name in self.values}
        if any(known[name].hash != digest(value) for name, value in self.values.items()):
            return "StateEqualsSourceWithin"
        is_told = all(one.notified == one.version == self.invariants.told.get(name) for name, one in known.items())
        return None if is_told else "EveryVersionNotified"

    def _missing_of_workers(self) -> str | None:
        if any(process.is_leaving for process in self.living()):
            return "DrainWithin"
        counts = [len(process.polling) for process in self.living()]
        # Below `URGENT` it is tuning, a shard at a time: that takes as long as the move budget says.
        slack = max(1, (URGENT - 1) * sum(counts) / len(counts))
        return "BalancedWithin" if max(counts) - sum(counts) / len(counts) > slack else None

    def is_covered(self) -> bool:
        """Say whether the living workers' rows name every shard exactly once."""
        return not misplaced(self._not_declared_dead(), self.scale.shards)

    def is_covered_but_for_a_brake(self) -> bool:
        """
        Say whether nothing but rows of the gone is in the way, and so many that no verdict on them may fall yet.

        Their shards were handed over or claimed; what their rows still say goes with the verdict.
        """
        ids = {process.leases.worker_id for process in self.living()}
        rows = self._not_declared_dead()
        here = [row for row in rows if row.id in ids]
        return are_many(len(rows) - len(here), of=len(rows)) and not misplaced(here, self.scale.shards)

    def _not_declared_dead(self) -> list[fleet.Worker]:
        rows = self.memory.tables[NAMES.fleet].partition(f"{KIND.value}#W")
        return [worker for worker in map(fleet.Worker.read, rows) if worker.state != fleet.DEAD]

    def outcome(self, settled_after_s: float) -> Outcome:
        """Sum the run up."""
        rows = [self._row(number) for number in range(self.scale.shards)]
        versions = tuple((name, self._head(name).version) for name in sorted(self.values))
        return Outcome(
            calls=self.network.calls, settled_after_s=settled_after_s, epochs=tuple(row.epoch for row in rows if row),
            versions=versions,
        )  # fmt: skip

    def _row(self, number: int) -> fleet.Shard | None:
        item = self.memory.get_item(**fleet.get_shard(NAMES.fleet, KIND, number)).get("Item")
        return fleet.Shard.read(item) if item else None

    def _head(self, source_id: str) -> Head:
        return Head.from_item(read_item(self.memory.get_item(**heads.get(NAMES.sheets_data, source_id))["Item"]))
