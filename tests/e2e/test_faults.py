"""Parts fail, one after another; in the end the client holds the right document."""

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import connect

from contracts.access import READ, Right
from contracts.messages import Kind, Message
from contracts.table import changes, connections, heads, subscribers
from contracts.table.changes import Change
from contracts.table.connections import Subscription
from contracts.table.heads import Head
from tests import owner
from tests.e2e.faults_feeds import Answer, BadFeeds, down, error, garbage, huge, slow
from tests.e2e.outside import Api, Feeds, Reader

GHOST = "ghost-half-open="
#: What a person reads about each failure.
FAILURES: dict[str, tuple[Answer, str]] = {
    "down": (down, "connection"),
    "slow": (slow, "in time"),
    "error": (error, "500"),
    "garbage": (garbage, "JSON"),
    "huge": (huge, "MiB"),
}


async def test_a_failing_feed_is_a_state_with_words_and_comes_back_right(state: dict[str, Any]):
    """Down, slow, broken, garbage or huge: the client reads why, keeps what it has, and gets what comes afterwards."""
    async with BadFeeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        for name in (*FAILURES, "steady"):
            feeds.set(name, {"n": 0})
        ids = {name: await api.register(feeds.url(name)) for name in (*FAILURES, "steady")}
        for source_id in ids.values():
            await reader.ask(action="subscribe", sourceId=source_id)
        for source_id in ids.values():
            await reader.until_equal(source_id, {"n": 0})

        failed_at = time.monotonic()
        feeds.instead = {name: answer for name, (answer, _) in FAILURES.items()}
        for name, (_, words) in FAILURES.items():
            await reader.until(lambda name=name: "degraded" in states(reader, ids[name]))
            assert words in statuses(reader, ids[name])[-1]["why"], statuses(reader, ids[name])
        await reader.until(lambda: "failing" in states(reader, ids["error"]), 30)
        assert all(reader.copies[source_id].document == {"n": 0} for source_id in ids.values())
        polls = [at for at in feeds.polls["steady"] if at > failed_at]

        feeds.instead = {}
        for name in ids:
            feeds.set(name, {"n": 1})
        for name in FAILURES:
            await reader.until_equal(ids[name], {"n": 1}, 30)
            await reader.until(lambda name=name: states(reader, ids[name])[-1] == "healthy")
        await asyncio.gather(*(api.delete(source_id) for source_id in ids.values()))

    assert "degraded" not in states(reader, ids["steady"])
    assert max(after - before for before, after in itertools.pairwise(polls)) < 2, "the others' trouble delayed it"


def statuses(reader: Reader, source_id: str) -> list[dict[str, Any]]:
    """Give the status frames of a source."""
    return [f for f in reader.others if f["type"] == "status" and f["sourceId"] == source_id]


def states(reader: Reader, source_id: str) -> list[str]:
    """Give the states that a source was said to be in."""
    return [frame["state"] for frame in statuses(reader, source_id)]


