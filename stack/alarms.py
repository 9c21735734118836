"""What wakes somebody up. Each alarm's description says what it means and what to look at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

PERIOD_S = 60
#: A message waits a second; a minute is a reader that is stuck.
OLDEST_MESSAGE_MAX_S = 60

type Comparison = Literal["GreaterThanThreshold", "LessThanThreshold"]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The things alarms look at, by the names that their metrics carry."""

    queue: Input[str]
    dead_letters: Input[str]
    sockets: Input[str]
    """The Lambda behind the sockets and the queue."""
    authorizer: Input[str]
    http_api: Input[str]
    cluster: Input[str]
    services: Mapping[str, Input[str]]
    """Kind of source → the service whose workers must be there."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One metric, and the value beyond which somebody should look."""

    name: str
    why: str
    metric: str
    dimensions: Mapping[str, Input[str]]
    statistic: str = "Sum"
    above: float = 0
    comparison: Comparison = "GreaterThanThreshold"
    periods: int = 1
    missing: Literal["notBreaching", "breaching"] = field(default="notBreaching")


class Alarms(pulumi.ComponentResource):
    """Every alarm of the stack."""

    def __init__(
        self, name: str, watched: Watched, *, tell: Sequence[Input[str]], opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:stack:Alarms", name, None, opts)
        for alarm in alarms(watched):
            namespace, _, metric = alarm.metric.rpartition("/")
            aws.cloudwatch.MetricAlarm(
                f"{name}-{alarm.name}",
                alarm_description=alarm.why,
                namespace=namespace,
                metric_name=metric,
                dimensions=dict(alarm.dimensions),
                statistic=alarm.statistic,
                threshold=alarm.above,
                comparison_operator=alarm.comparison,
                period=PERIOD_S,
                evaluation_periods=alarm.periods,
                treat_missing_data=alarm.missing,
                alarm_actions=list(tell),
                ok_actions=list(tell),
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})


def alarms(watched: Watched) -> list[Alarm]:
    """List them all."""
    return [*_of_queue(watched), *_of_functions(watched), *(_of_workers(watched, kind) for kind in watched.services)]


def _of_queue(watched: Watched) -> list[Alarm]:
    return [
        Alarm(
            name="dead-letters",
            why="Messages could not be handled: read one, mend the cause, then send them back with a redrive.",
            metric="AWS/SQS/ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": watched.dead_letters},
            statistic="Maximum",
        ),
        Alarm(
            name="oldest-message",
            why="Changes wait instead of being told: is the sockets' Lambda throttled or failing?",
            metric="AWS/SQS/ApproximateAgeOfOldestMessage",
            dimensions={"QueueName": watched.queue},
            statistic="Maximum",
            above=OLDEST_MESSAGE_MAX_S,
            periods=3,
        ),
    ]


def _of_functions(watched: Watched) -> list[Alarm]:
    return [
        Alarm(
            name="sockets-errors",
            why="The Lambda behind sockets and queue failed: its log has the place, and the queue tries again.",
            metric="AWS/Lambda/Errors",
            dimensions={"FunctionName": watched.sockets},
            periods=2,
        ),
        Alarm(
            name="sockets-throttles",
            why="The account's Lambda concurrency is used up: ask AWS for more, or look for who uses it.",
            metric="AWS/Lambda/Throttles",
            dimensions={"FunctionName": watched.sockets},
            periods=2,
        ),
        Alarm(
            name="authorizer-errors",
            why="The authorizer failed, so nobody gets in: its log has the place.",
            metric="AWS/Lambda/Errors",
            dimensions={"FunctionName": watched.authorizer},
        ),
        Alarm(
            name="api-errors",
            why="The HTTP API answered with 5xx: search the endpoints' logs for the request's id.",
            metric="AWS/ApiGateway/5xx",
            dimensions={"ApiId": watched.http_api},
            periods=2,
        ),
    ]


def _of_workers(watched: Watched, kind: str) -> Alarm:
    """No task of a service reports a CPU: nobody polls. Container Insights would count tasks, but costs per metric."""
    return Alarm(
        name=f"no-{kind}-workers",
        why=f"No {kind} worker runs, so nothing is polled: look at the service's events for why its tasks stop.",
        metric="AWS/ECS/CPUUtilization",
        dimensions={"ClusterName": watched.cluster, "ServiceName": watched.services[kind]},
        statistic="SampleCount",
        above=1,
        comparison="LessThanThreshold",
        periods=3,
        missing="breaching",
    )
