"""
Whom an alarm tells: a topic that mails one address, if the configuration names one.

Here a customer's key earns its keep: CloudWatch cannot publish to a topic under AWS's own key, whose policy nobody
can change. Everything else is encrypted by keys that AWS manages.
"""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import kms, sns
from pulumi_aws.get_caller_identity import get_caller_identity_output

from stack import transport

KEY_DELETION_DAYS = 7
ALARMS = {"Service": "cloudwatch.amazonaws.com"}


class Notices(pulumi.ComponentResource):
    """The topic, its key, and the one address."""

    topic_arn: Output[str]

    def __init__(self, name: str, *, email: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Notices", name, None, opts)
        child = ResourceOptions(parent=self)
        key = kms.Key(
            f"{name}-key",
            description="Notices of alarms",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS,
            policy=_key_policy(),
            opts=child,
        )
        topic = sns.Topic(name, kms_master_key_id=key.id, opts=child)
        sns.TopicPolicy(f"{name}-policy", arn=topic.arn, policy=_topic_policy(topic.arn), opts=child)
        sns.TopicSubscription(f"{name}-email", topic=topic.arn, protocol="email", endpoint=email, opts=child)
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})


def _key_policy() -> Output[str]:
    """Leave the key to the account, as every key must be, and let alarms use it; `*` is this one key here."""
    account = get_caller_identity_output().account_id
    owner = {"AWS": Output.concat("arn:aws:iam::", account, ":root")}
    return transport.policy(
        {"Effect": "Allow", "Principal": owner, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": ALARMS, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"},
    )


def _topic_policy(topic_arn: Output[str]) -> Output[str]:
    account = get_caller_identity_output().account_id
    ours = {"StringEquals": {"AWS:SourceAccount": account}}
    return transport.policy(
        {"Effect": "Allow", "Principal": ALARMS, "Action": transport.PUBLISH, "Resource": topic_arn, "Condition": ours},
        transport.refuse_plain(transport.PUBLISH, [topic_arn]),
    )
