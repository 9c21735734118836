"""Topics. A mail never leaves this machine: what is published shows to whoever subscribes a queue."""

from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.policies import without_tls
from local.props import Props


@handles("aws:sns/topic:Topic")
def topic(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a topic."""
    name = physical_name(logical, props)
    attributes = {"KmsMasterKeyId": props["kmsMasterKeyId"]}
    arn = aws.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"]
    return arn, {"name": name, "arn": arn}


@handles("aws:sns/topicPolicy:TopicPolicy")
def topic_policy(aws: Aws, _: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say who else may publish to a topic."""
    arn, rest = props["arn"], without_tls(props["policy"])
    if rest:
        aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=rest)
    return arn, {}


@handles("aws:sns/topicSubscription:TopicSubscription")
def topic_subscription(aws: Aws, _: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Subscribe somebody; the embedded AWS takes an address as confirmed, and sends it nothing."""
    asked = {"TopicArn": props["topic"], "Protocol": props["protocol"], "Endpoint": props["endpoint"]}
    arn = aws.client("sns").subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    return arn, {"arn": arn}
