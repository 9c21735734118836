"""What wakes somebody up. Each alarm's description says what it means and what to look at first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
from pulumi import Input, ResourceOptions
from pulumi_aws import cloudwatch

from contracts import metrics
from contracts.metrics import Metric

PERIOD_S = 60
#: A message waits a second; a minute is a reader that is stuck.
OLDEST_MESSAGE_MAX_S = 60
#: A poll starts some milliseconds after it is due; seconds are workers that cannot keep up.
POLL_LAG_MAX_MS = 5_000
#: Nothing is ever so late unless a worker is stuck, or nobody owns a shard.
OVERDUE_MAX_MS = 30_000
#: A worker's right ends then (`monitor_fleet.renewal`); the others take over a second later.
HEARTBEAT_AGE_MAX_MS = 5_000
#: Single sources fail all the time, and say so themselves; so many at once have something in common.
FAILING_PERCENT_MAX = 25
#: A subscriber is promised a second; the account's quota stretches that for large audiences, but not so far.
FAN_OUT_LAG_MAX_MS = 5_000

type Comparison = Literal["GreaterThanThreshold", "LessThanThreshold"]
type Dimensions = Mapping[str, Input[str]]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The things alarms look at, by the names that their metrics carry."""

    queue: Input[str]
    dead_letters: Input[str]
    sockets: Input[str]
    """The Lambda behind the sockets and the queue."""
    authorizer: Input[str]
    tidy: Input[str]
    alerts: Input[str] | None
    """None where no rule is."""
    http_api: Input[str]
    cluster: Input[str]
    services: Mapping[str, Input[str]]
    """Kind of source → the service whose workers must be there."""
    stack: str
    """As our own metrics name it."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One metric, and the value beyond which somebody should look; docs/operations.md says what to do, by the name."""

    name: str
    why: str
    metric: str
    dimensions: Dimensions
    statistic: str = "Sum"
    percent_of: str = ""
    """Another metric of the same dimensions, of which this one is looked at as a share."""
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
            cloudwatch.MetricAlarm(
                f"{name}-{alarm.name}",
                alarm_description=f"{alarm.why} See {alarm.name} in docs/operations.md.",
                **_looked_at(alarm),
                threshold=alarm.above,
                comparison_operator=alarm.comparison,
                evaluation_periods=alarm.periods,
                treat_missing_data=alarm.missing,
                alarm_actions=list(tell),
                ok_actions=list(tell),
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})


def alarms(watched: Watched) -> list[Alarm]:
    """List them all."""
    of_workers = [alarm for kind in watched.services for alarm in _of_workers(watched, kind)]
    by_itself = _of_what_nobody_calls(watched)
    return [*_of_queue(watched), *_of_functions(watched), *by_itself, *_of_subscribers(watched), *of_workers]


def _looked_at(alarm: Alarm) -> dict[str, Any]:
    """Say what an alarm looks at: one metric, or the share of one in another."""
    if alarm.percent_of:
        share = cloudwatch.MetricAlarmMetricQueryArgs(
            id="share", expression="IF(whole > 0, 100 * part / whole, 0)", label=alarm.name, return_data=True
        )
        return {
            "metric_queries": [_query("part", alarm.metric, alarm), _query("whole", alarm.percent_of, alarm), share]
        }
    namespace, _, metric = alarm.metric.rpartition("/")
    statistic = "extended_statistic" if alarm.statistic.startswith("p") else "statistic"
    return {
        "namespace": namespace,
        "metric_name": metric,
        "dimensions": dict(alarm.dimensions),
        statistic: alarm.statistic,
        "period": PERIOD_S,
    }