class Queue:
    """The real queue and its dead letters."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._sqs = owner.client(state, "sqs")
        self._url = state["queueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
        arn = json.loads(found["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
        self._dead_url = self._sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"]

    def send(self, group: str, *texts: str) -> None:
        """Send one batch of messages to one group."""
        entries = [
            {"Id": str(i), "MessageBody": text, "MessageGroupId": group, "MessageDeduplicationId": f"{random.random()}"}
            for i, text in enumerate(texts)
        ]
        assert not self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries).get("Failed")

    async def take_dead(self, count: int) -> list[str]:
        """Take so many dead letters, and any that are there beside them."""
        taken: list[str] = []
        async with asyncio.timeout(15):
            while (got := await asyncio.to_thread(self._receive)) or len(taken) < count:
                taken += got
        return taken

    def _receive(self) -> list[str]:
        got = self._sqs.receive_message(QueueUrl=self._dead_url, MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            self._sqs.delete_message(QueueUrl=self._dead_url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in got]


async def test_doubled_reordered_and_poisoned_messages_do_no_harm(state: dict[str, Any]):
    """The poison alone is put aside; what stood behind it in its group is told, and nobody sees a version twice."""
    queue = Queue(state)
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("q", {"n": 0})
        source_id = await api.register(feeds.url("q"))
        await reader.ask(action="subscribe", sourceId=source_id)
        for n in range(4):
            feeds.set("q", {"n": n})
            await reader.until_equal(source_id, {"n": n})
        position = reader.copies[source_id].position
        assert position is not None

        def about(version: int, of: str = source_id, kind: Kind = Kind.CHANGE) -> str:
            return Message(kind=kind, source_id=of, incarnation=position[0], version=version, at_ms=1).encode()

        poison = ["{nonsense", json.dumps({"v": 9}), about(1).replace("change", "dance")]
        queue.send(source_id, about(position[1]), poison[0], about(3), about(2), poison[1], about(99), about(1))
        queue.send(source_id, about(1, "external-00000000"), poison[2], about(1, "external-00000000", Kind.DELETED))
        feeds.set("q", {"n": 4})
        await reader.until_equal(source_id, {"n": 4})
        queue.send(source_id, *[about(position[1])] * 5)
        feeds.set("q", {"n": 5})
        await reader.until_equal(source_id, {"n": 5})
        dead = await queue.take_dead(len(poison))
        versions = [f["version"] for _, f in reader.copies[source_id].frames if f["type"] != "subscribed"]
        await api.delete(source_id)

    told = versions[versions.index(2) :]  # the first may come twice: as the subscription's, and as the change's
    assert sorted(dead) == sorted(poison)
    assert told == sorted(set(told))


async def test_workers_killed_at_random_moments_lose_nothing(read_state: Callable[[], dict[str, Any]], aws: Any):
    """Feeds change all the time while workers are killed, one after the other; every version is there, none falls."""
    chance = random.Random(20)
    state = read_state()
    names = [f"r{i}" for i in range(8)]
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        for name in names:
            feeds.set(name, {"n": -1})
        ids = {name: await api.register(feeds.url(name)) for name in names}
        for source_id in ids.values():
            await reader.ask(action="subscribe", sourceId=source_id)
        for source_id in ids.values():
            await reader.until_equal(source_id, {"n": -1})
        changing = asyncio.create_task(keep_changing(feeds, names))
        for _ in range(3):
            await asyncio.sleep(chance.uniform(1, 3))  # the moment is the point
            for pid in read_state()["pids"]["workers"]["external"][-1:]:  # none, while all wait to be started again
                with contextlib.suppress(ProcessLookupError):  # the last one killed, if that is not noticed yet
                    os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(1)
        changing.cancel()
        for name, source_id in ids.items():
            await reader.until_equal(source_id, json.loads(feeds.documents[name]), 30)
        newest = {source_id: await until_notified(aws, source_id) for source_id in ids.values()}
        histories = {source_id: history_of(aws, source_id) for source_id in ids.values()}
        seen = {
            i: [f["version"] for _, f in reader.copies[i].frames if f["type"] != "subscribed"] for i in ids.values()
        }
        await asyncio.gather(*(api.delete(source_id) for source_id in ids.values()))

    for source_id, version in newest.items():
        assert histories[source_id] == list(range(1, version + 1))
        assert seen[source_id] == sorted(seen[source_id])  # the same again is harmless


async def keep_changing(feeds: Feeds, names: list[str]) -> None:
    """Change every feed again and again."""
    for n in itertools.count():
        for name in names:
            feeds.set(name, {"n": n, "rows": [n * i for i in range(20)]})
        await asyncio.sleep(0.3)


async def until_notified(aws: Any, source_id: str) -> int:
    """Wait until the last commit was marked as told; give its version."""
    async with asyncio.timeout(15):
        while (head := head_of(aws, source_id)).notified != head.version:  # noqa: ASYNC110 - a table has no event
            await asyncio.sleep(0.1)
    return head.version


def head_of(aws: Any, source_id: str) -> Head:
    """Read a head behind the stack's back."""
    return Head.read(aws.dynamodb.get_item(**heads.get(aws.tables["SheetsData"], source_id))["Item"])


