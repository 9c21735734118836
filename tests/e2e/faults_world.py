"""
One source from its registration to a subscriber's document, in virtual time over tables in memory.

The real API verb, the real worker, the real Lambda and the real client's replica; only AWS and the feed are stand-ins.
"""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, cast

from botocore.exceptions import ClientError

from api.register import register_source
from api.registrar import Registrar
from api.respond import serve as serve_http
from client.inbox import Inbox
from client.replica import Replica
from contracts import bodies, steps
from contracts.addresses import Policy
from contracts.canonical import canonical, digest
from contracts.kinds import SourceType, State
from contracts.messages import Message
from contracts.source import Source
from contracts.table import heads, schema, sources
from contracts.table.changes import Change
from contracts.table.heads import Head, Ref
from contracts.table.values import read_item
from fetching.certificates import Certificates
from fetching.fetch import Ask
from fetching.outcome import Outcome, Reply, Validators
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.assembly import FleetWorker, Seams
from monitor_fleet.keys import Key, KeyMissing
from monitor_fleet.settings import Settings
from tests.api.account import event
from tests.e2e.faults_line import Line, LinedBucket, LinedStore, lined
from tests.ws.fake_post import FakePost
from ws import handler
from ws.budget import Budget
from ws.world import World as Lambda

START_MS = 1_795_000_000_000
SHARDS = 2
CLIENT = "one"
#: How soon the queue hands a message to the Lambda.
QUEUE_S = 0.05
LAMBDA_LEFT_MS = 14_000
ENVIRON = {
    **{f"TABLE_{attribute.upper()}": getattr(NAMES, attribute) for attribute in schema.FIELDS.values()},
    "EXTERNAL_SHARDS": str(SHARDS),
    "SHEET_SHARDS": str(SHARDS),
    "SECRETS_PREFIX": "p/",
    "GOOGLE_READS_PER_ACCOUNT": "60",
    "GOOGLE_READS_PER_PROJECT": "300",
    "GOOGLE_HINTS": "0",
}
SETTINGS = Settings(
    kind=SourceType.EXTERNAL, stack="s", tables=NAMES, shards=SHARDS, queue_url="queue", documents_bucket="documents",
    secrets_prefix="p/", policy=Policy(),
)  # fmt: skip


class Objects:
    """A bucket, for the worker and for the Lambda."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        self.held[key] = data

    async def get(self, key: str) -> bytes | None:
        """Read an object."""
        return self.held.get(key)

    def get_object(self, **request: Any) -> dict[str, BytesIO]:
        """Read an object, as the Lambda's client does."""
        found = self.held.get(request["Key"])
        if found is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": BytesIO(found)}


class NoKeys:
    """Has no keys."""

    async def get(self, secret_id: str) -> Key:
        """Give none."""
        raise KeyMissing(secret_id)

    async def renew(self, secret_id: str, *, refused: Key) -> Key | None:
        """Have no other."""
        assert refused
        raise KeyMissing(secret_id)


@dataclass
class Queue:
    """Messages on their way to the Lambda; the worker's and the Lambda's own."""

    waiting: list[str] = field(default_factory=list)
    sent: int = 0

    async def publish(self, message: Message) -> None:
        """Take one from a worker."""
        self.sent += 1
        self.waiting.append(message.encode())

    def send_message(self, **request: Any) -> None:
        """Take one from the Lambda."""
        self.waiting.append(request["MessageBody"])


