"""
When polls begin: many sources on one process, with hosts that hang among them; and what each of them takes of memory.

Real time and real sockets for lag and memory; virtual time for what takes hours or twenty workers. The real worker,
schedule, admission and failure handling in all of them.
"""

import asyncio
import gc
import random
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import uvloop
from yarl import URL

from bench.claim import Claim, percentile, report
from bench.rig import POLICY, SHARD, InstantStore, item_of, registered, resident_bytes, site, through, turns, worker
from contracts.source import Source
from contracts.table.fleet import Shard
from contracts.table.values import Item, write_item
from fetching.fetch import Ask
from fetching.guard import connector
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply, Validators
from fetching.session import session
from local.memory import NAMES
from monitor_fleet.sharing import Fetch
from monitor_fleet.watched import Target, Watched
from monitor_fleet.worker import Worker
from tests.simulation.virtual import run as run_virtual

SOURCES = 10_000
INTERVAL_S = 10
HOSTS = 2_500
HUNG_SHARE = 0.2
WINDOW_S = 20
WARM_UP_MAX_S = 40
IDLE_SOURCES = 50_000
COLD_SOURCES, COLD_WORKERS, COLD_INTERVAL_S = 100_000, 20, 60
DEAD_SOURCES = 200
MINUTE_S, HOUR_S = 60, 3_600


def host(number: int) -> str:
    """Give one of many loopback addresses: to a poller, hosts of their own."""
    return f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


class Noted:
    """Asks, and notes when each source was asked and how long after it was due."""

    def __init__(self, fetch: Fetch, sources: Iterable[Source]) -> None:
        self._fetch = fetch
        self._targets = {source.url: Target.of(source) for source in sources}
        self.began_s: dict[str, list[float]] = defaultdict(list)
        self.lags_ms: list[int] = []

    async def __call__(self, ask: Ask) -> Outcome:
        """Ask."""
        url, now_s = str(ask.url), time.time()
        target = self._targets[url]
        self.began_s[url].append(now_s)
        if "/hang/" not in url:
            self.lags_ms.append((int(now_s * 1_000) - target.request) % target.interval_ms)
        return await self._fetch(ask)

    def forget(self) -> None:
        """Begin anew."""
        self.began_s.clear()
        self.lags_ms.clear()


