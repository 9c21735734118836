"""
A batch of the queue, record by record in order.

Order is a group's: behind a failure all that is left of its group is given back, and other groups go on while there is
time. What is given back comes again soon, ever later, instead of after the queue's own time-out: most failures are a
moment's. What can never succeed is parked in the dead-letter queue here, alone: its followers are not dragged along.

A change told of a source is all that the batch holds of its changes: they were committed before the batch was received,
and the head is read after that. So a source that is quicker than its audience costs a batch one look, not ten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contracts.messages import Kind, Message, MessageRefused
from contracts.table import sweeps
from contracts.table.sweeps import Late
from ws import buckets, news
from ws.fan_out import STOP_BEFORE_END_MS, Pass, TimeLeftMs
from ws.news import TooManyHops
from ws.world import World

type Record = Mapping[str, Any]

#: When a record that failed comes again, by how often it came; from then on after the queue's own time-out.
AGAIN_AFTER_S = (1, 3, 10, 30)


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
    not_soon: str | None = None
    """Why what is given back waits for the queue's own time-out."""

    def response(self) -> dict[str, Any]:
        """Give the answer that the event source mapping reads."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self.again]}


def consume(world: World, records: Sequence[Record], time_left_ms: TimeLeftMs) -> Consumed:
    """Serve a batch."""
    consumed, told = Consumed(), set[str]()
    back: dict[str, list[Record]] = {}
    untried = set[str]()
    for record in records:
        group = record["attributes"]["MessageGroupId"]
        if group in back:
            back[group].append(record)
            continue
        if back and time_left_ms() < STOP_BEFORE_END_MS:
            back[group] = [record]
            untried.add(group)
            continue
        try:
            _serve(world, record, time_left_ms, consumed, told)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is done stays done and the rest comes again
            consumed.error = f"{type(error).__name__}: {error}"
            back[group] = [record]
    consumed.again = [record["messageId"] for group in back.values() for record in group]
    # Who was only kept waiting comes at once, and so not again and again in one batch with what fails slowly.
    after_s = {group: AGAIN_AFTER_S[0] if group in untried else _again_after_s(back[group][0]) for group in back}
    consumed.not_soon = _give_back(world, [(back[group], each) for group, each in after_s.items() if each is not None])
    return consumed


def _give_back(world: World, groups: Iterable[tuple[Sequence[Record], int]]) -> str | None:
    """Have records come again soon; says why they do not. While one of a group is hidden, none of it comes."""
    soon = [(record["receiptHandle"], after_s) for group, after_s in groups for record in group]
    try:
        for receipt, after_s in soon:
            world.sqs.change_message_visibility(
                QueueUrl=world.queue_url, ReceiptHandle=receipt, VisibilityTimeout=after_s
            )
    except (ClientError, BotoCoreError) as error:
        return f"{type(error).__name__}: {error}"  # they come all the same, only later
    return None


def _again_after_s(record: Record) -> int | None:
    """Say when a record comes again; None: when the queue's own time-out ends."""
    return dict(enumerate(AGAIN_AFTER_S, 1)).get(_receives(record))


def _receives(record: Record) -> int:
    return int(record["attributes"].get("ApproximateReceiveCount", "1"))


def _serve(world: World, record: Record, time_left_ms: TimeLeftMs, consumed: Consumed, told: set[str]) -> None:
    """Serve a record; `told` are the sources whose newest state this batch told, or queued to be told."""
    try:
        message = Message.decode(record["body"])
        if _receives(record) > 1:
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
