"""
Crowds: real WebSocket clients, Axway's published table, a reconnect storm, a source faster than its audience.

A part of `bench.fan_out`, which reports these claims.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector

from bench.audience import Far, Service
from bench.claim import Claim, percentile
from contracts.messages import Kind
from contracts.table.subscribers import BUCKET_SUBSCRIBERS_MAX
from ws import actions, connections
from ws.post import Letter, Outcome, Tally

CLIENTS, CHANGES = 1_000, 50
#: All 100,000 take three minutes of work: done once (2026-11-27, b73af79) with 0 snapshots and 91,809 patches.
STORM, STORM_PER_S, CHANGE_EVERY_S = 25_000, 500, 5
#: Axway Streams, "Performance tests": 3,000 users, 100 topics, 50 KB, 500 ms, 20 % renewed: p99 21 ms, 5,455 events/s.
USERS, TOPICS, RECORDS, EVERY_S, RENEWED, AXWAY_S = 3_000, 100, 250, 0.5, 0.2, 6
FAST_S, FAST_PER_S = 15, 10


class Counting:
    """Posts into nothing, and counts."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self.last: dict[str, int] = {}
        self.posts = 0

    def deliver(self, letters: Sequence[Letter], _within_s: float) -> list[Outcome]:
        """Take all."""
        for letter in letters:
            for text in letter.frames:
                frame = json.loads(text)
                self.types[frame["type"]] += 1
                self.last[letter.connection_id] = frame["version"]
        self.posts += len(letters)
        return [Outcome.SENT] * len(letters)

    def close(self, connection_ids: Sequence[str], _within_s: float) -> list[Outcome]:
        """Close all."""
        return [Outcome.SENT] * len(connection_ids)

    def tally(self) -> Tally:
        """Say what was posted."""
        return Tally(posts=self.posts)


def real_clients(gateway: Far) -> Claim:
    """Let 1,000 real WebSocket clients in another process's gateway hear of changes; time the last of them."""
    gateway.ask("unlimited")
    heard: dict[int, list[float]] = {}
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True).start()
    over = asyncio.Event()
    opened = asyncio.run_coroutine_threadsafe(_open(gateway.url), loop).result(60)
    crowd = asyncio.run_coroutine_threadsafe(_listen(*opened, heard, over), loop)
    service = Service(gateway.post_url)
    service.register("watched", {"n": 0})
    service.subscribe("watched", gateway.ask("ids"))
    began: dict[int, float] = {}
    for number in range(1, CHANGES + 1):
        message = service.commit("watched", {"n": number})
        began[message.version] = time.monotonic()
        service.invoke([message.encode()])
        time.sleep(0.1)
    loop.call_soon_threadsafe(over.set)
    crowd.result(30)
    loop.call_soon_threadsafe(loop.stop)
    service.shut()
    if any(len(heard.get(version, ())) != CLIENTS for version in began):
        raise RuntimeError("not every client heard of every change")
    lags = [1e3 * (max(heard[version]) - began[version]) for version in began]
    return Claim(
        claim="change committed → last of 1,000 WebSocket clients: p99", value=percentile(lags, 0.99), unit="ms",
        op="<=", bar=1_000,
        how=f"real: aiohttp clients beside the Lambda in one process, p50 {percentile(lags, 0.5):.0f} ms,"
        f" {CHANGES} changes",
    )  # fmt: skip


async def _open(url: str) -> tuple[ClientSession, list[ClientWebSocketResponse]]:
    session = ClientSession(connector=TCPConnector(limit=0))
    return session, [await session.ws_connect(url) for _ in range(CLIENTS)]


