"""
What the benches of polling share: a server in a process of its own, stores that cost nothing, and the real pipeline.

The server is as small as HTTP allows, so that the machine's cores are for what is measured. It listens on every
loopback address: `127.1.2.3` is a host of its own to whoever polls.
"""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import uvloop
from aiohttp import ClientSession
from yarl import URL

from bench import certificate
from contracts.addresses import Policy
from contracts.clock import iso
from contracts.messages import Message
from contracts.source import Source
from contracts.table import heads, sources
from contracts.table.fleet import Shard
from contracts.table.values import Item
from fetching.fetch import Ask, fetch
from fetching.outcome import Outcome
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.admission import Admission, HostCap
from monitor_fleet.announce import Announcer, Publish
from monitor_fleet.burden import Burden
from monitor_fleet.circuit import Circuits
from monitor_fleet.commit import Committer
from monitor_fleet.documents import Documents
from monitor_fleet.keys import Key, KeyMissing
from monitor_fleet.offload import Offload
from monitor_fleet.poll import Poller
from monitor_fleet.sharing import Fetch
from monitor_fleet.status import StatusWriter
from monitor_fleet.store import Request
from monitor_fleet.turn import Turns
from monitor_fleet.worker import Worker

POLICY = Policy(allow_private=True)
SHARD = Shard(number=0, owner="bench", epoch=1)
IN_FLIGHT_MAX = 512
ROWS = 20  # about 1.1 KB of JSON

_ETAG = b'"b1946ac92492d2347c6235b4d2611184"'


class Site(asyncio.Protocol):
    """
    Answers by the path.

    `/etag/…` with validators, `/plain/…` without, `/new/…` with something new each time, `/hang/…` never, `/count` with
    how many connections there were.
    `documents` says what else there is: a path's first segment → bodies, served in turn.
    """

    connections = 0
    _transport: asyncio.Transport

    def __init__(self, numbers: Iterator[int], documents: Mapping[bytes, tuple[str, list[bytes]]]) -> None:
        self._numbers = numbers
        self._documents = documents

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection; with TLS, after the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        Site.connections += 1

    def data_received(self, data: bytes) -> None:
        """Answer a request: they are small, and come in one piece."""
        first = data.split(b" ", 2)[1].split(b"/")[1]
        if first == b"hang":
            return
        if first == b"count":
            self._answer("text/plain", str(Site.connections).encode())
        elif first == b"etag" and _ETAG in data:
            self._transport.write(b"HTTP/1.1 304 Not Modified\r\nETag: " + _ETAG + b"\r\n\r\n")
        elif first in self._documents:
            kind, bodies = self._documents[first]
            self._answer(kind, bodies[next(self._numbers) % len(bodies)])
        else:
            body = rows(next(self._numbers) if first == b"new" else 0)
            self._answer("application/json", body, b"ETag: " + _ETAG + b"\r\n" if first == b"etag" else b"")

    def _answer(self, kind: str, body: bytes, more: bytes = b"") -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n".encode()
        self._transport.write(head + more + b"\r\n" + body)


def rows(number: int) -> bytes:
    """Give a small document."""
    first = f'{{"id":0,"name":"item 00000","price":{number}}}'
    others = (f'{{"id":{one},"name":"item {one:05d}","price":{one * 1.25}}}' for one in range(1, ROWS))
    return f"[{first},{','.join(others)}]".encode()


