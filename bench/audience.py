"""
What the bench of fan-out shares: a stand-in gateway in a process of its own, and the Lambda over tables in memory.

The machine's other core is the gateway's, so that what is measured here is what the Lambda costs.
"""

import asyncio
import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, cast

from contracts import bodies, steps
from contracts.canonical import canonical, digest
from contracts.clock import NowMs
from contracts.messages import Kind, Message
from contracts.signature import Credentials
from contracts.steps import Step
from contracts.table import changes, heads, subscribers
from contracts.table.changes import Change
from contracts.table.connections import Subscription
from contracts.table.heads import Head, Next
from contracts.table.subscribers import BUCKET_SUBSCRIBERS_MAX, Cursor
from contracts.table.values import write_item
from local.gateway.hub import Hub
from local.gateway.running import running
from local.memory import NAMES, Memory
from ws import records
from ws.budget import DEFAULT_QUOTA_PER_S, Budget
from ws.post import Post
from ws.poster import Place, Poster, Signing
from ws.signature import Signer
from ws.world import World

CREDENTIALS = Credentials(access_key="bench", secret_key="bench", token="a-session-token" * 20)
REGION = "eu-west-1"
HTTP_TURN_S = 0.01


class Counted(Memory):
    """Tables in memory that count what is asked of them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self._lock = Lock()

    def __getattribute__(self, name: str) -> Any:
        """Count every call of the client's."""
        found = super().__getattribute__(name)
        if name in {"get_item", "put_item", "update_item", "delete_item", "query", "batch_write_item"}:
            with super().__getattribute__("_lock"):
                super().__getattribute__("calls")[name] += 1
        return found


