"""
What one change, one delivery and a quiet minute ask of AWS, counted: the code of production over tables with a meter.

Nothing here takes real time or real sockets. What cannot be counted so, how long a Lambda waits for AWS and how much
CPU a poll takes, is in `bench.cost`, each with where it was measured.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from http import HTTPStatus

from yarl import URL

from bench.audience import Service
from bench.leases import fleet
from bench.rig import SHARD, put, registered, turns
from contracts.messages import Message
from contracts.table.changes import Change
from contracts.table.heads import Head
from fetching.fetch import Ask
from fetching.outcome import Outcome, Reply, Validators
from local.memory import NAMES, MemoryStore
from monitor_fleet.watched import Watched
from tests.simulation.metered import MeteredMemory, item_bytes
from tests.simulation.world import World
from ws import handler
from ws.post import Letter, Tally
from ws.post import Outcome as Posted

#: A row of the documents counted with.
ROW_BYTES = 64
#: API Gateway counts a message once per so many bytes.
MESSAGE_UNIT_BYTES = 32 * 1_024
#: Audiences beyond this are counted as so many of this size: their buckets cost alike.
AUDIENCE_COUNTED_MAX = 5_000
#: A fleet costs the same for any number of shards (`bench.leases`); beyond so many workers it is reckoned from these.
SHARDS, WORKERS_COUNTED_MAX = 100, 20
MINUTES = 2
LEFT_MS = 14_000
#: Time stands still: what is counted must not depend on it.
NOW_MS = 1_795_000_000_000


@dataclass(frozen=True, kw_only=True)
class ChangeCost:
    """One changed poll, from the answer to `notified`; an unchanged one asks nothing."""

    write_units: float
    read_units: float
    queue_sends: int
    objects: int
    object_bytes: int
    history_bytes: int
    body_bytes: int
    unchanged_calls: float


@dataclass(frozen=True, kw_only=True)
class AudienceCost:
    """Telling one change to an audience."""

    messages: float
    bytes_out: float
    write_units: float
    read_units: float
    queue_sends: float
    invocations: float

    def times(self, times: float) -> "AudienceCost":
        """Reckon with so many of them."""
        return AudienceCost(**{field.name: getattr(self, field.name) * times for field in fields(self)})


@dataclass(frozen=True, kw_only=True)
class ConnectionCost:
    """One connection from its handshake over a subscription with a snapshot to its end; the authorizer apart."""

    messages: int
    bytes_out: int
    write_units: float
    read_units: float
    invocations: int


@dataclass(frozen=True, kw_only=True)
class MinuteCost:
    """A minute of a fleet in which nothing moves."""

    write_units: float
    read_units: float


def document(size: int, changed: int) -> list[dict[str, object]]:
    """Make rows of about so many bytes in all, one cell of which depends on `changed`."""
    chance = random.Random(1)
    rows: list[dict[str, object]] = [
        {"id": n, "name": f"{chance.getrandbits(64):016x}", "price": chance.randrange(10_000)}
        for n in range(max(1, size // ROW_BYTES))
    ]
    rows[0]["price"] = 20_000 + changed
    return rows


class Bucket:
    """Counts the objects that are put."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._held: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        """Take an object."""
        self.sizes.append(len(data))
        self._held[key] = data

    async def get(self, key: str) -> bytes | None:
        """Give an object."""
        return self._held.get(key)


@cache
def change(document_bytes: int) -> ChangeCost:
    """Count a poll that finds one cell changed, and one that finds nothing."""
    return asyncio.run(_change(document_bytes))


async def _change(document_bytes: int) -> ChangeCost:
    memory, bucket, sent = MeteredMemory(), Bucket(), list[Message]()
    at = [0]
    source = registered(1, URL("https://feeds.example/rows"))
    store = MemoryStore(memory)
    await put(store, source)

    async def fetch(ask: Ask) -> Outcome:
        wire = json.dumps(document(document_bytes, at[0])).encode()
        return Reply(wire=wire, coding="", content_type="application/json", validators=Validators(url=str(ask.url)))

    async def publish(message: Message) -> None:
        sent.append(message)

    taken = turns(fetch, store, publish=publish, bucket=bucket)
    watched = Watched.begin(source, SHARD)

    async def poll() -> None:
        told = list[asyncio.Task[None]]()
        wait_ms = await taken.take(watched, lambda _, work: told.append(asyncio.ensure_future(work)))
        await asyncio.gather(*told)
        if wait_ms is not None:
            raise RuntimeError(f"the poll was no good: {taken.counts}")

    await poll()  # the first version has no step, and its source becomes healthy
    memory.reset()
    await poll()
    unchanged = memory.written.total() + memory.read.total()
    sent.clear()
    bucket.sizes.clear()
    at[0] = 1
    await poll()
    changes, bodies = memory.tables[NAMES.changes].items(), memory.tables[NAMES.sheets_data].items()
    newest = max(changes, key=lambda item: Change.read(item).version)
    head = Head.read(next(item for item in bodies if item["id"]["S"] == source.id))
    body = next((item for item in bodies if head.ref and item["id"]["S"] == head.ref.id), None)
    return ChangeCost(
        write_units=memory.written.total(), read_units=memory.read.total(), queue_sends=len(sent),
        objects=len(bucket.sizes), object_bytes=sum(bucket.sizes), history_bytes=item_bytes(newest),
        body_bytes=item_bytes(body) if body else 0, unchanged_calls=unchanged,
    )  # fmt: skip


class Counting:
    """Delivers everything at once and counts it as API Gateway does."""

    def __init__(self) -> None:
        self.messages = self.bytes = 0

    def deliver(self, letters: Sequence[Letter], within_s: float) -> list[Posted]:
        """Take letters."""
        assert within_s > 0
        for frame in (frame for letter in letters for frame in letter.frames):
            self.messages += -(-len(frame) // MESSAGE_UNIT_BYTES)
            self.bytes += len(frame)
        return [Posted.SENT] * len(letters)

    def close(self, connection_ids: Sequence[str], within_s: float) -> list[Posted]:
        """Cut nobody: nobody's right ends here."""
        raise RuntimeError(f"{len(connection_ids)} connections were to be cut within {within_s} s")

    def tally(self) -> Tally:
        """Have nothing to say."""
        return Tally()


