"""
A batch of the queue, record by record in order.

A FIFO batch must stop at the first failure and give back everything from there on, or the queue's order is lost. So
what can never succeed is parked in the dead-letter queue here, alone: its followers are not dragged along.

A change told of a source is all that the batch holds of its changes: they were committed before the batch was received,
and the head is read after that. So a source that is quicker than its audience costs a batch one look, not ten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.messages import Kind, Message, MessageRefused
from contracts.table import sweeps
from contracts.table.sweeps import Late
from ws import buckets, news
from ws.fan_out import Pass, TimeLeftMs
from ws.news import TooManyHops
from ws.world import World

type Record = Mapping[str, Any]


@dataclass(kw_only=True)
class Consumed:
    """What became of a batch; `again` are the ids that the queue shall give again."""

    passes: int = 0
    told: int = 0
    gone: int = 0
    cut: int = 0
    slow: int = 0
    failed: int = 0
    stuck: int = 0
    parked: int = 0
    continued: int = 0
    conflated: int = 0
    hops: int = 0
    lags_ms: list[int] = field(default_factory=list)
    news: list[dict[str, Any]] = field(default_factory=list)
    """Which change each record told of and to how many: source and version name it in every log and frame."""
    again: list[str] = field(default_factory=list)
    error: str | None = None

    def response(self) -> dict[str, Any]:
        """Give the answer that the event source mapping reads."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self.again]}


def consume(world: World, records: Sequence[Record], time_left_ms: TimeLeftMs) -> Consumed:
    """Serve a batch."""
    consumed, told = Consumed(), set[str]()
    for index, record in enumerate(records):
        try:
            _serve(world, record, time_left_ms, consumed, told)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is done stays done and the rest comes again
            consumed.error = f"{type(error).__name__}: {error}"
            consumed.again = [each["messageId"] for each in records[index:]]
            break
    return consumed


def _serve(world: World, record: Record, time_left_ms: TimeLeftMs, consumed: Consumed, told: set[str]) -> None:
    """Serve a record; `told` are the sources whose newest state this batch told, or queued to be told."""
    try:
        message = Message.decode(record["body"])
        if int(record["attributes"].get("ApproximateReceiveCount", "1")) > 1:
            # Whatever ended the last try may end this one, and after some the queue gives up.
            _watch(world, message)
        is_whole = message.kind is Kind.CHANGE and message.bucket is None and message.after is None
        done = Pass() if is_whole and message.source_id in told else news.tell(world, message, time_left_ms)
    except (MessageRefused, TooManyHops) as error:
        consumed.error = f"{type(error).__name__}: {error}"
        _park(world, record)
        if isinstance(error, TooManyHops):
            _watch(world, message)
        consumed.parked += 1
        return
    # Whatever else is told of a source may undo what its change told, such as its end.
    (told.add if is_whole else told.discard)(message.source_id)
    _add(consumed, message, done)


def _add(consumed: Consumed, message: Message, done: Pass) -> None:
    consumed.passes += 1
    about: dict[str, Any] = {"source": message.source_id, "version": message.version, "told": done.told}
    consumed.news.append(about if message.bucket is None else about | {"bucket": message.bucket})
    consumed.told += done.told
    consumed.gone += done.gone
    consumed.cut += done.cut
    consumed.slow += done.slow
    consumed.failed += done.failed
    consumed.stuck += done.stuck
    consumed.conflated += done.conflated
    consumed.continued += done.stopped_at is not None
    consumed.hops = max(consumed.hops, message.hops)
    if done.lag_ms is not None:
        consumed.lags_ms.append(done.lag_ms)


def _watch(world: World, message: Message) -> None:
    """Have the minute's sweep look whether these buckets were told the newest in the end."""
    whole = range(buckets.count(world, message.source_id))
    for bucket in whole if message.bucket is None else [message.bucket]:
        late = Late(source_id=message.source_id, bucket=bucket, at_ms=world.now_ms())
        world.dynamodb.update_item(**sweeps.watch(world.tables.connections, late))


def _park(world: World, record: Record) -> None:
    """Move a record that can never succeed to the dead-letter queue."""
    world.sqs.send_message(
        QueueUrl=world.dead_letter_url,
        MessageBody=record["body"],
        MessageGroupId=record["attributes"]["MessageGroupId"],
        MessageDeduplicationId=record["messageId"],
    )
