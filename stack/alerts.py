"""Alerts about sources: a function each minute, a topic per rule that mails, and the secret that signs webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import secretsmanager, sns

from stack import grants, transport
from stack.alert_settings import AlertRule
from stack.function import Function, FunctionArgs
from stack.package import Architecture
from stack.schedule import call_regularly
from stack.store import Store

#: Eight messages that all time out, and what is to be written down.
TIMEOUT_S = 60
SECRET_RECOVERY_DAYS = 7
#: SNS's own key: unlike an alarm, a role of this account may publish under it without a right on the key.
TOPIC_KEY = "alias/aws/sns"


@dataclass(frozen=True, kw_only=True)
class AlertsArgs:
    """What the function runs on, and whom it tells."""

    store: Store
    code: pulumi.Archive
    """That which can fetch: webhooks go through the gate."""
    architecture: Architecture
    rules: Sequence[AlertRule]
    secret: Output[str] | None
    dashboard_url: Input[str]
    environment: Mapping[str, Input[str]]


class Alerts(pulumi.ComponentResource):
    """Everything about alerts; there is none of it without a rule."""

    function_name: Output[str]

    def __init__(self, name: str, args: AlertsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Alerts", name, None, opts)
        self._name, self._child = name, ResourceOptions(parent=self)
        topics = {rule.name: self._topic(rule) for rule in args.rules if rule.email}
        secret = self._secret(args.secret) if args.secret else None
        rules = Output.json_dumps([_told(rule, topics) for rule in args.rules])
        function = Function(
            name,
            FunctionArgs(
                handler="api.alerts.handler",
                code=args.code,
                architecture=args.architecture,
                grants=grants.tell_alerts(args.store, topics=list(topics.values()), secret=secret),
                environment={**args.environment, "ALERT_RULES": rules, "DASHBOARD_URL": args.dashboard_url},
                timeout_s=TIMEOUT_S,
            ),
            self._child,
        )
        call_regularly(f"{name}-minute", function, every="1 minute", opts=self._child)
        self.function_name = function.name
        self.register_outputs({"function_name": self.function_name})

    def _topic(self, rule: AlertRule) -> Output[str]:
        name = f"{self._name}-{rule.name}"
        topic = sns.Topic(name, kms_master_key_id=TOPIC_KEY, opts=self._child)
        only_over_tls = transport.policy(transport.refuse_plain(transport.PUBLISH, [topic.arn]))
        sns.TopicPolicy(f"{name}-policy", arn=topic.arn, policy=only_over_tls, opts=self._child)
        sns.TopicSubscription(f"{name}-email", topic=topic.arn, protocol="email", endpoint=rule.email, opts=self._child)
        return topic.arn

    def _secret(self, value: Output[str]) -> secretsmanager.SecretVersion:
        secret = secretsmanager.Secret(
            f"{self._name}-signing",
            description="Signs the webhooks of alerts",
            recovery_window_in_days=SECRET_RECOVERY_DAYS,
            opts=self._child,
        )
        return secretsmanager.SecretVersion(
            f"{self._name}-signing-version", secret_id=secret.arn, secret_string=value, opts=self._child
        )


def _told(rule: AlertRule, topics: Mapping[str, Output[str]]) -> dict[str, object]:
    return rule.told | ({"topic": topics[rule.name]} if rule.email else {})