@cache
def audience(size: int, document_bytes: int) -> AudienceCost:
    """Count what it takes to tell so many subscribers of one changed cell."""
    counted = min(size, AUDIENCE_COUNTED_MAX)
    memory, post = MeteredMemory(), Counting()
    service = Service("https://gateway.example/live", memory, lambda: NOW_MS)
    service.with_post(post)
    service.register("counted", document(document_bytes, 0))
    service.subscribe("counted", [f"c{number:011}=" for number in range(counted)])
    message = service.commit("counted", document(document_bytes, 1))
    memory.reset()
    waiting = [message.encode()]
    while waiting:
        service.invoke([waiting.pop(0)])
        waiting, service.queue.waiting = [*waiting, *service.queue.waiting], []
    service.shut()
    if post.messages < counted:
        raise RuntimeError(f"{post.messages} messages for {counted} subscribers")
    whole = AudienceCost(
        messages=post.messages, bytes_out=post.bytes, write_units=memory.written.total(),
        read_units=memory.read.total(), queue_sends=service.queue.sent, invocations=service.invocations,
    )  # fmt: skip
    return whole.times(size / counted)


@cache
def connection(document_bytes: int) -> ConnectionCost:
    """Count a client that connects, subscribes to one source, and leaves."""
    memory, post = MeteredMemory(), Counting()
    service = Service("https://gateway.example/live", memory, lambda: NOW_MS)
    service.with_post(post)
    service.register("counted", document(document_bytes, 0))
    memory.reset()
    events = [("$connect", None), ("$default", {"action": "subscribe", "sourceId": "counted"}), ("$disconnect", None)]
    for route, frame in events:
        context = {"routeKey": route, "connectionId": "c1", "authorizer": {"principal": "bench", "scopes": "read"}}
        event = {"requestContext": context, "body": frame and json.dumps(frame)}
        answer, _ = handler.serve(service.world, event, lambda: LEFT_MS)
        if answer["statusCode"] != HTTPStatus.OK:
            raise RuntimeError(f"{route}: {answer}")
    service.shut()
    return ConnectionCost(
        messages=post.messages + 1, bytes_out=post.bytes, write_units=memory.written.total(),
        read_units=memory.read.total(), invocations=len(events),
    )  # fmt: skip


@cache
def quiet_minute(workers: int) -> MinuteCost:
    """Count what the leases of so many workers cost while nothing moves."""
    counted, memory = min(workers, WORKERS_COUNTED_MAX), MeteredMemory()

    async def story(_: World) -> None:
        memory.reset()
        await asyncio.sleep(60 * MINUTES)

    fleet(SHARDS, counted, story, memory=memory)
    times = workers / counted
    # Each worker reads the rows of all.
    return MinuteCost(
        write_units=memory.written.total() / MINUTES * times,
        read_units=memory.read.total() / MINUTES * times * times,
    )
