"""
A batch of the queue, record by record in order.

A FIFO batch must stop at the first failure and give back everything from there on, or the queue's order is lost. So
what can never succeed is parked in the dead-letter queue here, alone: its followers are not dragged along.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.messages import Message, MessageRefused
from ws import news
from ws.fan_out import TimeLeftMs
from ws.news import TooManyHops
from ws.world import World

type Record = Mapping[str, Any]


@dataclass(kw_only=True)
class Consumed:
    """What became of a batch; `failed` are the ids that the queue shall give again."""

    told: int = 0
    gone: int = 0
    cut: int = 0
    parked: int = 0
    continued: int = 0
    failed: list[str] = field(default_factory=list)
    error: str | None = None

    def response(self) -> dict[str, Any]:
        """Give the answer that the event source mapping reads."""
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in self.failed]}


def consume(world: World, records: Sequence[Record], time_left_ms: TimeLeftMs) -> Consumed:
    """Serve a batch."""
    consumed = Consumed()
    for index, record in enumerate(records):
        try:
            _serve(world, record, time_left_ms, consumed)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is done stays done and the rest comes again
            consumed.error = f"{type(error).__name__}: {error}"
            consumed.failed = [each["messageId"] for each in records[index:]]
            break
    return consumed


def _serve(world: World, record: Record, time_left_ms: TimeLeftMs, consumed: Consumed) -> None:
    try:
        done = news.tell(world, Message.decode(record["body"]), time_left_ms)
    except (MessageRefused, TooManyHops) as error:
        consumed.error = f"{type(error).__name__}: {error}"
        _park(world, record)
        consumed.parked += 1
        return
    consumed.told += done.told
    consumed.gone += done.gone
    consumed.cut += done.cut
    consumed.continued += done.stopped_at is not None


def _park(world: World, record: Record) -> None:
    """Move a record that can never succeed to the dead-letter queue."""
    world.sqs.send_message(
        QueueUrl=world.dead_letter_url,
        MessageBody=record["body"],
        MessageGroupId=record["attributes"]["MessageGroupId"],
        MessageDeduplicationId=record["messageId"],
    )
