"""A source in tables of moto, asked through the real boto3 store; clocks, servers and queue are handed in."""

import os
import random
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest import mock

import boto3
import pytest
from moto import mock_aws

from contracts.messages import Message
from contracts.source import Source
from contracts.table import heads, sources
from contracts.table.changes import Change
from contracts.table.fleet import Shard
from contracts.table.heads import Head
from contracts.table.schema import FIELDS, SCHEMAS, TableNames, create_table
from contracts.table.values import Item
from fetching.fetch import Ask
from fetching.outcome import NotModified, Outcome, Reply, Validators
from monitor_fleet.announce import Announcer
from monitor_fleet.circuit import Circuits
from monitor_fleet.commit import Committer
from monitor_fleet.documents import Bucket, Documents
from monitor_fleet.errors import StoreError
from monitor_fleet.keys import Key, KeyMissing
from monitor_fleet.poll import Poller
from monitor_fleet.status import StatusWriter
from monitor_fleet.store import Request, Store, StoreVerbs, in_threads
from monitor_fleet.turn import Turns
from monitor_fleet.watched import Watched

TABLES = TableNames(**{name: table for table, name in FIELDS.items()})
BUCKET = "documents"
SOURCE_ID = "external-00000001"
START_MS = 1_795_000_000_000

FAKE_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


#: A client takes long to make, and serves every account that is mocked.
_client: Any = cache(boto3.client)


@pytest.fixture
def aws() -> Iterator[Any]:
    """Give a DynamoDB client whose tables exist, and a bucket beside it."""
    with mock.patch.dict(os.environ, FAKE_CREDENTIALS), mock_aws():
        client = _client("dynamodb")
        for name, schema in SCHEMAS.items():
            client.create_table(**create_table(name, schema))
        _client("s3").create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Give threads for the clients."""
    with ThreadPoolExecutor(4) as given:
        yield given


class Faults:
    """A store that counts requests and fails where it is told to, before or after the request landed."""

    def __init__(self, inner: StoreVerbs) -> None:
        self._inner = inner
        self.asked: list[str] = []
        self.fail: dict[str, tuple[StoreError, bool]] = {}

    def __getattr__(self, verb: str) -> Callable[[Request], Coroutine[Any, Any, Any]]:
        async def ask(request: Request) -> Any:
            self.asked.append(verb)
            error, landed = self.fail.pop(verb, (None, True))
            answer = await getattr(self._inner, verb)(request) if landed else None
            if error:
                raise error
            return answer

        return ask


@dataclass
class Web:
    """What a source answers: a document with an ETag, or whatever is put in `instead`."""

    body: bytes = b'{"price":1}'
    instead: list[Outcome] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)
    etags: bool = False

    async def fetch(self, ask: Ask) -> Outcome:
        """Answer one request."""
        self.asked.append(ask)
        if self.instead:
            return self.instead.pop(0)
        etag = f'"{hash(self.body)}"' if self.etags else ""
        if etag and ask.validators and ask.validators.etag == etag:
            return NotModified()
        validators = Validators(url=str(ask.url), etag=etag)
        return Reply(wire=self.body, coding="", content_type="application/json", validators=validators)


class NoKeys:
    """Has no keys."""

    async def get(self, secret_id: str) -> Key:
        """Give none."""
        raise KeyMissing(secret_id)

    async def renew(self, secret_id: str, *, refused: Key) -> Key | None:
        """Have no other."""
        assert refused
        raise KeyMissing(secret_id)


async def inline[**P, T](work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do here what is meant for another process."""
    return work(*args, **kwargs)


