"""
What an unchanged poll costs: the whole pipeline against a bare aiohttp GET.

Real time and real sockets; the server is another process. The bare GET and the pipeline take turns, so that a noisy
machine disturbs both alike; ratios are of CPU time of this process. Every source has a url of its own, and the bare
GET goes through the same urls, as text, like the pipeline. Others poll the same server beside it, where installed
(`bench.rivals`).
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from aiohttp import ClientSession
from yarl import URL

from bench import certificate, rivals
from bench.claim import Claim, report
from bench.rig import (
    POLICY,
    SHARD,
    CountingStore,
    InstantStore,
    item_of,
    put,
    registered,
    site,
    through,
    turns,
    worker,
)  # fmt: skip
from fetching.guard import connector
from fetching.session import session
from monitor_fleet.turn import Turns
from monitor_fleet.worker import Worker

GETS = 4_000
SOURCES = 1_000
WINDOW_S = 4.0
SETTLE_MAX_S = 60
ROUNDS = 5
FLAT_OUT_AT_ONCE = 64
MINUTE_S = 60
HOSTS = [f"127.0.{one}.1" for one in range(1, 101)]


async def bare_cpu_us(http: ClientSession, urls: Sequence[str], headers: Mapping[str, str]) -> float:
    """
    Measure a GET with nothing around it, at the pace at which the worker polls: CPU per request, in µs.

    As fast as possible it costs less, because the loop wakes up once for many: that is not what a poller does.
    """
    loop, under_way = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    began_s, cpu_s = loop.time(), time.process_time()
    for number in range(GETS):
        task = loop.create_task(_get(http, urls[number % len(urls)], headers))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        await asyncio.sleep(max(0.0, began_s + (number + 1) / SOURCES - loop.time()))
    await asyncio.gather(*under_way)
    return (time.process_time() - cpu_s) * 1e6 / GETS


async def flat_out_cpu_us(http: ClientSession, urls: Sequence[str], headers: Mapping[str, str]) -> float:
    """Measure the same as fast as it goes."""

    async def some(first: int) -> None:
        for number in range(first, GETS, FLAT_OUT_AT_ONCE):
            await _get(http, urls[number % len(urls)], headers)

    cpu_s = time.process_time()
    await asyncio.gather(*(some(first) for first in range(FLAT_OUT_AT_ONCE)))
    return (time.process_time() - cpu_s) * 1e6 / GETS


async def _get(http: ClientSession, url: str, headers: Mapping[str, str]) -> None:
    async with http.get(url, headers=headers) as response:
        await response.read()


@dataclass(frozen=True, kw_only=True)
class Unchanged:
    """What unchanged polls cost, against the bare GET of the same urls."""

    bare_us: float
    flat_out_us: float
    poll_us: float
    per_s: float
    asked: int

    @property
    def ratio(self) -> float:
        """Say how many bare GETs a poll costs."""
        return self.poll_us / self.bare_us


async def unchanged(root: URL, path: str, rung: str) -> list[Unchanged]:
    """Poll sources that do not change through a whole worker, and the same urls bare, in turns."""
    store = CountingStore()
    urls = [str(root / path / str(number)) for number in range(SOURCES)]
    async with session(connector(POLICY)) as http:
        taken = turns(through(http), store)
        polling = worker(taken)
        running = asyncio.create_task(polling.run())
        found: list[Unchanged] = []
        async with http.get(urls[0]) as first:
            headers = {"If-None-Match": first.headers["ETag"]} if rung == "304" else {}
        for _ in range(ROUNDS):
            bare_us = await bare_cpu_us(http, urls, headers)
            flat_out_us = await flat_out_cpu_us(http, urls, headers)
            await _watch(store, polling, urls)
            await _settled(taken)
            polls, asked, began, cpu = taken.counts[rung], store.asked, time.perf_counter(), time.process_time()
            await asyncio.sleep(WINDOW_S)
            polls, cpu = taken.counts[rung] - polls, time.process_time() - cpu
            found.append(
                Unchanged(
                    bare_us=bare_us,
                    flat_out_us=flat_out_us,
                    poll_us=cpu * 1e6 / polls,
                    per_s=polls / (time.perf_counter() - began),
                    asked=store.asked - asked,
                )
            )
            polling.on_lost(SHARD.number)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return found


async def _settled(taken: Turns) -> None:
    """Wait until each source has been polled twice: a first poll commits, or reads a document to compare."""
    enough = taken.counts.total() + 2 * SOURCES
    for _ in range(SETTLE_MAX_S):
        await asyncio.sleep(1)
        if taken.counts.total() >= enough:
            return
    raise TimeoutError(f"{SOURCES} sources are not polled twice within {SETTLE_MAX_S} s")


async def _watch(store: CountingStore, polling: Worker, urls: Sequence[str]) -> None:
    polling.on_claimed(SHARD)
    for number, url in enumerate(urls):
        source = registered(number, URL(url))
        await put(store, source)
        polling.on_source(source, SHARD)


def claims(what: str, found: list[Unchanged]) -> list[Claim]:
    """Hold what was measured to its bars."""

    def middle(name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in found))

    how = (
        f"real, {SOURCES} sources at 1 s, median of {ROUNDS} rounds: {middle('poll_us'):.0f} µs against "
        f"{middle('bare_us'):.0f} µs for a bare GET at the same pace ({middle('flat_out_us'):.0f} µs flat out, "
        f"{FLAT_OUT_AT_ONCE} at once), {middle('per_s'):.0f}/s"
    )
    return [
        Claim(
            claim=f"CPU of an unchanged poll against a bare GET, {what}", value=middle("ratio"), unit="times", op="<=",
            bar=1.25, how=how,
        ),
        Claim(
            claim=f"AWS calls of an unchanged poll, {what}", value=sum(one.asked for one in found), unit="calls",
            op="==", bar=0, how=f"real, counted in {ROUNDS} windows of {WINDOW_S:.0f} s",
        ),
    ]  # fmt: skip


async def handshakes(root: URL) -> list[Claim]:
    """Poll sources of many hosts each minute over TLS, and count connections."""
    store = InstantStore(lambda table, name: item_of(table, sources[name]))
    urls = [root.with_host(HOSTS[n % len(HOSTS)]) / "etag" / str(n) for n in range(SOURCES)]
    sources = {
        one.id: one for one in (registered(n, url, interval_s=MINUTE_S, state="healthy") for n, url in enumerate(urls))
    }
    async with session(connector(POLICY)) as http, session(connector(POLICY)) as counting:
        taken = turns(through(http), store)
        polling = worker(taken)
        running = asyncio.create_task(polling.run())
        polling.on_claimed(SHARD)
        for source in sources.values():
            polling.on_source(source, SHARD)
        await asyncio.sleep(MINUTE_S + 5)
        connections, polls = await _connections(counting, root), taken.counts.total()
        await asyncio.sleep(MINUTE_S)
        connections, polls = await _connections(counting, root) - connections, taken.counts.total() - polls
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return [
        Claim(
            claim="new TLS handshakes per 1,000 polls at 60 s", value=1_000 * connections / polls, unit="",
            op="<=", bar=20, how=f"real, {SOURCES} sources on {len(HOSTS)} hosts, their second minute, {polls} polls",
        )
    ]  # fmt: skip


async def _connections(http: ClientSession, root: URL) -> int:
    """Ask the server how many connections there were, over one that is kept."""
    async with http.get(root / "count") as response:
        return int(await response.text())


async def measure() -> list[Claim]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        with site({b"metrics": ("text/plain; version=0.0.4", [rivals.METRICS])}) as plain:
            unmodified = await unchanged(plain, "etag", "304")
            same = await unchanged(plain, "plain", "wire_same")
            found = claims("304", unmodified) + claims("200 with the same bytes", same)
            ours_us = statistics.median(one.poll_us for one in same)
            found += rivals.measure(plain, Path(folder), ours_us=ours_us)
        pem = certificate.make(Path(folder), ["127.0.0.1", *HOSTS])
        certificate.trust(pem)
        with site(pem=pem) as encrypted:
            found += claims("304 over kept-alive TLS", await unchanged(encrypted, "etag", "304"))
            return found + await handshakes(encrypted)


if __name__ == "__main__":
    report(uvloop.run(measure()))
