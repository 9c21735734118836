"""
A fleet of whole workers, the ones that production runs, in virtual time: what is moved must be polled on the dot.

Wall clocks agree here; the network takes its time and loses nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

from contracts.addresses import Policy
from contracts.kinds import SourceType
from contracts.messages import Message
from contracts.source import Source
from contracts.table import fleet, heads, sources
from contracts.table.fleet import Shard
from fetching.certificates import Certificates
from fetching.fetch import Ask
from fetching.outcome import Outcome, Reply, Validators
from local.memory import NAMES, Memory
from monitor_fleet.assembly import FleetWorker, Seams
from monitor_fleet.keys import Key, KeyMissing
from monitor_fleet.settings import Settings
from monitor_fleet.store import Request
from monitor_fleet.watched import Target
from tests.simulation.network import FarStore, Network

KIND = SourceType.EXTERNAL
EPOCH_MS = 1_800_000_000_000
FETCH_MAX_S = 0.05


class Member:
    """One worker and its tasks."""

    def __init__(self, name: str, worker: FleetWorker) -> None:
        self.name = name
        self.worker = worker
        self._work = asyncio.create_task(worker.run())

    async def leave(self) -> None:
        """SIGTERM."""
        await self.worker.drain()
        self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._work.cancel()


class WholeFleet:
    """
    Workers over one store, and sources that never change.

    `polls` says when each source was asked (virtual wall ms); `stopped_s` when a shard's hand-off was sent, after its
    last poll there, and `ready_s` when the head of its last source was fenced by the new owner.
    """

    def __init__(self, *, shards: int, sources_per_shard: int, interval_s: int, delay_s: float, seed: int = 1) -> None:
        self.polls: dict[str, list[int]] = defaultdict(list)
        self.stopped_s: dict[int, float] = {}
        self.ready_s: dict[int, float] = {}
        self.members: list[Member] = []
        self.memory = Memory()
        self._shards = shards
        self._interval_s = interval_s
        self._chance = Random(seed)
        self._network = Network(chance=Random(seed + 1), delay_s=delay_s)
        self._shard_of: dict[str, int] = {}
        #: What shifts each source's due times.
        self._requests: dict[str, int] = {}
        self._awake = asyncio.Event()
        self._awake.set()
        for number in range(shards * sources_per_shard):
            self._register(number)

    def join(self) -> Member:
        """Start a worker."""
        name = f"w{len(self.members)}"
        store = FarStore(
            self.memory, self._network, on_send=self._sent, landed=self._landed,
            awake=lambda: self._awake,
        )  # fmt: skip
        worker = FleetWorker(self._settings(), self._seams(name, store))
        self.members.append(Member(name, worker))
        return self.members[-1]

    async def end(self) -> None:
        """Kill everybody."""
        for member in self.members:
            member.kill()
        await asyncio.sleep(1)

    def gaps_s(self) -> list[float]:
        """Say for how long each shard that was handed over had nobody to poll it."""
        return [self.ready_s[number] - at_s for number, at_s in self.stopped_s.items() if number in self.ready_s]

    def off_the_grid(self, since_ms: int, until_ms: int) -> list[str]:
        """List sources whose due times between two moments were not polled exactly once each."""
        return [name for name in self._shard_of if not self._is_on_grid(name, since_ms, until_ms)]

    def now_ms(self) -> int:
        """Give the wall clock."""
        return EPOCH_MS + round(asyncio.get_running_loop().time() * 1_000)

    def _is_on_grid(self, name: str, since_ms: int, until_ms: int) -> bool:
        interval_ms = self._interval_s * 1_000
        phase = self._requests[name] % interval_ms
        polled = [(at_ms - phase) // interval_ms for at_ms in self.polls[name]]
        due = range((since_ms - phase) // interval_ms + 1, (until_ms - phase) // interval_ms)
        return [turn for turn in polled if turn in due] == list(due)

    def _register(self, number: int) -> None:
        source_id = f"external-{number:08x}"
        shard = self._shard_of[source_id] = number % self._shards
        source = Source(
            id=source_id, name=source_id, url=f"https://{source_id}.example.com/{source_id}",
            pollingInterval=self._interval_s, revision=1, incarnation="one", shard=shard, createdAt="", lastUpdated="",
        )  # fmt: skip
        self._requests[source_id] = Target.of(source).request
        self.memory.put_item(**sources.put_new(NAMES.data_sources, source))
        self.memory.put_item(**heads.put_new(NAMES.sheets_data, source_id, "one"))
        self.memory.put_item(**fleet.put_member(NAMES.fleet, KIND, shard, source_id, revision=1))

    def _settings(self) -> Settings:
        return Settings(
            kind=KIND, tables=NAMES, shards=self._shards, stack="simulated", queue_url="",
            documents_bucket="", secrets_prefix="",
            policy=Policy(), polls_in_flight_max=100_000, polls_per_host_max=100_000,
        )  # fmt: skip

    def _seams(self, name: str, store: FarStore) -> Seams:
        return Seams(
            certificates=Certificates(),
            store=store, lease_store=store, bucket=_NoBucket(), publish=_heard, keys=_NoKeys(), fetch=self._fetch,
            offload=_Inline(), now_ms=self.now_ms, boot_now=asyncio.get_running_loop().time,
            chance=Random(self._chance.random()), worker_id=name, cpu_now=lambda: 0.0,
        )  # fmt: skip

    async def _fetch(self, ask: Ask) -> Outcome:
        self.polls[str(ask.url).rpartition("/")[2]].append(self.now_ms())
        await asyncio.sleep(self._chance.uniform(0, FETCH_MAX_S))
        return Reply(wire=b"{}", coding="", content_type="application/json", validators=Validators(url=str(ask.url)))

    def _sent(self, _: Callable[..., Any], request: Request) -> None:
        if "through = :through" in request.get("UpdateExpression", ""):
            self.stopped_s[int(request["Key"]["sk"]["S"])] = asyncio.get_running_loop().time()

    def _landed(self, _: float, call: Callable[..., Any], request: Request) -> Any:
        if "ADD fence" in request.get("UpdateExpression", ""):
            shard = self._shard_of[request["Key"]["id"]["S"]]
            self.ready_s[shard] = asyncio.get_running_loop().time()
        return call(**request)


def owners(memory: Memory, shards: int) -> Mapping[int, str | None]:
    """Say whom each shard's row names."""
    return {row.number: row.owner for row in _rows(memory, shards)}


def _rows(memory: Memory, shards: int) -> Iterable[Shard]:
    for number in range(shards):
        item = memory.get_item(**fleet.get_shard(NAMES.fleet, KIND, number)).get("Item")
        if item:
            yield Shard.read(item)


async def _heard(_: Message) -> None:
    """Be the queue."""


class _Inline:
    async def __call__[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return work(*args, **kwargs)


class _NoKeys:
    async def get(self, secret_id: str) -> Key:
        raise KeyMissing(secret_id)

    async def renew(self, secret_id: str, *, refused: Key) -> Key | None:
        raise NotImplementedError(secret_id, refused)


class _NoBucket:
    async def put(self, key: str, data: bytes) -> None:
        raise NotImplementedError(key, data)

    async def get(self, key: str) -> bytes | None:
        raise NotImplementedError(key)
