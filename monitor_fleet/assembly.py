"""How a worker is put together from its seams: the same in production, in tests and in simulation."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from contracts.clock import SECOND_MS, NowMs
from contracts.table.fleet import Shard, Tally
from fetching.certificates import Certificates
from monitor_fleet.admission import Admission, HostCap
from monitor_fleet.announce import Announcer, Publish
from monitor_fleet.burden import Burden
from monitor_fleet.catalog import Catalog
from monitor_fleet.circuit import Circuits
from monitor_fleet.commit import Committer
from monitor_fleet.documents import BucketVerbs, Documents
from monitor_fleet.keys import KeyRing
from monitor_fleet.lags import Lags
from monitor_fleet.leases import Leases
from monitor_fleet.offload import Offload
from monitor_fleet.poll import Poller, Polls
from monitor_fleet.reading import Reading, tally
from monitor_fleet.settings import Settings
from monitor_fleet.sharing import Fetch
from monitor_fleet.sheets.monitor import GoogleSeams, SheetMonitor
from monitor_fleet.status import StatusWriter
from monitor_fleet.store import StoreVerbs
from monitor_fleet.traces import Traces
from monitor_fleet.turn import Turns
from monitor_fleet.watched import Target
from monitor_fleet.worker import Turn, Worker


@dataclass(frozen=True, kw_only=True)
class Seams:
    """Everything a worker touches the world through. `lease_store` has threads of its own: commits cannot delay it."""

    store: StoreVerbs
    lease_store: StoreVerbs
    bucket: BucketVerbs
    publish: Publish
    keys: KeyRing
    fetch: Fetch
    certificates: Certificates
    """What the connections of `fetch` met."""
    offload: Offload
    now_ms: NowMs
    boot_now: Callable[[], float]
    chance: random.Random
    worker_id: str
    sheets: GoogleSeams | None = None
    """Only where sheets are polled."""
    traces: Traces | None = None
    """Only where changes are traced."""
    cpu_now: Callable[[], float] = time.process_time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class FleetWorker:
    """A worker with its leases and its catalog."""

    def __init__(self, settings: Settings, seams: Seams) -> None:
        self._settings = settings
        self._now_ms = seams.now_ms
        self._traces = seams.traces
        self._moves: Counter[str] = Counter()
        documents = Documents(
            store=seams.store, table=settings.tables.sheets_data, bucket=seams.bucket, offload=seams.offload
        )
        self._sheets = self._sheet_monitor(settings, seams, documents) if seams.sheets else None
        poller = self._sheets.poller if self._sheets else _poller(seams, documents)
        self._turns = _turns(settings, seams, documents, poller, may_act=self._may_act)
        burden = Burden(cpu_now=seams.cpu_now, boot_now=seams.boot_now)
        self._worker = Worker(
            turns=self._turns,
            admission=_admission(settings),
            now_ms=seams.now_ms,
            may_act=self._may_act,
            burden=burden,
            shards=settings.shards,
        )
        self._catalog = Catalog(
            tables=settings.tables, kind=settings.kind, store=seams.store, sleep=seams.sleep,
            on_source=self._worker.on_source, on_gone=self._worker.on_gone, on_poll=self._worker.on_poll,
            on_death=self._on_death,
        )  # fmt: skip
        self._leases = Leases(
            table=settings.tables.fleet, kind=settings.kind, worker_id=seams.worker_id, shards=settings.shards,
            store=seams.lease_store, now_ms=seams.now_ms, boot_now=seams.boot_now, chance=seams.chance,
            on_claimed=self._on_claimed, on_giving=self._on_giving, on_lost=self._on_lost,
            loads=burden.loads, overdue_ms=self._worker.overdue_ms,
            is_overloaded=self._is_overloaded, tally=self._tally, is_working=self._worker.is_ticking,
            release=settings.release, sleep=seams.sleep,
        )  # fmt: skip

    async def run(self) -> None:
        """Work until drained and cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._leases.run())
            group.create_task(self._catalog.run())
            group.create_task(self._worker.run())
            if self._sheets:
                group.create_task(self._sheets.run())
            if self._traces:
                group.create_task(self._traces.run())

    async def drain(self) -> None:
        """Finish what is in flight and hand every shard on; then nothing is left to do here."""
        await self._leases.drain()

    async def part(self) -> None:
        """Let go of everything at once and say so: others own it as soon as they look."""
        await self._leases.part()

    @property
    def lags(self) -> Lags:
        """How late polls began."""
        return self._worker.lags

    def read(self) -> Reading:
        """Say how this worker does."""
        age_s = self._leases.heartbeat_age_s()
        return Reading(
            worker=self._leases.worker_id,
            kind=self._settings.kind.value,
            may_act=self._leases.may_act(),
            is_ticking=self._worker.is_ticking(),
            owned_shards=tuple(self._worker.owned),
            sources=self._worker.sources,
            failing_sources=self._worker.failing,
            in_flight=self._worker.in_flight,
            large_bytes=self._turns.room.taken_bytes,
            large_waits=self._turns.room.waits,
            overdue_ms=self._worker.overdue_ms(),
            heartbeat_age_ms=None if age_s is None else int(age_s * SECOND_MS),
            in_flight_slow=self._worker.in_flight_slow,
            overloaded=self._worker.pace.overloaded,
            circuits_open=self._turns.circuits.open,
            blames_itself=self._turns.outlook.blames_us(self._now_ms()),
            polls=Counter(self._turns.counts),
            skipped=self._worker.pace.skipped + self._turns.skipped,
            moves=Counter(self._moves),
        )

    def _sheet_monitor(self, settings: Settings, seams: Seams, documents: Documents) -> SheetMonitor:
        assert seams.sheets is not None  # asked before
        return SheetMonitor(
            seams=seams.sheets, rules=settings.google, store=seams.store, budget_table=settings.tables.budget,
            worker_id=seams.worker_id, documents=documents, offload=seams.offload, now_ms=seams.now_ms,
            sleep=seams.sleep, watching=self._targets, on_edited=self._on_edited,
        )  # fmt: skip

    def _targets(self) -> Iterable[Target]:
        return self._worker.targets()

    def _on_edited(self, spreadsheet_ids: Iterable[str]) -> None:
        self._worker.on_edited(spreadsheet_ids)

    def _is_overloaded(self) -> bool:
        return self._worker.pace.overloaded

    def _tally(self) -> Tally:
        return tally(self._turns.counts)

    def _may_act(self) -> bool:
        return self._leases.may_act()

    def _on_death(self) -> None:
        self._leases.look_now()

    def _on_claimed(self, shard: Shard) -> None:
        self._moves["gained"] += 1
        self._worker.on_claimed(shard)
        self._catalog.follow(shard)

    async def _on_giving(self, number: int) -> int:
        self._moves["given"] += 1
        self._catalog.drop(number)
        return await self._worker.on_giving(number)

    def _on_lost(self, number: int) -> None:
        self._moves["lost"] += 1
        self._catalog.drop(number)
        self._worker.on_lost(number)