def _serve(ours: Connection, documents: Mapping[bytes, tuple[str, list[bytes]]], pem: Path | None) -> None:
    async def run() -> None:
        numbers = count()
        loop = asyncio.get_running_loop()
        secure = certificate.server_context(pem) if pem else None
        server = await loop.create_server(
            lambda: Site(numbers, documents),
            "0.0.0.0",
            0,
            backlog=4_096,
            ssl=secure,
        )
        ours.send(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    uvloop.run(run())


@contextmanager
def site(documents: Mapping[bytes, tuple[str, list[bytes]]] | None = None, *, pem: Path | None = None) -> Iterator[URL]:
    """Run the server; its address. With a `pem` (key and certificate) it speaks TLS."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, documents or {}, pem), daemon=True)
    process.start()
    try:
        yield URL.build(scheme="https" if pem else "http", host="127.0.0.1", port=ours.recv())
    finally:
        process.kill()
        process.join()


class CountingStore(MemoryStore):
    """Counts what the tables are asked."""

    def __init__(self) -> None:
        super().__init__(Memory())
        self.asked = 0

    async def _ask_memory(self, operation: str, request: Request) -> Any:
        self.asked += 1
        return await super()._ask_memory(operation, request)


class InstantStore:
    """Says yes to everything at once: what is left is our own work. `item` makes a row when it is asked for."""

    def __init__(self, item: Callable[[str, str], Item]) -> None:
        self._item = item

    async def get(self, request: Request) -> Item | None:
        """Give a row."""
        return self._item(request["TableName"], request["Key"]["id"]["S"])

    async def update(self, request: Request) -> Item:
        """Give a head as fenced."""
        return self._item(request["TableName"], request["Key"]["id"]["S"]) | {"epoch": {"N": "1"}, "fence": {"N": "1"}}

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


async def unheard(_: Message) -> None:
    """Send nowhere."""


def now_ms() -> int:
    """Read the wall clock."""
    return time.time_ns() // 1_000_000


def through(http: ClientSession) -> Fetch:
    """Give the fetch of production."""

    async def ask_source(ask: Ask) -> Outcome:
        return await fetch(http, ask)

    return ask_source


def turns(
    fetch: Fetch, store: Any, *, publish: Publish = unheard, offload: Offload = inline, bucket: Any = None,
    now: Callable[[], int] = now_ms,
) -> Turns:  # fmt: skip
    """Put the real pipeline together."""

    def may_act() -> bool:
        return True

    chance = random.Random(1)
    documents = Documents(store=store, table=NAMES.sheets_data, bucket=bucket or NoBucket(), offload=offload)
    return Turns(
        poller=Poller(fetch=fetch, keys=NoKeys(), offload=offload, now_ms=now, documents=documents),
        committer=Committer(
            store=store, tables=NAMES, documents=documents, offload=offload, now_ms=now, may_act=may_act,
            history_days=7,
        ),
        announcer=Announcer(
            store=store, table=NAMES.sheets_data, publish=publish, now_ms=now, chance=chance,
            sleep=asyncio.sleep, may_act=may_act,
        ),
        statuses=StatusWriter(store=store, table=NAMES.data_sources),
        documents=documents, now_ms=now, chance=chance, circuits=Circuits(chance),
    )  # fmt: skip


def worker(taken: Any, *, at_once_max: int = IN_FLIGHT_MAX, now: Callable[[], int] = now_ms) -> Worker:
    """Put a worker around turns, with the caps of production except, unless told otherwise, for those per host."""
    return Worker(
        turns=taken,
        admission=Admission(
            in_flight_max=IN_FLIGHT_MAX, slow_max=IN_FLIGHT_MAX, cap=HostCap(at_once_max=at_once_max)
        ),
        now_ms=now,
        may_act=lambda: True,
        burden=Burden(cpu_now=time.process_time, boot_now=time.monotonic),
    )  # fmt: skip


def registered(number: int, url: URL, *, interval_s: int = 1, state: str = "new") -> Source:
    """Give a source."""
    return Source.model_validate(
        {
            "id": f"external-{number:08x}", "name": "a", "url": str(url), "pollingInterval": interval_s,
            "incarnation": "i", "shard": SHARD.number, "createdAt": iso(0), "lastUpdated": iso(0),
            "status": {"state": state},
        }
    )  # fmt: skip


async def put(store: MemoryStore, source: Source) -> None:
    """Put a source and its head into the tables, if they are not there."""
    if await store.get(sources.get(NAMES.data_sources, source.id)) is None:
        await store.put(sources.put_new(NAMES.data_sources, source))
        await store.put(heads.put_new(NAMES.sheets_data, source.id, source.incarnation))


def item_of(table: str, source: Source) -> Item:
    """Give the item of a source, or that of its head before the first version."""
    if table == NAMES.data_sources:
        return cast("Item", sources.put_new(table, source)["Item"])
    return cast("Item", heads.put_new(NAMES.sheets_data, source.id, source.incarnation)["Item"])


def resident_bytes() -> int:
    """Read how much memory this process has."""
    text = Path("/proc/self/statm").read_text()
    return int(text.split()[1]) * 4_096
