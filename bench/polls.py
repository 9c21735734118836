"""
What a poll costs: the whole pipeline against a bare aiohttp GET, and how many changes one process commits.

Real time and real sockets; the server is another process. The bare GET and the pipeline take turns, so that a noisy
machine disturbs both alike; ratios are of CPU time of this process.
"""

import asyncio
import hashlib
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

import uvloop
from aiohttp import ClientSession, web
from yarl import URL

from bench.claim import Claim, report
from contracts.addresses import Policy
from contracts.messages import Message
from contracts.source import Source
from contracts.table import heads, sources
from contracts.table.fleet import Shard
from contracts.table.values import Item
from fetching.fetch import Ask, fetch
from fetching.guard import connector
from fetching.outcome import Outcome
from fetching.session import session
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.admission import Admission, HostCap
from monitor_fleet.announce import Announcer
from monitor_fleet.burden import Burden
from monitor_fleet.circuit import Circuits
from monitor_fleet.commit import Committer
from monitor_fleet.documents import Documents
from monitor_fleet.keys import Key, KeyMissing
from monitor_fleet.poll import Poller
from monitor_fleet.status import StatusWriter
from monitor_fleet.store import Request
from monitor_fleet.turn import Turns
from monitor_fleet.watched import Watched
from monitor_fleet.worker import Worker

POLICY = Policy(allow_private=True)
ROWS = 20  # about 1.1 KB of JSON
IN_FLIGHT = 64
GETS = 3_000
SOURCES = 1_000
WINDOW_S = 4.0
ROUNDS = 5
CHANGES = 2_000
SHARD = Shard(number=0, owner="bench", epoch=1)


def serve(port: Connection) -> None:
    """Serve a document with an ETag (`/etag/…`), without one (`/plain/…`), and one that always changes (`/new/…`)."""
    uvloop.run(_serve(port))


async def _serve(port: Connection) -> None:
    rows = [{"id": number, "name": f"item {number:05d}", "price": number * 1.25} for number in range(ROWS)]
    body = json.dumps(rows).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    numbers = count()

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path.startswith("/new"):
            rows[0]["price"] = next(numbers)
            return web.Response(body=json.dumps(rows).encode(), content_type="application/json")
        if request.path.startswith("/plain"):
            return web.Response(body=body, content_type="application/json")
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        return web.Response(body=body, content_type="application/json", headers={"ETag": etag})

    runner = web.ServerRunner(web.Server(answer), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2_048).start()
    port.send(runner.addresses[0][1])
    await asyncio.Event().wait()


@contextmanager
def server() -> Iterator[URL]:
    """Run the server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield URL(f"http://127.0.0.1:{ours.recv()}")
    finally:
        process.kill()
        process.join()


class CountingStore(MemoryStore):
    """Counts what the tables are asked."""

    def __init__(self) -> None:
        super().__init__(Memory())
        self.asked = 0

    async def _ask(self, call: Callable[..., Any], request: Request) -> Any:
        self.asked += 1
        return await super()._ask(call, request)


class InstantStore:
    """Says yes to everything at once: what is left is our own work."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items

    async def get(self, request: Request) -> Item | None:
        """Give a source."""
        return self._items.get(f"{request['TableName']}/{request['Key']['id']['S']}")

    async def update(self, request: Request) -> Item:
        """Give the head as fenced."""
        head = self._items.get(f"{request['TableName']}/{request['Key']['id']['S']}", {})
        return {**head, "epoch": {"N": "1"}, "fence": {"N": "1"}}

    async def put(self, _: Request) -> None:
        """Take it."""

    delete = transact = put

    async def query(self, _: Request) -> list[Item]:
        """Find nothing."""
        return []

    batch_get = query


class NoBucket:
    """Holds nothing: the documents here are small."""

    async def put(self, key: str, data: bytes) -> None:
        """Take it."""

    async def get(self, _: str) -> bytes | None:
        """Have nothing."""
        return None