class World:
    """Everything there is in one run. `document` is what the feed serves; the client is subscribed from the start."""

    def __init__(self, document: Any, executor: Executor) -> None:
        self.document = document
        self.memory, self.objects, self.queue, self.post = Memory(), Objects(), Queue(), FakePost()
        self.replica = Replica("", chance=random.Random(1))
        self.seen: list[tuple[str, int]] = []
        self.workers: list[Worker] = []
        self._inbox = Inbox()
        self._background: list[asyncio.Task[None]] = []
        client = cast("Any", self.memory)
        self.ws = Lambda(
            dynamodb=client, sqs=cast("Any", self.queue), s3=cast("Any", self.objects), post=self.post, pool=executor,
            budget=Budget(
                dynamodb=client, table=NAMES.budget, quota_per_s=10_000, now_ms=self.now_ms, sleep=lambda _: None
            ),
            stack="", tables=NAMES, queue_url="queue", dead_letter_url="dead", documents_bucket="documents",
            now_ms=self.now_ms, sleep=lambda _: None,
        )  # fmt: skip
        self._registrar = Registrar.of(
            ENVIRON, dynamodb=client, secrets=cast("Any", None), now_ms=self.now_ms, chance=random.Random(2),
            pause=lambda _: None,
        )  # fmt: skip

    @staticmethod
    def now_ms() -> int:
        """Tell the virtual time."""
        return START_MS + round(asyncio.get_running_loop().time() * 1_000)

    def register(self) -> str:
        """Register the source over HTTP, and have the client subscribe."""
        body = json.dumps({"name": "a", "url": "https://feed.example/a", "pollingInterval": 1})
        asked = event("POST /datasources/register", body=body, right={"principal": "ada", "scopes": "read write"})
        act = partial(register_source, at=self._registrar)
        answer = serve_http(asked, what="register", make=lambda: act, now_ms=self.now_ms)
        assert answer["statusCode"] == 201, answer
        self.replica = Replica(json.loads(answer["body"])["id"], chance=random.Random(1))
        self._connect()
        self._background.append(asyncio.create_task(self._pass_on()))
        return self.replica.source_id

    def join(self) -> "Worker":
        """Start a worker."""
        self.workers.append(Worker(self, f"w{len(self.workers)}"))
        return self.workers[-1]

    async def end(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.kill()
        for task in self._background:
            task.cancel()
        await asyncio.sleep(1)

    async def fetch(self, ask: Ask) -> Outcome:
        """Be the feed."""
        await asyncio.sleep(0.01)
        wire = json.dumps(self.document).encode()
        return Reply(wire=wire, coding="", content_type="application/json", validators=Validators(url=str(ask.url)))

    async def until_right(self, timeout_s: float) -> None:
        """Wait until the feed's document is the client's and everything in the tables says so."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        served = digest(canonical(self.document))  # once: a large one takes longer than all the rest
        while wrong := self.wrong(served):
            for task in self._background:
                if task.done():
                    task.result()
            assert asyncio.get_running_loop().time() < deadline, wrong
            await asyncio.sleep(0.1)

    def wrong(self, served: str) -> str:
        """Name what is not as it must be in the end, if the feed serves what has this hash; empty if all is."""
        head, state = self.head(), self._source().status.state
        found = {
            "the head is not what the feed serves": head.hash != served,
            f"version {head.version}, notified {head.notified}": head.version != head.notified,
            f"the client has {self.replica.position}": self.replica.position != (head.incarnation, head.version),
            f"the client has {self.replica.document}": self.replica.document != self.document,
            f"the source is {state}": state is not State.HEALTHY,
        }
        return "; ".join(text for text, is_wrong in found.items() if is_wrong)

    def check_history(self) -> None:
        """No version is missing, every step leads on, and the client never went back."""
        head = self.head()
        rows = self.memory.scan(TableName=NAMES.changes)["Items"]
        found = sorted(map(Change.read, rows), key=lambda change: change.version)
        assert [change.version for change in found] == list(range(1, head.version + 1))
        assert self._replayed(found) == self.document
        assert self.seen == sorted(set(self.seen))

    def head(self) -> Head:
        """Read the head."""
        return Head.read(self.memory.get_item(**heads.get(NAMES.sheets_data, self.replica.source_id))["Item"])

    def _replayed(self, found: Sequence[Change]) -> Any:
        """Begin with the first body, and apply every step; one to or from the bucket may be too long to keep."""
        document = None
        for change in found:
            if change.step is not None:
                document = steps.apply(change.step, document)
            else:
                assert change.ref is not None
                assert change.version == 1 or change.ref.encoding == bodies.BUCKET
                document = json.loads(self._stored(change.ref))
        return document

    def _stored(self, ref: Ref) -> bytes:
        if ref.encoding == bodies.BUCKET:
            return bodies.unpack(ref.encoding, self.objects.held[ref.id])
        item = self.memory.get_item(**heads.get(NAMES.sheets_data, ref.id))["Item"]
        return bodies.unpack(ref.encoding, read_item(item)["data"])

    def _source(self) -> Source:
        item = self.memory.get_item(**sources.get(NAMES.data_sources, self.replica.source_id))["Item"]
        return Source.from_item(read_item(item))

    def _connect(self) -> None:
        asked = {"routeKey": "$connect", "connectionId": CLIENT, "authorizer": {"principal": "ada", "scopes": "read"}}
        handler.serve(self.ws, {"requestContext": asked}, lambda: LAMBDA_LEFT_MS)
        self.post.open.add(CLIENT)
        self.replica.opened()
        self._ask()

    async def _pass_on(self) -> None:
        """Hand the queue's messages to the Lambda; what it gives back comes again."""
        while True:
            await asyncio.sleep(QUEUE_S)
            batch, self.queue.waiting = self.queue.waiting[:10], self.queue.waiting[10:]
            records = [
                {"messageId": str(i), "body": body, "attributes": {"MessageGroupId": "g"}}
                for i, body in enumerate(batch)
            ]
            if records:
                response, line = handler.serve(self.ws, {"Records": records}, lambda: LAMBDA_LEFT_MS)
                assert not line["error"], line
                again = [batch[int(failed["itemIdentifier"])] for failed in response["batchItemFailures"]]
                self.queue.waiting = again + self.queue.waiting
            self._receive()
            self._ask()

    def _receive(self) -> None:
        for frame in self.post.take(CLIENT):
            whole = self._inbox.read(json.dumps(frame))
            if whole is None:
                continue  # a chunk; the rest is still to come
            self.replica.receive(whole)
            if self.replica.holds and self.replica.position not in self.seen[-1:]:
                self.seen.append(self.replica.position)

    def _ask(self) -> None:
        while asked := self.replica.take(asyncio.get_running_loop().time() * 1_000):
            context = {"routeKey": "$default", "connectionId": CLIENT}
            handler.serve(self.ws, {"requestContext": context, "body": json.dumps(asked)}, lambda: LAMBDA_LEFT_MS)
            self._receive()


class Worker:
    """A real worker on a line of its own."""

    def __init__(self, world: World, name: str) -> None:
        self.line = Line()
        self.line.on_cut = self._die
        self.on_death: Callable[[], object] = lambda: None
        store = MemoryStore(world.memory)
        self.fleet = FleetWorker(
            SETTINGS,
            Seams(
                certificates=Certificates(),
                store=LinedStore(store, self.line, "data"),
                lease_store=LinedStore(store, self.line, "lease"),
                bucket=LinedBucket(world.objects, self.line),
                publish=lined(world.queue.publish, self.line),
                keys=NoKeys(),
                fetch=world.fetch,
                offload=_inline,
                now_ms=world.now_ms,
                boot_now=asyncio.get_running_loop().time,
                chance=random.Random(name),
                worker_id=name,
            ),
        )
        self.task = asyncio.create_task(self.fleet.run())

    def kill(self) -> None:
        """SIGKILL: nothing more leaves this process, and nothing reaches it."""
        self.line.is_cut = True
        self.task.cancel()

    def _die(self) -> None:
        if not self.task.cancelling():
            self.task.cancel()
            self.on_death()


async def _inline[**P, T](work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do here what is meant for another process."""
    return work(*args, **kwargs)
