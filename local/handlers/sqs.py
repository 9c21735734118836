"""Queues."""

from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.policies import without_tls
from local.props import Props

#: Pulumi's spelling → SQS's attribute.
ATTRIBUTES = {
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "redrivePolicy": "RedrivePolicy",
}


@handles("aws:sqs/queue:Queue")
def queue(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a queue; a FIFO queue's made-up name ends as SQS demands."""
    name = physical_name(logical, props, suffix=".fifo" if props.get("fifoQueue") else "")
    attributes = {ATTRIBUTES[key]: _text(value) for key, value in props.only(*ATTRIBUTES).items()}
    client = aws.client("sqs")
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {"name": name, "url": url, "arn": arn}


@handles("aws:sqs/queuePolicy:QueuePolicy")
def policy(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say who else may what with a queue."""
    url, rest = props["queueUrl"], without_tls(props["policy"])
    if rest:
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": rest})
    return url, {}


def _text(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
