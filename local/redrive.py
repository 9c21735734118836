"""
The dead-letter queue: see what lies there, and give it another try.

Messages are moved one by one and not by StartMessageMoveTask: that would move what is no message at all as well, only
to have it parked again, and keep the count of hops that parked the others.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from contracts.clock import iso
from contracts.messages import Message, MessageRefused
from local.reach import Reach

RECEIVE_MAX = 10
#: What is received is ours for so long; then it lies there again.
VISIBILITY_S = 60
#: One call moves at most this many; more want another.
LETTERS_MAX = 10_000
UNIQUE_BITS = 128
BODY_SHOWN_CHARACTERS = 80


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One dead letter. `message` is None where the body is none of ours, and `why` says so."""

    id: str
    receipt: str
    group: str
    body: str
    sent_ms: int
    message: Message | None
    why: str = ""

    @classmethod
    def read(cls, received: dict[str, Any]) -> "Letter":
        """Read a message as SQS gives it."""
        attributes = received["Attributes"]
        message, why = _decoded(received["Body"])
        return cls(
            id=received["MessageId"],
            receipt=received["ReceiptHandle"],
            group=attributes["MessageGroupId"],
            body=received["Body"],
            sent_ms=int(attributes["SentTimestamp"]),
            message=message,
            why=why,
        )

    def __str__(self) -> str:
        """Say what it is about, for a person."""
        if self.message is None:
            what = f"{self.why}: {self.body[:BODY_SHOWN_CHARACTERS]!r}"
        else:
            what = f"{self.message.kind.value} of {self.message.source_id} version {self.message.version}"
        return f"{iso(self.sent_ms)}  {self.id}  {what}"


def show(stack: Reach) -> None:
    """Say what lies in the dead-letter queue, and leave it there."""
    url = stack.dead_letter_url()
    letters = list(_receive(stack.sqs, url))
    for letter in letters:
        print(letter)
    _put_down(stack.sqs, url, letters)
    print(_summary(stack.sqs, url, f"{len(letters)} seen"))


def redrive(stack: Reach, *, force: bool, chance: random.Random) -> None:
    """
    Move messages back to the queue; what is none stays where it is unless forced.

    What comes back while we work was tried and parked again: it stays, or this would never end.
    """
    url = stack.dead_letter_url()
    moved: set[tuple[str, str]] = set()
    left: list[Letter] = []
    for letter in _receive(stack.sqs, url):
        if (letter.message is None and not force) or (letter.group, letter.body) in moved:
            print(f"left      {letter}")
            left.append(letter)
            continue
        _move(stack, url, letter, unique=f"{chance.getrandbits(UNIQUE_BITS):032x}")
        print(f"moved     {letter}")
        moved.add((letter.group, letter.body))
    _put_down(stack.sqs, url, left)
    advice = " (FORCE=1 moves what is no message of ours too)" if left and not force else ""
    print(_summary(stack.sqs, url, f"{len(moved)} moved, {len(left)} left{advice}"))


def _receive(sqs: Any, url: str) -> Iterator[Letter]:
    """
    Receive until nothing more comes.

    Of a group of which something is still held, a FIFO queue gives no more: what stands behind ten that stay is not
    seen. The summary says how many.
    """
    for _ in range(LETTERS_MAX // RECEIVE_MAX):
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=RECEIVE_MAX,
            VisibilityTimeout=VISIBILITY_S,
            WaitTimeSeconds=1,  # asks every server of the queue, not a sample
            MessageSystemAttributeNames=["MessageGroupId", "SentTimestamp"],
        )
        if not answer.get("Messages"):
            return
        yield from map(Letter.read, answer["Messages"])


def _move(stack: Reach, url: str, letter: Letter, *, unique: str) -> None:
    """Send first, delete second: a crash between doubles a message, which does no harm."""
    body = replace(letter.message, hops=0).encode() if letter.message else letter.body
    stack.sqs.send_message(
        QueueUrl=stack.queue_url, MessageBody=body, MessageGroupId=letter.group, MessageDeduplicationId=unique
    )
    stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter.receipt)


def _put_down(sqs: Any, url: str, letters: list[Letter]) -> None:
    """Let others see at once what was only looked at."""
    for letter in letters:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=letter.receipt, VisibilityTimeout=0)


def _summary(sqs: Any, url: str, done: str) -> str:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return f"{done}; about {sum(int(attributes[name]) for name in names)} lie in the dead-letter queue now"


def _decoded(body: str) -> tuple[Message | None, str]:
    try:
        return Message.decode(body), ""
    except MessageRefused as error:
        return None, str(error)
