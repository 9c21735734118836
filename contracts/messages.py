"""
What travels on the queue: references only, never documents.

The reader looks up the newest state itself, so a message that is late, doubled or out of order does no harm.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

MESSAGE_VERSION = 1


class Kind(StrEnum):
    """Why a source's subscribers are to be told something."""

    CHANGE = "change"
    STATUS = "status"
    DELETED = "deleted"
    FAN_OUT = "fan_out"


class MessageRefused(ValueError):
    """The body is not a message of ours: it belongs in the dead-letter queue."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    One message.

    `bucket` says which bucket of the audience it is for (None: all of it), `after` (JSON `from`) the connection at
    which a pass stopped, `told` how many it had told, `hops` how often it was queued again. `trace` travels beside the
    body: whoever handles the message reads nothing of it, AWS does (AWS, "Amazon SQS and AWS X-Ray").
    """

    kind: Kind
    source_id: str
    incarnation: str
    version: int
    at_ms: int
    bucket: int | None = None
    after: str | None = None
    told: int = 0
    hops: int = 0
    trace: str = ""

    @property
    def group(self) -> str:
        """Name the FIFO group: order is kept per source, and per bucket of a large audience."""
        return self.source_id if self.bucket is None else f"{self.source_id}#{self.bucket}"

    def encode(self) -> str:
        """Write the body."""
        body = {
            "v": MESSAGE_VERSION, "kind": self.kind.value, "sourceId": self.source_id, "incarnation": self.incarnation,
            "version": self.version, "at": self.at_ms, "bucket": self.bucket, "from": self.after,
            "told": self.told or None, "hops": self.hops or None,
        }  # fmt: skip
        return json.dumps({name: value for name, value in body.items() if value is not None}, separators=(",", ":"))

    @classmethod
    def decode(cls, body: str) -> Self:
        """Read a body, or say why it cannot be one."""
        try:
            fields: dict[str, Any] = json.loads(body)
            if fields["v"] != MESSAGE_VERSION:
                raise MessageRefused(f"version {fields['v']} is not {MESSAGE_VERSION}")
            return cls(
                kind=Kind(fields["kind"]),
                source_id=str(fields["sourceId"]),
                incarnation=str(fields["incarnation"]),
                version=int(fields["version"]),
                at_ms=int(fields["at"]),
                bucket=None if fields.get("bucket") is None else int(fields["bucket"]),
                after=None if fields.get("from") is None else str(fields["from"]),
                told=int(fields.get("told", 0)),
                hops=int(fields.get("hops", 0)),
            )
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise MessageRefused(f"not a message: {error}") from error


def send(queue_url: str, message: Message, *, unique: str) -> dict[str, Any]:
    """Build SendMessage. `unique` makes each send its own: a resend must not be swallowed as a duplicate."""
    return {
        "QueueUrl": queue_url,
        "MessageBody": message.encode(),
        "MessageGroupId": message.group,
        "MessageDeduplicationId": unique,
        **({"MessageSystemAttributes": _traced(message.trace)} if message.trace else {}),
    }


def _traced(header: str) -> dict[str, Any]:
    return {"AWSTraceHeader": {"DataType": "String", "StringValue": header}}