class Queue:
    """A FIFO queue as far as the Lambda's own messages go: groups in parallel, one message of a group at a time."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.sent = 0

    def send_message(self, **request: Any) -> None:
        """Take a message."""
        self.sent += 1
        self.waiting.append(request["MessageBody"])


def signer(url: str) -> Signer:
    """Sign for the stand-in."""
    place = Place.read(url)
    return Signer(host=place.netloc, stage=place.path, region=REGION, credentials=lambda: CREDENTIALS)


def poster(url: str, signing: Signing | None = None) -> Poster:
    """Post to the stand-in."""
    return Poster(url, signing or signer(url), now_s=time.time, chance=random.Random(1))


def wall_ms() -> int:
    """Tell the time."""
    return time.time_ns() // 1_000_000


class Service:
    """The Lambda over tables in memory."""

    def __init__(self, url: str, memory: Memory | None = None, now_ms: NowMs = wall_ms) -> None:
        self.memory: Any = memory or Counted()
        self.queue = Queue()
        self._now_ms = now_ms
        self.poster = poster(url)
        self.pool = ThreadPoolExecutor(64)
        self.invocations, self.busy_s = 0, 0.0
        self._lock = Lock()
        client = cast("Any", self.memory)
        self.world = World(
            dynamodb=client, sqs=cast("Any", self.queue), s3=cast("Any", None), post=self.poster, pool=self.pool,
            budget=Budget(
                dynamodb=client, table=NAMES.budget, quota_per_s=DEFAULT_QUOTA_PER_S, now_ms=now_ms, sleep=time.sleep
            ),
            tables=NAMES, stack="", queue_url="queue", dead_letter_url="dead", documents_bucket="none",
            now_ms=now_ms, sleep=time.sleep,
        )  # fmt: skip
        self.documents: dict[str, Any] = {}

    def register(self, source_id: str, document: Any) -> None:
        """Make a source with a first version."""
        self.memory.put_item(TableName=NAMES.data_sources, Item=write_item({"id": source_id, "incarnation": "i"}))
        self.memory.put_item(**heads.put_new(NAMES.sheets_data, source_id, "i"))
        self.commit(source_id, document)

    def subscribe(self, source_id: str, connection_ids: Sequence[str]) -> None:
        """Write subscribers' rows, bucket after bucket, told of the first version already."""
        buckets = -(-len(connection_ids) // BUCKET_SUBSCRIBERS_MAX)
        for i, each in enumerate(connection_ids):
            subscription = Subscription(
                connection_id=each, source_id=source_id, bucket=i // BUCKET_SUBSCRIBERS_MAX, principal="bench",
                since_ms=self._now_ms(), until_s=self._now_ms() // 1_000 + 7_000,
            )  # fmt: skip
            self.memory.put_item(**subscribers.put_subscriber(NAMES.subscribers, subscription))
        for bucket in range(buckets):
            cursor = Cursor(incarnation="i", version=1)
            self.memory.update_item(**subscribers.set_cursor(NAMES.subscribers, source_id, bucket, cursor))
        for bucket in range(1, buckets):
            self.memory.update_item(**subscribers.open_bucket(NAMES.subscribers, source_id, bucket))

    def with_post(self, post: Post) -> None:
        """Post by other means than sockets."""
        self.world = replace(self.world, post=post)

    def commit(self, source_id: str, document: Any) -> Message:
        """Commit a version as a worker does, and give the message about it."""
        return self._commit(source_id, canonical(document), self._step(source_id, document))

    def prepare(self, source_id: str, document: Any) -> Callable[[], str]:
        """Do a worker's share of a commit now, so that a bench may do the rest in time; gives what does it."""
        return partial(self._told, source_id, canonical(document), self._step(source_id, document))

    def _told(self, source_id: str, whole: bytes, step: Step | None) -> str:
        return self._commit(source_id, whole, step).encode()

    def _step(self, source_id: str, document: Any) -> Step | None:
        held = self.documents.get(source_id)
        self.documents[source_id] = document
        return None if held is None else steps.make(held, document)

    def _commit(self, source_id: str, whole: bytes, step: Step | None) -> Message:
        head, at_ms = Head.read(self.memory.get_item(**heads.get(NAMES.sheets_data, source_id))["Item"]), self._now_ms()
        body = bodies.pack(whole, source_id=source_id, version=head.version + 1, document_hash=digest(whole))
        self.memory.put_item(
            **heads.put_body(NAMES.sheets_data, body.ref, source_id=source_id, data=body.data, at_ms=at_ms)
        )
        new = Next(version=head.version + 1, hash=digest(whole), ref=body.ref, at_ms=at_ms)
        self.memory.update_item(**heads.commit(NAMES.sheets_data, head, new))
        change = Change(
            source_id=source_id, incarnation="i", version=new.version, step=step, bytes=len(json.dumps(step)),
            at_ms=at_ms,
        )  # fmt: skip
        self.memory.put_item(**changes.put(NAMES.changes, change, history_days=7))
        return Message(kind=Kind.CHANGE, source_id=source_id, incarnation="i", version=new.version, at_ms=at_ms)

    def invoke(self, bodies_: Sequence[str], *, timeout_s: float = 15.0) -> None:
        """Run one invocation of the Lambda, with the time-out of the stack."""
        began = time.monotonic()
        batch = [
            {"messageId": str(i), "body": body, "attributes": {"MessageGroupId": "g"}} for i, body in enumerate(bodies_)
        ]
        done = records.consume(self.world, batch, lambda: int((began + timeout_s - time.monotonic()) * 1_000))
        if done.error:
            raise RuntimeError(done.error)
        with self._lock:
            self.invocations += 1
            self.busy_s += time.monotonic() - began

    def shut(self) -> None:
        """End its threads."""
        self.pool.shutdown()
        self.poster.shut()


class Far:
    """The stand-in in its own process: its addresses, and what it counted."""

    def __init__(self, pipe: Connection, post_url: str, url: str) -> None:
        self._pipe, self.post_url, self.url = pipe, post_url, url

    def ask(self, what: str, value: Any = None) -> Any:
        """Have it do something and give the answer."""
        self._pipe.send((what, value))
        return self._pipe.recv()


@contextmanager
def far(*, checks: bool = True) -> Iterator[Far]:
    """Run the stand-in with the default quotas; `checks` False: it looks at no signature."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, checks), daemon=True)
    process.start()
    post_url, url = here.recv()
    try:
        yield Far(here, post_url, url)
    finally:
        here.send(("stop", None))
        process.join(10)
        process.kill()


def _serve(pipe: Connection, checks: bool) -> None:
    hub = Hub(now=time.monotonic)
    secrets = {CREDENTIALS.access_key: CREDENTIALS.secret_key} if checks else None
    with running(hub, secrets=secrets) as gateway:
        pipe.send((gateway.post_url, gateway.url))
        heard = Heard(hub)
        while (asked := pipe.recv())[0] != "stop":
            pipe.send(gateway.on_loop(partial(heard.do, *asked)))


class Heard:
    """What the gateway's process does for the bench; `last` is when each text last reached somebody."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._last = 0.0
        self._got: Counter[str] = Counter()
        self._web: asyncio.Task[None] | None = None
        self._web_served = self._web_refused = 0

    def do(self, what: str, value: Any) -> Any:
        """Do what was asked."""
        match what:
            case "open":
                self._hub.open_many(value, self._heard)
            case "unlimited":
                self._lift()
            case "web":
                self._web = asyncio.get_running_loop().create_task(self._browse(value))
            case "web done":
                if self._web:
                    self._web.cancel()
                return self._web_served, self._web_refused
            case "ids" | "answers":
                return list(self._hub.held) if what == "ids" else dict(self._hub.answers)
            case "last":
                return self._last, self._got.total(), len(self._got)
            case "forget":
                self._got.clear()
                self._hub.answers.clear()
        return None

    def _lift(self) -> None:
        for quota in (self._hub.requests, self._hub.connects):
            quota._per_s = quota._burst = quota._held = 1e9  # noqa: SLF001 - the bench's own stand-in

    def _heard(self, connection_id: str, _text: bytes) -> None:
        self._last = time.time()
        self._got[connection_id] += 1

    async def _browse(self, per_s: int) -> None:
        """Be the HTTP API's callers, who draw on the same quota."""
        began, asked = time.monotonic(), 0
        while True:
            await asyncio.sleep(HTTP_TURN_S)
            while asked < (time.monotonic() - began) * per_s:
                asked += 1
                self._web_served += self._hub.requests.take()
            self._web_refused = asked - self._web_served
