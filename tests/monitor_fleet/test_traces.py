"""One change's trace, from the poll to the queue, as X-Ray and SQS take it."""

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import boto3
import pytest

from contracts.messages import Kind, send
from monitor_fleet.announce import Queue
from monitor_fleet.clients import Clients
from monitor_fleet.errors import StoreFailed
from monitor_fleet.store import in_threads
from monitor_fleet.traces import BATCH_MAX, WAITING_MAX, Send, Trace, Traces
from tests.monitor_fleet.conftest import SOURCE_ID, START_MS


class Sent:
    """What was sent to X-Ray; fails once for each error put in."""

    def __init__(self) -> None:
        self.batches: list[Sequence[str]] = []
        self.errors: list[StoreFailed] = []

    async def send(self, documents: Sequence[str]) -> int:
        """Take a batch."""
        if self.errors:
            raise self.errors.pop()
        self.batches.append(documents)
        return 0


@pytest.fixture
def sent() -> Sent:
    """Give an X-Ray that answers."""
    return Sent()


def traces(send_them: Send, *, percent: int = 100, now: Sequence[int] = (START_MS,)) -> Traces:
    """Trace so many; the clock gives these times in turn, and the last for ever."""
    times = list(now)

    async def never(_: float) -> None:
        raise AssertionError("nothing here waits")

    return Traces(
        percent=percent, name="fleet-external", queue_url="https://sqs/changes.fifo", send=send_them,
        now_ms=lambda: times.pop(0) if len(times) > 1 else times[0], chance=random.Random(3), sleep=never,
    )  # fmt: skip


def owner_of(desk: Any, traced: Traces) -> Any:
    """Give an owner that traces."""
    owner = desk.owner()
    owner.turns = replace(owner.turns, traces=traced, announcer=replace(owner.turns.announcer, traces=traced))
    return owner


def a_trace(traced: Traces, head: Any) -> Trace:
    """Begin a trace of what the head tells of."""
    return traced.begin(head, begun_ms=START_MS, seen_ms=START_MS)


async def test_the_message_carries_the_trace_of_the_poll_that_saw_the_change(desk: Any, sent: Sent):
    """So the Lambda that tells the subscribers is part of it; the status beside it is news of another kind."""
    traced = traces(sent.send)
    owner = owner_of(desk, traced)
    await owner.poll(desk.watch())
    await traced.flush()

    ((document,),) = [[json.loads(one) for one in batch] for batch in sent.batches]
    change, status = owner.sent
    telling = document["subsegments"][-1]
    assert change.trace == f"Root={document['trace_id']};Parent={telling['id']};Sampled=1"
    assert (status.kind, status.trace) == (Kind.STATUS, "")
    assert document["annotations"] == {"source": SOURCE_ID, "version": 1}


async def test_a_trace_says_how_long_looking_committing_and_telling_took(desk: Any, sent: Sent):
    """The spans follow each other, and together they are the whole."""
    await desk.owner().poll(desk.watch())
    traced = traces(sent.send, now=(START_MS + 70, START_MS + 95))
    traced.told(traced.begin(desk.head(), begun_ms=START_MS, seen_ms=START_MS + 40))
    await traced.flush()

    (document,) = map(json.loads, sent.batches[0])
    spans = [(one["name"], one["start_time"], one["end_time"]) for one in (document, *document["subsegments"])]
    at_s = START_MS / 1_000
    assert spans == [
        ("fleet-external", at_s, at_s + 0.095),
        ("poll", at_s, at_s + 0.04),
        ("commit", at_s + 0.04, at_s + 0.07),
        ("SQS", at_s + 0.07, at_s + 0.095),
    ]


async def test_a_change_that_is_not_among_the_chosen_says_so_and_is_not_sent(desk: Any, sent: Sent):
    """Otherwise AWS would choose anew behind the queue, and show half of a change."""
    traced = traces(sent.send, percent=0)
    owner = owner_of(desk, traced)
    await owner.poll(desk.watch())
    await traced.flush()

    assert owner.sent[0].trace.endswith(";Sampled=0")
    assert sent.batches == []


async def test_without_traces_nothing_is_drawn_or_carried(desk: Any):
    """Off is off: the message is the one it would be anyway."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)

    assert [message.trace for message in owner.sent] == ["", ""]
    assert watched.trace is None
    assert "MessageSystemAttributes" not in send("q", owner.sent[0], unique="1")


async def test_a_newer_version_is_not_told_under_an_older_ones_trace(desk: Any, sent: Sent):
    """After a restart the next owner heals what it did not see itself: it has no trace of that."""
    traced = traces(sent.send)
    owner, watched = owner_of(desk, traced), desk.watch()
    await owner.poll(watched)
    watched.head = replace(watched.head, version=2, notified=1)
    await owner.turns.announcer.announce(watched)

    assert [message.trace for message in owner.sent if message.version > 1] == [""]


async def test_what_xray_does_not_take_now_waits_in_order_and_within_bounds(desk: Any, sent: Sent, caplog: Any):
    """Traces are for people: an outage of X-Ray costs the oldest of them, and no change anything."""
    await desk.owner().poll(desk.watch())
    traced, head = traces(sent.send), desk.head()
    sent.errors.append(StoreFailed("away"))
    made = [a_trace(traced, head) for _ in range(WAITING_MAX + 1)]
    for trace in made:
        traced.told(trace)
    await traced.flush()
    await traced.flush()

    arrived = [json.loads(one)["trace_id"] for batch in sent.batches for one in batch]
    assert arrived == [trace.id for trace in made[1:]]
    assert {len(batch) for batch in sent.batches} == {BATCH_MAX}
    assert [record.message for record in caplog.records] == ["traces_dropped", "traces_wait"]


async def test_xray_takes_the_document_as_it_is_sent(desk: Any, aws: Any):
    """The real client against an X-Ray that reads documents: the trace is found again by its id."""
    assert aws  # its credentials and its stand-ins
    clients = Clients(lambda: 0)
    await desk.owner().poll(desk.watch())
    traced = traces(clients.traces())
    trace = a_trace(traced, desk.head())
    traced.told(trace)
    await traced.flush()
    await clients.close()

    (found,) = boto3.client("xray").batch_get_traces(TraceIds=[trace.id])["Traces"]
    assert json.loads(found["Segments"][0]["Document"])["id"] == trace.segment


async def test_sqs_takes_the_header_beside_the_body(desk: Any, aws: Any, threads: ThreadPoolExecutor, sent: Sent):
    """It is what AWS hands on to the Lambda; the body stays as it was."""
    assert aws
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="changes.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    owner = owner_of(desk, traces(sent.send))
    await owner.poll(desk.watch())
    queue = Queue(ask_queue=in_threads(sqs, threads), url=url, chance=random.Random(1))
    await queue.publish(owner.sent[0])

    (got,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["AWSTraceHeader"])["Messages"]
    assert got["Attributes"]["AWSTraceHeader"] == owner.sent[0].trace
    assert got["Body"] == owner.sent[0].encode()
