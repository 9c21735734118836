"""The queue of changes: FIFO per source, with high throughput per group, and a dead-letter queue behind it."""

from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import sqs

from stack import transport

#: AWS asks for six times the consumer's time-out, so that a retry never overlaps a slow first try.
VISIBILITY_FACTOR = 6
#: The first tries follow each other within seconds (`ws.records.AGAIN_AFTER_S`); the last one comes eight minutes after
#: the first. What is received once more than this is not given to anybody: it is a dead letter.
RECEIVES_MAX = 10
#: The longest SQS keeps anything: time to look at what failed.
DEAD_LETTER_RETENTION_S = 14 * 86_400
#: Older references say nothing: the reader takes the newest state anyway.
RETENTION_S = 86_400


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """What the queue must know of its reader."""

    consumer_timeout_s: int


class Queue(pulumi.ComponentResource):
    """Where workers tell what changed; senders give the deduplication ids."""

    name: Output[str]
    url: Output[str]
    arn: Output[str]
    dead_letter_name: Output[str]
    dead_letter_url: Output[str]
    dead_letter_arn: Output[str]

    def __init__(self, name: str, args: QueueArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Queue", name, None, opts)
        child = ResourceOptions(parent=self)
        dead_letters = sqs.Queue(
            f"{name}-dead",
            fifo_queue=True,
            message_retention_seconds=DEAD_LETTER_RETENTION_S,
            sqs_managed_sse_enabled=True,
            opts=child,
        )
        queue = sqs.Queue(
            name,
            fifo_queue=True,
            content_based_deduplication=False,
            deduplication_scope="messageGroup",
            fifo_throughput_limit="perMessageGroupId",
            message_retention_seconds=RETENTION_S,
            visibility_timeout_seconds=VISIBILITY_FACTOR * args.consumer_timeout_s,
            sqs_managed_sse_enabled=True,
            redrive_policy=Output.json_dumps(
                {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": RECEIVES_MAX}
            ),
            opts=child,
        )
        for logical, one in {f"{name}-dead": dead_letters, name: queue}.items():
            plain = transport.policy(transport.refuse_plain("sqs:*", [one.arn]))
            sqs.QueuePolicy(f"{logical}-policy", queue_url=one.url, policy=plain, opts=child)
        self.name, self.dead_letter_name = queue.name, dead_letters.name
        self.url, self.arn = queue.url, queue.arn
        self.dead_letter_url, self.dead_letter_arn = dead_letters.url, dead_letters.arn
        self.register_outputs(
            {
                "name": self.name,
                "url": self.url,
                "arn": self.arn,
                "dead_letter_name": self.dead_letter_name,
                "dead_letter_url": self.dead_letter_url,
                "dead_letter_arn": self.dead_letter_arn,
            }
        )