async def _listen(
    session: ClientSession,
    sockets: Sequence[ClientWebSocketResponse],
    heard: dict[int, list[float]],
    over: asyncio.Event,
) -> None:
    async def read(socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            heard.setdefault(json.loads(message.data)["version"], []).append(time.monotonic())

    tasks = [asyncio.ensure_future(read(socket)) for socket in sockets]
    await over.wait()
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await session.close()


def axway(gateway: Far) -> list[Claim]:
    """Do what Axway's table says of theirs: 100 topics of 50 KB, a fifth renewed each half second, 3,000 users."""
    gateway.ask("unlimited")
    service, chance = Service(gateway.post_url), random.Random(1)
    topics = [f"topic{number:03}" for number in range(TOPICS)]
    documents = {topic: [_record(chance) for _ in range(RECORDS)] for topic in topics}
    for topic in topics:
        ids = [f"{topic}-{number}" for number in range(USERS // TOPICS)]
        gateway.ask("open", ids)
        service.register(topic, documents[topic])
        service.subscribe(topic, ids)
    due = list[tuple[float, str, Callable[[], str]]]()
    for turn in range(int(AXWAY_S / EVERY_S)):
        for place, topic in enumerate(topics):
            documents[topic] = [_record(chance) if chance.random() < RENEWED else each for each in documents[topic]]
            at_s = (turn + place / TOPICS) * EVERY_S
            due.append((at_s, topic, service.prepare(topic, documents[topic])))
    gateway.ask("forget")
    lags, took_s = _at_their_time(service, due)
    _, got, _ = gateway.ask("last")
    service.shut()
    size = len(json.dumps(documents[topics[0]]))
    how = (
        f"real: sockets to the stand-in, whose connections have none, {TOPICS} topics of {size:,} B each {EVERY_S} s,"
        f" {RENEWED:.0%} renewed, {AXWAY_S} s, {got:,} events; theirs ran on a cluster of at least 96 CPUs, this"
        " on one core for the Lambda"
    )
    return [
        Claim(
            claim="Axway's table, 3,000 users: p99 from due to the last post of a change",
            value=1e3 * percentile(lags, 0.99), unit="ms", op="<=", bar=21,
            how=f"{how}; p50 {1e3 * percentile(lags, 0.5):.0f} ms",
        ),
        Claim(claim="… events per second", value=got / took_s, unit="1/s", op=">=", bar=5_455, how=how),
    ]  # fmt: skip


def _record(chance: random.Random) -> dict[str, Any]:
    return {"id": chance.getrandbits(48), "text": f"{chance.getrandbits(560):0140x}", "price": chance.random()}


def _at_their_time(service: Service, due: Sequence[tuple[float, str, Callable[[], str]]]) -> tuple[list[float], float]:
    lags, began = list[float](), time.monotonic()

    def tell(body: str, at: float) -> None:
        service.invoke([body])
        lags.append(time.monotonic() - at)

    with ThreadPoolExecutor(8) as lambdas:
        flights = []
        for at_s, _, commit in due:
            at = began + at_s
            time.sleep(max(0.0, at - time.monotonic()))
            flights.append(lambdas.submit(tell, commit(), at))
        for flight in flights:
            flight.result()
    return lags, time.monotonic() - began


def storm(service: Service) -> Claim:
    """Let 100,000 clients come back at the 500 a second that API Gateway lets in, while the source goes on."""
    post, chance = Counting(), random.Random(1)
    service.with_post(post)
    service.register("s", {"n": 0})
    version = service.commit("s", {"n": 1}).version
    left, began = version, time.monotonic()
    for number in range(STORM):
        if number % (STORM_PER_S * CHANGE_EVERY_S) == 0:
            version = service.commit("s", {"n": number + 2}).version
        name = f"back-{number}"
        connections.connect(service.world, name, {"principal": f"p{number % 1_000}", "scopes": "read"})
        held = chance.randint(left, version)
        actions.act(service.world, name, f'{{"action": "resume", "positions": {{"s": ["i", {held}]}}}}')
    took_s = time.monotonic() - began
    if sum(post.types.values()) < STORM:
        raise RuntimeError(f"not everybody was answered: {post.types}")
    return Claim(
        claim=f"snapshots for {STORM:,} clients that come back at 500 a second", value=post.types["snapshot"],
        unit=f"of {STORM}", op="==", bar=0,
        how=f"counted: the Lambda's own code over tables in memory, frames not over sockets, arrivals in virtual time"
        f" ({STORM / STORM_PER_S:.0f} s, a change each {CHANGE_EVERY_S} s), {took_s:.0f} s of work; {dict(post.types)};"
        " recorded with 100,000 (2026-11-27, b73af79): 0",
    )  # fmt: skip


def too_fast(service: Service) -> list[Claim]:
    """Let a source change ten times in the time that its audience of three buckets is told once."""
    post, buckets = Counting(), 3
    service.with_post(post)
    ids = [f"c{number}" for number in range(BUCKET_SUBSCRIBERS_MAX * (buckets - 1) + 10)]
    service.register("fast", {"n": 0})
    service.subscribe("fast", ids)
    most, most_waiting, number = 0, 0, 0
    for _ in range(FAST_S):
        for _ in range(FAST_PER_S):
            number += 1
            service.queue.waiting.append(service.commit("fast", {"n": number}).encode())
        bodies, service.queue.waiting = service.queue.waiting, []
        before = post.posts
        most_waiting = max(most_waiting, _one_turn(service, bodies))
        most = max(most, -(-(post.posts - before) // len(ids)))
    behind = sum(post.last.get(each) != number + 1 for each in ids)
    idle = service.invocations - FAST_S * buckets
    how = (
        f"counted: {FAST_S} virtual seconds of {FAST_PER_S} versions, {buckets} buckets, one invocation per bucket and"
        f" second, {service.invocations} invocations, {idle} of which found nothing to tell"
    )
    return [
        Claim(
            claim="a source at 10 versions/s, capacity for 1: passes per bucket that a second leaves to do",
            value=most, unit="passes", op="<=", bar=1, how=how,
        ),
        Claim(
            claim="… jobs that wait for a bucket at once, at most", value=most_waiting, unit="jobs", op="<=", bar=1,
            how=how,
        ),
        Claim(claim="… subscribers without its final state", value=behind, unit="of all", op="==", bar=0, how=how),
    ]  # fmt: skip


def _one_turn(service: Service, bodies: Sequence[str]) -> int:
    """Consume what waits, and the jobs per bucket that this queues; gives how many waited for one of them at most."""
    service.invoke(bodies)
    jobs, service.queue.waiting = service.queue.waiting, []
    if not all(json.loads(job)["kind"] == Kind.FAN_OUT for job in jobs):
        raise RuntimeError("something else than buckets was queued")
    for job in jobs:
        service.invoke([job])
    return max(Counter(json.loads(job)["bucket"] for job in jobs).values(), default=0)