def _admission(settings: Settings) -> Admission[Turn]:
    return Admission(
        in_flight_max=settings.polls_in_flight_max,
        slow_max=settings.polls_in_flight_max,
        cap=HostCap(at_once_max=settings.polls_per_host_max, gap_ms=settings.poll_gap_per_host_ms),
    )


def _poller(seams: Seams, documents: Documents) -> Poller:
    return Poller(
        fetch=seams.fetch, keys=seams.keys, offload=seams.offload, now_ms=seams.now_ms, documents=documents
    )  # fmt: skip


def _turns(
    settings: Settings, seams: Seams, documents: Documents, poller: Polls, *, may_act: Callable[[], bool]
) -> Turns:
    tables = settings.tables
    return Turns(
        poller=poller,
        committer=Committer(
            store=seams.store, tables=tables, documents=documents, offload=seams.offload,
            now_ms=seams.now_ms, may_act=may_act, history_days=settings.history_days,
        ),
        announcer=Announcer(
            store=seams.store, table=tables.sheets_data, publish=seams.publish,
            now_ms=seams.now_ms, chance=seams.chance, sleep=seams.sleep, may_act=may_act, traces=seams.traces,
        ),
        statuses=StatusWriter(store=seams.store, table=tables.data_sources),
        documents=documents,
        certificates=seams.certificates,
        now_ms=seams.now_ms,
        chance=seams.chance,
        circuits=Circuits(seams.chance),
        traces=seams.traces,
    )  # fmt: skip