async def paced(root: URL, *, hung_share: float) -> Noted:
    """Poll all sources for a while."""
    sources = [_one_of_many(root, number, hung_hosts=int(HOSTS * hung_share)) for number in range(SOURCES)]
    by_id = {source.id: source for source in sources}
    async with session(connector(POLICY)) as http:
        noted = Noted(through(http), sources)
        taken = turns(noted, InstantStore(lambda table, name: item_of(table, by_id[name])))
        polling = worker(taken, at_once_max=4)
        running = asyncio.create_task(polling.run())
        polling.on_claimed(SHARD)
        for source in sources:
            polling.on_source(source, SHARD)
        await _warm(polling, noted)
        noted.forget()
        await asyncio.sleep(WINDOW_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return noted


def _one_of_many(root: URL, number: int, *, hung_hosts: int) -> Source:
    at = number % HOSTS
    url = root.with_host(host(at)) / ("hang" if at < hung_hosts else "etag") / str(number)
    return registered(number, url, interval_s=INTERVAL_S, state="healthy")


async def _warm(polling: Worker, noted: Noted) -> None:
    """Wait until every source was asked once; those whose host hangs in their turn."""
    for _ in range(WARM_UP_MAX_S):
        await asyncio.sleep(1)
        if len(noted.began_s) >= 0.99 * SOURCES and polling.overdue_ms() < 1_000:
            return


def of_pace(noted: Noted) -> list[Claim]:
    """Hold a healthy fleet's pace to its bars."""
    lags, due = noted.lags_ms, "a poll begins after it is due"
    gaps = [later - earlier for times in noted.began_s.values() for earlier, later in pairwise(times)]
    wrong = percentile([abs(gap - INTERVAL_S) / INTERVAL_S for gap in gaps], 0.999) if gaps else float("inf")
    seconds = Counter(int(began) for times in noted.began_s.values() for began in times)
    whole = [polls for _, polls in sorted(seconds.items())][1:-1]
    how = f"real, {SOURCES} sources at {INTERVAL_S} s on {HOSTS} hosts, {len(lags)} polls in {WINDOW_S} s"
    return [
        Claim(claim=f"{due}, p50", value=percentile(lags, 0.5), unit="ms", op="<=", bar=5, how=how),
        Claim(claim=f"{due}, p99", value=percentile(lags, 0.99), unit="ms", op="<=", bar=50, how=how),
        Claim(claim="interval error, p99.9", value=wrong * 100, unit="%", op="<=", bar=1, how=how),
        Claim(
            claim="busiest second against the mean", value=max(whole) / statistics.mean(whole), unit="times",
            op="<=", bar=1.35, how=how,
        ),
    ]  # fmt: skip


def of_hung(noted: Noted) -> list[Claim]:
    """Hold the pace of those who answer to its bar while others hang."""
    lags = noted.lags_ms
    how = f"real, the same with {HUNG_SHARE:.0%} of the hosts never answering: {len(lags)} polls of the others"
    return [
        Claim(
            claim="a poll begins after it is due, a fifth of the hosts hanging, p99", value=percentile(lags, 0.99),
            unit="ms", op="<=", bar=100, how=how,
        )
    ]  # fmt: skip


async def idle_bytes() -> tuple[float, float]:
    """Load sources that were polled before; bytes of each, and of the whole process."""
    head = {"version": 3, "epoch": 1, "fence": 1, "notified": 3, "hash": "0123456789abcdef", "bodyUntil": 2**41}

    def item(table: str, name: str) -> Item:
        if table == NAMES.data_sources:
            return item_of(table, registered(int(name[-8:], 16), url_of(int(name[-8:], 16)), state="healthy"))
        ref = {"id": f"{name}@3@0123456789abcdef", "encoding": "plain", "bytes": 1_100, "exact": False}
        own = {"id": name, "sheetId": name, "incarnation": "i", "etag": f'"{name}-b1946ac92492d2347c6235"', "ref": ref}
        return write_item(head | own)

    def url_of(number: int) -> URL:
        return URL(f"https://api-{number % 20_000}.example.com/v1/tables/{number}/rows.json")

    async def nothing_new(_: Ask) -> Outcome:
        return NotModified()

    polling = worker(turns(nothing_new, InstantStore(item)))
    running = asyncio.create_task(polling.run())
    await asyncio.sleep(0.1)
    gc.collect()
    before = resident_bytes()
    polling.on_claimed(SHARD)
    for number in range(IDLE_SOURCES):
        polling.on_source(registered(number, url_of(number), interval_s=86_400, state="healthy"), SHARD)
        if number % 100 == 0:
            await asyncio.sleep(0)
    while any(watched.head is None for watched in polling._watched.values()):  # noqa: ASYNC110, SLF001 - until loaded
        await asyncio.sleep(0.2)
    for watched in polling._watched.values():  # noqa: SLF001 - as after a good poll
        watched.wire_digest, watched.decoded_digest = random.randbytes(16), random.randbytes(16)
    gc.collect()
    after = resident_bytes()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return (after - before) / IDLE_SOURCES, after


def of_memory(each: float, whole: float) -> list[Claim]:
    """Hold memory to its bars."""
    how = f"real, {IDLE_SOURCES} sources in a process of its own, resident memory; sockets apart"
    return [
        Claim(claim="memory of an idle source", value=each, unit="bytes", op="<=", bar=1_536, how=how),
        Claim(
            claim=f"memory of a worker with {IDLE_SOURCES} idle sources", value=whole / (1 << 20), unit="MiB",
            op="<=", bar=200, how=how,
        ),
    ]  # fmt: skip


async def dead() -> list[Claim]:
    """Let servers die for hours, then come back."""
    asked: dict[str, list[float]] = defaultdict(list)
    loop, up = asyncio.get_running_loop(), True

    async def fetch(ask: Ask) -> Outcome:
        asked[str(ask.url)].append(loop.time())
        if not up:
            await asyncio.sleep(5)
            return Failed(reason=Reason.TIMEOUT, why="no answer")
        if ask.validators:
            return NotModified()
        return Reply(
            wire=b"{}", coding="", content_type="application/json", validators=Validators(url=str(ask.url), etag='"1"')
        )

    def now_ms() -> int:
        return 1_795_000_000_000 + round(loop.time() * 1_000)

    sources = {
        one.id: one
        for one in (
            registered(number, URL(f"https://host-{number}.example/"), interval_s=MINUTE_S, state="healthy")
            for number in range(DEAD_SOURCES)
        )
    }
    store = InstantStore(lambda table, name: item_of(table, sources[name]))
    polling = worker(turns(fetch, store, now=now_ms), now=now_ms)
    running = asyncio.create_task(polling.run())
    polling.on_claimed(SHARD)
    for source in sources.values():
        polling.on_source(source, SHARD)
    await asyncio.sleep(5 * MINUTE_S)
    up = False
    await asyncio.sleep(HOUR_S)
    counted = Counter({url: len(times) for url, times in asked.items()})
    await asyncio.sleep(3 * HOUR_S)
    polls = sum(len(asked[url]) - counted[url] for url in asked)
    up, back_s = True, loop.time()
    await asyncio.sleep(HOUR_S)
    waits = [min(at for at in times if at >= back_s) - back_s for times in asked.values()]
    running.cancel()
    how = f"virtual, {DEAD_SOURCES} sources at 60 s on as many hosts that die together, hours 2 to 4"
    return [
        Claim(
            claim="a dead source, against its normal polls", value=100 * polls / (DEAD_SOURCES * 180), unit="%",
            op="<=", bar=7, how=how,
        ),
        Claim(
            claim="a dead source that is back is found", value=max(waits) / MINUTE_S, unit="min", op="<=", bar=15,
            how=f"virtual, the same; median {statistics.median(waits) / MINUTE_S:.1f} min",
        ),
    ]  # fmt: skip


class Calm:
    """Stands in for turns: loading asks the tables twice, a poll takes its time."""

    def __init__(self, polled: dict[str, float]) -> None:
        self._polled = polled

    async def load(self, *_: Any) -> int | None:
        """Load a head: fence it, and look at the revision."""
        await asyncio.sleep(0.02)
        await asyncio.sleep(0.01)
        return None

    async def take(self, watched: Watched, *_: Any) -> int | None:
        """Poll."""
        self._polled.setdefault(watched.target.id, asyncio.get_running_loop().time())
        await asyncio.sleep(0.15)
        return None


async def cold() -> list[Claim]:
    """Start a fleet with nothing loaded."""
    loop, polled = asyncio.get_running_loop(), dict[str, float]()

    def now_ms() -> int:
        return 1_795_000_000_000 + round(loop.time() * 1_000)

    running: list[asyncio.Task[None]] = []
    for owner in range(COLD_WORKERS):
        polling = worker(Calm(polled), at_once_max=4, now=now_ms)
        running.append(asyncio.create_task(polling.run()))
        shard = Shard(number=owner, owner=str(owner), epoch=1)
        polling.on_claimed(shard)
        for number in range(owner, COLD_SOURCES, COLD_WORKERS):
            source = registered(
                number, URL(f"https://host-{number // 5}.example/{number}"), interval_s=COLD_INTERVAL_S, state="healthy"
            )
            polling.on_source(source.model_copy(update={"shard": owner}), shard)
    await asyncio.sleep(1.5 * COLD_INTERVAL_S)
    for task in running:
        task.cancel()
    how = (
        f"virtual, {COLD_SOURCES} sources at {COLD_INTERVAL_S} s, 5 to a host; a head loads in 30 ms, a poll takes "
        f"150 ms; {len(polled)} polled"
    )
    last = max(polled.values()) if len(polled) == COLD_SOURCES else float("inf")
    return [
        Claim(
            claim=f"{COLD_WORKERS} workers start cold: every source polled within", value=last, unit="s", op="<=",
            bar=COLD_INTERVAL_S, how=how,
        )
    ]  # fmt: skip


def in_a_process_of_its_own() -> tuple[float, float]:
    """Measure memory where nothing else has been."""
    answer = subprocess.run([sys.executable, "-m", "bench.schedule_memory"], check=True, capture_output=True, text=True)
    each, whole = answer.stdout.split()[-2:]
    return float(each), float(whole)


def main() -> None:
    """Measure everything."""
    found = of_memory(*in_a_process_of_its_own())
    with site() as root:
        found += of_pace(uvloop.run(paced(root, hung_share=0)))
        found += of_hung(uvloop.run(paced(root, hung_share=HUNG_SHARE)))
    report([*found, *run_virtual(dead()), *run_virtual(cold())])


if __name__ == "__main__":
    main()