class Owner:
    """One worker's way through a source's turns, under one epoch."""

    def __init__(self, store: StoreVerbs, bucket: Bucket, web: Web, *, now: list[int]) -> None:
        self.store = Faults(store)
        self.sent: list[Message] = []
        self.slept: list[float] = []
        self.publish_fails = 0
        self.may_act = True
        self.spawned: list[Coroutine[Any, Any, None]] = []
        chance = random.Random(1)
        documents = Documents(store=self.store, table=TABLES.sheets_data, bucket=bucket, offload=inline)
        self.turns = Turns(
            poller=Poller(fetch=web.fetch, keys=NoKeys(), offload=inline, now_ms=lambda: now[0], documents=documents),
            committer=Committer(
                store=self.store, tables=TABLES, documents=documents, offload=inline, now_ms=lambda: now[0],
                may_act=lambda: self.may_act, history_days=7,
            ),
            announcer=Announcer(
                store=self.store, table=TABLES.sheets_data, publish=self._publish, now_ms=lambda: now[0],
                chance=chance, sleep=self._sleep, may_act=lambda: self.may_act,
            ),
            statuses=StatusWriter(store=self.store, table=TABLES.data_sources),
            documents=documents, now_ms=lambda: now[0], chance=chance, circuits=Circuits(chance),
        )  # fmt: skip

    async def poll(self, watched: Watched, *, announce: bool = True) -> int | None:
        """Take one turn; without `announce` the process dies before the queue hears of it."""
        wait_ms = await self.turns.take(watched, self._spawn)
        await self.settle(announce=announce)
        return wait_ms

    async def load(self, watched: Watched) -> int | None:
        """Load a head as a new owner does."""
        wait_ms = await self.turns.load(watched, self._spawn)
        await self.settle()
        return wait_ms

    async def settle(self, *, announce: bool = True) -> None:
        """Run what was spawned, or lose it."""
        for work in self.spawned:
            if announce:
                await work
            else:
                work.close()
        self.spawned.clear()

    def _spawn(self, _: Watched, work: Coroutine[Any, Any, None]) -> None:
        self.spawned.append(work)

    async def _publish(self, message: Message) -> None:
        if self.publish_fails:
            self.publish_fails -= 1
            raise StoreError("the queue is away")
        self.sent.append(message)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Desk:
    """The tables with one registered source, and owners to poll it."""

    def __init__(self, client: Any, threads: ThreadPoolExecutor) -> None:
        self.client = client
        self.store = Store(in_threads(client, threads))
        self.bucket = Bucket(_client("s3"), threads, name=BUCKET)
        self.web = Web()
        self.now = [START_MS]
        self.register()

    def register(self, **fields: Any) -> Source:
        """Put the source and its head."""
        given: dict[str, Any] = {
            "id": SOURCE_ID, "name": "prices", "url": "https://feed.example/prices", "pollingInterval": 10,
            "incarnation": "abcd", "shard": 3, "createdAt": "x", "lastUpdated": "x",
        }  # fmt: skip
        source = Source(**given | fields)
        self.client.put_item(
            **{
                **sources.put_new(TABLES.data_sources, source),
                "ConditionExpression": "attribute_exists(id) OR attribute_not_exists(id)",
            }
        )
        if self.head_item() is None:
            self.client.put_item(**heads.put_new(TABLES.sheets_data, source.id, source.incarnation))
        return source

    def source(self) -> Source:
        """Read the source as it stands."""
        from contracts.table.values import read_item

        return Source.from_item(read_item(self.client.get_item(**sources.get(TABLES.data_sources, SOURCE_ID))["Item"]))

    def watch(self, *, epoch: int = 1) -> Watched:
        """Begin to watch it under an epoch."""
        return Watched.begin(self.source(), Shard(number=3, owner="w", epoch=epoch))

    def owner(self) -> Owner:
        """Give a worker with a memory of its own."""
        return Owner(self.store, self.bucket, self.web, now=self.now)

    def head_item(self) -> Item | None:
        """Read the head's item."""
        item: Item | None = self.client.get_item(**heads.get(TABLES.sheets_data, SOURCE_ID)).get("Item")
        return item

    def head(self) -> Head:
        """Read the head."""
        item = self.head_item()
        assert item is not None
        return Head.read(item)

    def changes(self) -> list[Change]:
        """Read all changes."""
        found = [Change.read(item) for item in self.client.scan(TableName=TABLES.changes)["Items"]]
        return sorted(found, key=lambda change: change.version)


@pytest.fixture
def desk(aws: Any, threads: ThreadPoolExecutor) -> Desk:
    """Give a registered source."""
    return Desk(aws, threads)