def history_of(aws: Any, source_id: str) -> list[int]:
    """Read which versions there are."""
    request = changes.after(aws.tables["Changes"], source_id, 0, upto=1_000)
    return [Change.read(item).version for item in aws.dynamodb.query(**request)["Items"]]


async def test_a_client_that_never_reads_delays_nobody(state: dict[str, Any], aws: Any):
    """Its TCP window is shut while documents of 100 KB pass by; the others get each of them, and it is forgotten."""
    document = {"n": 0, "filling": "x" * 100_000}
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("s", document)
        source_id = await api.register(feeds.url("s"))
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until_equal(source_id, document)
        stuck = await shut_window(state, source_id)
        late_s = []
        for n in range(1, 8):
            document = {"n": n, "filling": chr(96 + n) * 100_000}
            began = time.monotonic()
            feeds.set("s", document)
            await reader.until_equal(source_id, document)
            late_s.append(time.monotonic() - began)
        stuck.transport.abort()
        for n in (90, 91):
            feeds.set("s", n)
            await reader.until_equal(source_id, n)
        rows = aws.subscribers(source_id)
        await api.delete(source_id)

    assert max(late_s) < 4, late_s  # a second until the poll; a post that waits for the stuck one would cost more
    assert len(rows) == 1


async def test_rows_of_a_client_that_vanished_in_silence_go_at_the_first_post(state: dict[str, Any], aws: Any):
    """Its network went, nobody told the gateway, which forgot it: the post is answered 410, and all of its rows go."""
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("h", 0)
        source_id = await api.register(feeds.url("h"))
        await reader.follow(source_id)
        await reader.until_equal(source_id, 0)
        for request in half_open(aws.tables, source_id):
            aws.dynamodb.put_item(**request)
        before = len(aws.subscribers(source_id))
        feeds.set("h", 1)
        await reader.until_equal(source_id, 1)
        async with asyncio.timeout(10):
            while aws.dynamodb.query(**connections.rows_of(aws.tables["Connections"], GHOST))["Items"]:  # noqa: ASYNC110 - a table has no event
                await asyncio.sleep(0.1)
        feeds.set("h", 2)
        await reader.until_equal(source_id, 2)
        rows = aws.subscribers(source_id)
        await api.delete(source_id)

    assert before == 2
    assert [row["connectionId"]["S"] == GHOST for row in rows] == [False]


def half_open(tables: dict[str, str], source_id: str) -> list[dict[str, Any]]:
    """Give the rows of a connection that the gateway does not know."""
    now_ms = time.time_ns() // 1_000_000
    right = Right(principal="ada", scopes=frozenset({READ}))
    gone = Subscription(
        connection_id=GHOST, source_id=source_id, bucket=0, principal="ada", since_ms=now_ms, until_s=2**31
    )
    return [
        connections.put_connection(tables["Connections"], GHOST, right, now_ms=now_ms),
        connections.put_subscription(tables["Connections"], gone, now_ms=now_ms),
        subscribers.put_subscriber(tables["Subscribers"], gone),
    ]


async def shut_window(state: dict[str, Any], source_id: str) -> Any:
    """Connect, subscribe to whole documents, and never read again."""
    host, port = state["webSocketUrl"].split("/")[2].rsplit(":", 1)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    await asyncio.get_running_loop().run_in_executor(None, raw.connect, (socket.gethostbyname(host), int(port)))
    headers = {"Authorization": f"Bearer {state['token']}"}
    client = await connect(
        state["webSocketUrl"], sock=raw, additional_headers=headers, max_queue=1, ping_interval=None, max_size=None
    )
    await client.send(json.dumps({"action": "subscribe", "sourceId": source_id, "mode": "full"}))
    await client.recv()
    client.transport.pause_reading()
    return client