def _query(name: str, metric: str, alarm: Alarm) -> cloudwatch.MetricAlarmMetricQueryArgs:
    namespace, _, metric_name = metric.rpartition("/")
    looked_at = cloudwatch.MetricAlarmMetricQueryMetricArgs(
        namespace=namespace,
        metric_name=metric_name,
        dimensions=dict(alarm.dimensions),
        stat=alarm.statistic,
        period=PERIOD_S,
    )
    return cloudwatch.MetricAlarmMetricQueryArgs(id=name, metric=looked_at, return_data=False)


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


def _of_what_nobody_calls(watched: Watched) -> list[Alarm]:
    """List those of functions that the clock calls: nobody waits for them, so nobody would miss them."""
    tidy = Alarm(
        name="tidy-errors",
        why="Keys that no source uses any more are not deleted: its log has the place.",
        metric="AWS/Lambda/Errors",
        dimensions={"FunctionName": watched.tidy},
        periods=2,  # it is called each quarter of an hour, and again a minute after it failed
    )
    if watched.alerts is None:
        return [tidy]
    alerts = Alarm(
        name="alerts-errors",
        why="Nobody is told of sources in trouble: the log of the function has the place.",
        metric="AWS/Lambda/Errors",
        dimensions={"FunctionName": watched.alerts},
        periods=3,
    )
    return [tidy, alerts]


def _of_subscribers(watched: Watched) -> list[Alarm]:
    ours: Dimensions = {metrics.STACK: watched.stack}
    return [
        Alarm(
            name="fan-out-lag",
            why="Subscribers hear of changes late: is an audience too large for the account's quota?",
            metric=_ours(metrics.FAN_OUT_LAG),
            dimensions=ours,
            statistic="p99",
            above=FAN_OUT_LAG_MAX_MS,
            periods=5,
        ),
        Alarm(
            name="posts-throttled",
            why="API Gateway refuses posts (429): the account's requests per second are used up.",
            metric=_ours(metrics.POSTS_THROTTLED),
            dimensions=ours,
            periods=5,
        ),
    ]


def _of_workers(watched: Watched, kind: str) -> list[Alarm]:
    ours: Dimensions = {metrics.STACK: watched.stack, metrics.KIND: kind}
    return [
        _no_workers(watched, kind),
        Alarm(
            name=f"{kind}-poll-lag",
            why=f"Polls of {kind} sources start late: too few workers, or one that is slow.",
            metric=_ours(metrics.POLL_LAG_P99),
            dimensions=ours,
            statistic="Maximum",
            above=POLL_LAG_MAX_MS,
            periods=5,
        ),
        Alarm(
            name=f"{kind}-overdue",
            why=f"Some {kind} source is not polled: a worker is stuck, or nobody owns its shard.",
            metric=_ours(metrics.OVERDUE),
            dimensions=ours,
            statistic="Maximum",
            above=OVERDUE_MAX_MS,
            periods=3,
        ),
        Alarm(
            name=f"{kind}-heartbeat",
            why=f"A {kind} worker cannot renew its right in time, so its shards move: is the table throttled?",
            metric=_ours(metrics.HEARTBEAT_AGE),
            dimensions=ours,
            statistic="Maximum",
            above=HEARTBEAT_AGE_MAX_MS,
            periods=2,
        ),
        Alarm(
            name=f"{kind}-failing",
            why=f"More than {FAILING_PERCENT_MAX} % of the {kind} sources fail: what have they in common?",
            metric=_ours(metrics.FAILING_SOURCES),
            percent_of=_ours(metrics.SOURCES),
            dimensions=ours,
            above=FAILING_PERCENT_MAX,
            periods=10,
        ),
        Alarm(
            name=f"{kind}-trouble",
            why=f"Polls of {kind} sources end because AWS refuses or does not answer: see the workers' logs.",
            metric=_ours(metrics.POLLS_TROUBLED),
            dimensions=ours,
            periods=5,
        ),
    ]


def _ours(metric: Metric) -> str:
    return f"{metrics.NAMESPACE}/{metric.name}"


def _no_workers(watched: Watched, kind: str) -> Alarm:
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