class NoKeys:
    """Has no keys."""

    async def get(self, secret_id: str) -> Key:
        """Have none."""
        raise KeyMissing(secret_id)

    async def renew(self, secret_id: str, *, refused: Key) -> Key | None:
        """Have no other."""
        assert refused
        raise KeyMissing(secret_id)


async def inline[**P, T](work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do everything here: documents this small never leave the loop."""
    return work(*args, **kwargs)


def now_ms() -> int:
    """Read the wall clock."""
    return time.time_ns() // 1_000_000


def turns(http: ClientSession, store: Any) -> Turns:
    """Put the real pipeline together."""

    async def ask_source(ask: Ask) -> Outcome:
        return await fetch(http, ask)

    async def publish(_: Message) -> None:
        pass

    def may_act() -> bool:
        return True

    chance = random.Random(1)
    documents = Documents(store=store, table=NAMES.sheets_data, bucket=NoBucket())
    return Turns(
        poller=Poller(fetch=ask_source, keys=NoKeys(), offload=inline, now_ms=now_ms, stored=documents.get),
        committer=Committer(
            store=store, tables=NAMES, documents=documents, offload=inline, now_ms=now_ms, may_act=may_act,
            history_days=7,
        ),
        announcer=Announcer(
            store=store, table=NAMES.sheets_data, publish=publish, now_ms=now_ms, chance=chance,
            sleep=asyncio.sleep, may_act=may_act,
        ),
        statuses=StatusWriter(store=store, table=NAMES.data_sources),
        documents=documents, now_ms=now_ms, chance=chance, circuits=Circuits(chance),
    )  # fmt: skip


def registered(number: int, url: URL) -> Source:
    """Give a source that is polled each second."""
    return Source.model_validate(
        {
            "id": f"external-{number:08x}", "name": "a", "url": str(url), "pollingInterval": 1, "incarnation": "i",
            "shard": SHARD.number, "createdAt": "", "lastUpdated": "",
        }
    )  # fmt: skip


async def bare_cpu_us(http: ClientSession, url: URL, headers: Mapping[str, str]) -> float:
    """
    Measure a GET with nothing around it, at the pace at which the worker polls: CPU per request, in µs.

    As fast as possible it costs a third, because the loop wakes up once for many: that is not what a poller does.
    """

    async def get() -> None:
        async with http.get(url, headers=headers) as response:
            await response.read()

    loop, under_way = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    began_s, cpu_s = loop.time(), time.process_time()
    for number in range(GETS):
        task = loop.create_task(get())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        await asyncio.sleep(max(0.0, began_s + (number + 1) / SOURCES - loop.time()))
    await asyncio.gather(*under_way)
    return (time.process_time() - cpu_s) * 1e6 / GETS


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    """What unchanged polls cost, against the bare GET of the same url."""

    bare_us: float
    poll_us: float
    per_s: float
    asked: int

    @property
    def ratio(self) -> float:
        """Say how many bare GETs a poll costs."""
        return self.poll_us / self.bare_us


async def unchanged(root: URL, path: str, rung: str, *, conditional: bool) -> list[Unchanged]:
    """Poll sources that do not change through a whole worker, and the same url bare, in turns."""
    store = CountingStore()
    async with session(connector(POLICY)) as http:
        taken = turns(http, store)
        worker = Worker(
            turns=taken,
            admission=Admission(in_flight_max=256, slow_max=256, cap=HostCap(at_once_max=256)),
            now_ms=now_ms,
            may_act=lambda: True,
            burden=Burden(cpu_now=time.process_time, boot_now=time.monotonic),
        )
        running = asyncio.create_task(worker.run())
        found: list[Unchanged] = []
        url = root / path
        async with http.get(url) as first:
            headers = {"If-None-Match": first.headers.get("ETag", "")} if conditional else {}
        for _ in range(ROUNDS):
            bare_us = await bare_cpu_us(http, url, headers)
            await _watch(store, worker, [registered(number, url) for number in range(SOURCES)])
            await asyncio.sleep(2.5)  # each is polled and committed once
            polls, asked, began, cpu = taken.counts[rung], store.asked, time.perf_counter(), time.process_time()
            await asyncio.sleep(WINDOW_S)
            polls, cpu = taken.counts[rung] - polls, time.process_time() - cpu
            per_s = polls / (time.perf_counter() - began)
            found.append(Unchanged(bare_us=bare_us, poll_us=cpu * 1e6 / polls, per_s=per_s, asked=store.asked - asked))
            worker.on_lost(SHARD.number)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return found


async def _watch(store: CountingStore, worker: Worker, watched: list[Source]) -> None:
    worker.on_claimed(SHARD)
    for source in watched:
        if await store.get(sources.get(NAMES.data_sources, source.id)) is None:
            await store.put(sources.put_new(NAMES.data_sources, source))
            await store.put(heads.put_new(NAMES.sheets_data, source.id, source.incarnation))
        worker.on_source(source, SHARD)


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What changed polls cost."""

    per_s: float
    cpu_us: float


async def changed(root: URL) -> Changed:
    """Poll sources that change each time, against tables that answer at once."""
    all_sources = [registered(number, root / "new" / str(number)) for number in range(IN_FLIGHT)]
    items: dict[str, Item] = {}
    for source in all_sources:
        items[f"{NAMES.data_sources}/{source.id}"] = sources.put_new(NAMES.data_sources, source)["Item"]
        items[f"{NAMES.sheets_data}/{source.id}"] = heads.put_new(NAMES.sheets_data, source.id, "i")["Item"]
    async with session(connector(POLICY)) as http:
        taken = turns(http, InstantStore(items))
        watched = [Watched.begin(source, SHARD) for source in all_sources]
        announcing: set[asyncio.Task[None]] = set()

        def spawn(_: Watched, work: Any) -> None:
            task = asyncio.create_task(work)
            announcing.add(task)
            task.add_done_callback(announcing.discard)

        async def poll(one: Watched) -> None:
            for _ in range(CHANGES // IN_FLIGHT):
                await taken.take(one, spawn)

        await asyncio.gather(*(taken.take(one, spawn) for one in watched))
        before, began, cpu = taken.counts["changed"], time.perf_counter(), time.process_time()
        await asyncio.gather(*(poll(one) for one in watched))
        polls = taken.counts["changed"] - before
        return Changed(per_s=polls / (time.perf_counter() - began), cpu_us=(time.process_time() - cpu) * 1e6 / polls)


def median(values: Sequence[float]) -> float:
    """Give the middle one."""
    return statistics.median(values)


def claims(not_modified: list[Unchanged], same_bytes: list[Unchanged], new: Changed) -> list[Claim]:
    """Hold what was measured to its bars."""
    how = f"real, {SOURCES} sources at 1 s, median of {ROUNDS} rounds"

    def against(found: list[Unchanged], what: str) -> Claim:
        bare_us, poll_us = (median([getattr(one, name) for one in found]) for name in ("bare_us", "poll_us"))
        detail = f"{how}; {poll_us:.0f} µs against {bare_us:.0f} µs, {median([one.per_s for one in found]):.0f}/s"
        ratio = median([one.ratio for one in found])
        return Claim(
            claim=f"an unchanged poll, {what}", value=ratio, unit="times the CPU", op="<=", bar=1.25, how=detail
        )

    asked = sum(one.asked for one in (*not_modified, *same_bytes))
    return [
        against(not_modified, "304, against a bare conditional GET at the same pace"),
        against(same_bytes, "200 with the same bytes, against a bare GET at the same pace"),
        Claim(claim="AWS calls of unchanged polls", value=asked, unit="calls", op="==", bar=0, how=how),
        Claim(
            claim="changed polls on one process",
            value=new.per_s,
            unit="per s",
            op=">=",
            bar=200,
            how=f"real, tables that answer at once; {new.cpu_us:.0f} µs CPU each",
        ),
    ]


async def measure() -> list[Claim]:
    """Measure everything."""
    with server() as root:
        not_modified = await unchanged(root, "etag/a", "304", conditional=True)
        same_bytes = await unchanged(root, "plain/a", "wire_same", conditional=False)
        return claims(not_modified, same_bytes, await changed(root))


if __name__ == "__main__":
    report(uvloop.run(measure()))
