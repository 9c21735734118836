"""
What a changed poll costs: step, body, commit, queue and `notified`, through the worker's own AWS client.

Real time and real sockets; a sink in another process answers what AWS would, at once. So what is measured is this
process: its pipeline and its client, not AWS. How many there can be is measured with twice as many sources as the bar
asks for; how soon one is told, with as many as it asks for: at saturation a queue's length would be measured.
"""

import asyncio
import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import uvloop
from yarl import URL

from bench.claim import Claim, percentile, report
from bench.rig import POLICY, SHARD, item_of, now_ms, registered, site, through, turns, worker
from contracts.messages import Message
from contracts.table.values import Item
from fetching.fetch import Ask
from fetching.guard import connector
from fetching.outcome import Outcome
from fetching.session import session
from monitor_fleet.clients import Clients
from monitor_fleet.store import Request, StoreVerbs

BAR_PER_S = 200
WINDOW_S = 10.0
WARM_UP_S = 5.0
ROUNDS = 3


class Sink(asyncio.Protocol):
    """Answers DynamoDB's and SQS's JSON protocols: yes to every write, and the row that is asked for."""

    _transport: asyncio.Transport
    _data = b""

    def connection_made(self, transport: Any) -> None:
        """Take a connection."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            start = head.index(b"content-length:") + 15
            length = int(head[start:].split(b"\r\n", 1)[0])
            if len(self._data) < end + 4 + length:
                return
            body, self._data = self._data[end + 4 : end + 4 + length], self._data[end + 4 + length :]
            answer = json.dumps(answered(head, body)).encode()
            lines = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: 1\r\n"
            self._transport.write(lines + f"Content-Length: {len(answer)}\r\n\r\n".encode() + answer)


def answered(head: bytes, body: bytes) -> dict[str, Any]:
    """Say what AWS would."""
    if b"sendmessage" in head:
        return {"MessageId": "1", "SequenceNumber": "1", "MD5OfMessageBody": "0"}
    if b".getitem" not in head and b".updateitem" not in head:
        return {}
    request = json.loads(body)
    row = row_of(request["TableName"], request["Key"]["id"]["S"])
    if b".getitem" in head:
        return {"Item": row}
    return {"Attributes": row | {"epoch": {"N": "1"}, "fence": {"N": "1"}}}


def row_of(table: str, name: str) -> Item:
    """Make the row of a source or of its head."""
    return item_of(table, registered(int(name[-8:], 16), URL("http://127.0.0.1/"), state="healthy"))


def _serve(ours: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, backlog=256)
        ours.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(run())


@contextmanager
def sink() -> Iterator[str]:
    """Run the sink; its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


class Clocked:
    """The worker's store; notes how long after its source's answer each change was `notified`."""

    def __init__(self, inner: StoreVerbs) -> None:
        self._inner = inner
        self.answered_s: dict[str, float] = {}
        self.took_ms: list[float] = []

    def __getattr__(self, verb: str) -> Callable[[Request], Any]:
        asked: Callable[[Request], Any] = getattr(self._inner, verb)
        return asked

    async def update(self, request: Request) -> Item:
        """Update, and note if it was the last word of a change."""
        answer = await self._inner.update(request)
        if "notified" in request["UpdateExpression"] and "fence" not in request["UpdateExpression"]:
            self.took_ms.append(1_000 * (time.perf_counter() - self.answered_s[request["Key"]["id"]["S"]]))
        return answer


@dataclass(frozen=True, kw_only=True)
class Round:
    """One window: changes per second, ms from answer to notified, CPU of each change."""

    per_s: float
    took_ms: list[float]
    cpu_us: float


async def paced(root: URL, offered_per_s: int) -> Round:
    """Poll so many sources each second, which change each time."""
    sources = [registered(number, root / "new" / str(number), state="healthy") for number in range(offered_per_s)]
    names = {source.url: source.id for source in sources}
    clients = Clients(now_ms)
    store = Clocked(clients.store())
    queue = clients.queue("https://sqs.eu-central-1.amazonaws.com/1/q.fifo", random.SystemRandom())
    async with session(connector(POLICY)) as http:
        ask_source = through(http)

        async def fetch(ask: Ask) -> Outcome:
            outcome = await ask_source(ask)
            store.answered_s[names[str(ask.url)]] = time.perf_counter()
            return outcome

        async def publish(message: Message) -> None:
            await queue.publish(message)

        polling = worker(turns(fetch, store, publish=publish))
        running = asyncio.create_task(polling.run())
        polling.on_claimed(SHARD)
        for source in sources:
            polling.on_source(source, SHARD)
        await asyncio.sleep(WARM_UP_S)
        store.took_ms.clear()
        began_s, cpu_s = time.perf_counter(), time.process_time()
        await asyncio.sleep(WINDOW_S)
        seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        took_ms = list(store.took_ms)
        polling.on_lost(SHARD.number)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await clients.close()
    return Round(per_s=len(took_ms) / seconds, took_ms=took_ms, cpu_us=1e6 * cpu_s / max(1, len(took_ms)))


def main() -> None:
    """Measure, and hold it to the bars."""
    with site() as root, sink() as address:
        os.environ |= {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }  # fmt: skip
        full, steady = [], []
        for _ in range(ROUNDS):
            full.append(uvloop.run(paced(root, 2 * BAR_PER_S)))
            steady.append(uvloop.run(paced(root, BAR_PER_S)))
    report(
        [
            Claim(
                claim="changed polls on one process", value=median(one.per_s for one in full), unit="per s",
                op=">=", bar=BAR_PER_S, how=how(2 * BAR_PER_S, full),
            ),
            Claim(
                claim=f"poll → notified at {BAR_PER_S} changed polls a second, p99", unit="ms", op="<=", bar=100,
                value=median(percentile(one.took_ms, 0.99) for one in steady), how=how(BAR_PER_S, steady),
            ),
        ]
    )  # fmt: skip


def how(offered_per_s: int, rounds: list[Round]) -> str:
    """Say how it was measured."""
    return (
        f"real, {offered_per_s} sources at 1 s that change at every poll, the worker's clients against a sink that"
        f" answers at once; medians of {ROUNDS} rounds of {WINDOW_S:.0f} s:"
        f" {median(one.per_s for one in rounds):.0f} a second,"
        f" p50 {median(percentile(one.took_ms, 0.5) for one in rounds):.0f} ms,"
        f" {median(one.cpu_us for one in rounds):.0f} µs of CPU each"
    )


if __name__ == "__main__":
    main()
