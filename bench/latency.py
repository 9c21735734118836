"""
How long a change takes: from the poll that saw it to the frame at the client, on the embedded AWS.

Everything is real but AWS itself: workers, Lambdas, queue, tables and sockets of a private local stack. The anchor in
the same run is what the embedded AWS needs for the hops alone: a message sent straight to the queue, to the frame.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.claim import Claim, percentile, report
from contracts.messages import Kind, Message, send
from local.running import running_stack
from tests import owner
from tests.e2e.outside import Api, Feeds, Reader

ROOT = Path(__file__).parent.parent
SOURCES = 5
ROUNDS = 20
SUBSCRIBES = 15
HOPS = 20
#: Five changes a second in all, the rate the claim is made for.
PAUSE_S = 1.0


def main() -> None:
    """Start a private stack, measure, report."""
    with tempfile.TemporaryDirectory(prefix="stack-") as name:
        folder = Path(name)
        with running_stack(ROOT, workers={"external": 2}, folder=folder, say=print):
            state = json.loads((folder / "state.json").read_text())
            changes, subscribes, hops = asyncio.run(measure(state))
    how = f"real processes, embedded AWS, {SOURCES} sources at 1 s on 2 workers"
    report(
        [
            claim("poll that saw a change → frame at the client, p50", changes, 0.5, how),
            claim("poll that saw a change → frame at the client, p99", changes, 0.99, how, bar_ms=1_000),
            claim("subscribe → snapshot, p50", subscribes, 0.5, how),
            claim("anchor: message on the queue → frame, no poll and no commit, p50", hops, 0.5, how),
        ]
    )


def claim(name: str, seconds: list[float], share: float, how: str, *, bar_ms: float = 150) -> Claim:
    """Say one percentile in ms."""
    value = percentile(seconds, share) * 1_000
    return Claim(claim=name, value=value, unit="ms", op="<=", bar=bar_ms, how=f"{how}, n={len(seconds)}")


async def measure(state: dict[str, Any]) -> tuple[list[float], list[float], list[float]]:
    """Give the seconds of each change, of each subscribe, and of each bare hop."""
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        names = [f"b{i}" for i in range(SOURCES)]
        for name in names:
            feeds.set(name, {"n": 0})
        ids = {name: await api.register(feeds.url(name)) for name in names}
        for source_id in ids.values():
            await reader.ask(action="subscribe", sourceId=source_id)
            await reader.until_equal(source_id, {"n": 0})
        changes = [late for n in range(1, ROUNDS + 1) for late in await one_round(feeds, reader, ids, n)]
        subscribes = [await one_subscribe(state, ids[names[0]]) for _ in range(SUBSCRIBES)]
        hops = await bare_hops(state, reader, ids[names[0]])
        for source_id in ids.values():
            await api.delete(source_id)
    return changes, subscribes, hops


async def one_round(feeds: Feeds, reader: Reader, ids: dict[str, str], n: int) -> list[float]:
    """Change every feed once; give for each how long after the answering poll its frame came."""
    document = {"n": n}
    for name in ids:
        feeds.set(name, document)
    for source_id in ids.values():
        await reader.until_equal(source_id, document)
    body = json.dumps(document).encode()
    late = [reader.copies[source_id].frames[-1][0] - feeds.seen[name, body] for name, source_id in ids.items()]
    await asyncio.sleep(PAUSE_S / 2)
    return late


async def one_subscribe(state: dict[str, Any], source_id: str) -> float:
    """Give the time from the subscribe frame to the snapshot, on a new connection."""
    async with Reader.connected(state) as reader:
        began = time.perf_counter()
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until(lambda: reader.copies[source_id].document is not None)
        return time.perf_counter() - began


async def bare_hops(state: dict[str, Any], reader: Reader, source_id: str) -> list[float]:
    """Send status messages straight to the queue and wait for their frames."""
    sqs = owner.client(state, "sqs")
    position = reader.copies[source_id].position or ("", 0)
    late = []
    for n in range(HOPS):
        heard = len(reader.others)
        message = Message(kind=Kind.STATUS, source_id=source_id, incarnation=position[0], version=position[1], at_ms=0)
        began = time.perf_counter()
        await asyncio.to_thread(sqs.send_message, **send(state["queueUrl"], message, unique=f"bench-{n}"))
        await reader.until(lambda heard=heard: len(reader.others) > heard)
        late.append(time.perf_counter() - began)
    return late


if __name__ == "__main__":
    main()
