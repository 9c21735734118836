"""The operator's view: one CloudWatch dashboard, from the change at its source to the subscriber."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import cloudwatch
from pulumi_aws.get_region import get_region_output

from contracts import metrics
from contracts.metrics import Metric
from stack.alarms import Watched

WIDTH, HEIGHT, COLUMNS = 12, 6, 2
PERIOD_S = 60


class Overview(pulumi.ComponentResource):
    """The dashboard."""

    def __init__(self, name: str, watched: Watched, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Overview", name, None, opts)
        charts = [
            _chart("Workers: CPU, %", "AWS/ECS", "CPUUtilization", _workers(watched), "Average"),
            _chart("Workers: memory, %", "AWS/ECS", "MemoryUtilization", _workers(watched), "Average"),
            _chart("Queue: oldest message, s", "AWS/SQS", "ApproximateAgeOfOldestMessage", _queues(watched), "Maximum"),
            _chart("Queue: waiting", "AWS/SQS", "ApproximateNumberOfMessagesVisible", _queues(watched), "Maximum"),
            _chart("Lambdas: duration, ms", "AWS/Lambda", "Duration", _functions(watched), "p99"),
            _chart("Lambdas: errors", "AWS/Lambda", "Errors", _functions(watched), "Sum"),
            _chart("HTTP API: calls", "AWS/ApiGateway", "Count", _api(watched), "Sum"),
            _chart("HTTP API: 5xx", "AWS/ApiGateway", "5xx", _api(watched), "Sum"),
            _of_workers(watched, "Polls: how late they begin, ms", metrics.POLL_LAG_P99, "Maximum"),
            _of_workers(watched, "Polls: the most overdue, ms", metrics.OVERDUE, "Maximum"),
            _of_workers(watched, "Workers: age of a renewal, ms", metrics.HEARTBEAT_AGE, "Maximum"),
            _of_workers(watched, "Sources that fail", metrics.FAILING_SOURCES, "Sum"),
            _of_workers(watched, "Changes committed", metrics.COMMITS, "Sum"),
            _of_workers(watched, "Polls that AWS troubled", metrics.POLLS_TROUBLED, "Sum"),
            _of_subscribers(watched, "Commit to last post, ms", "p99", metrics.FAN_OUT_LAG),
            _of_subscribers(watched, "Posts", "Sum", metrics.POSTS, metrics.POSTS_THROTTLED, metrics.POSTS_FAILED),
            _of_subscribers(watched, "Buckets that lag", "Maximum", metrics.BUCKETS_LAGGING),
        ]
        widgets = [_at(number, chart) for number, chart in enumerate(charts)]
        cloudwatch.Dashboard(
            name,
            dashboard_name=f"{pulumi.get_project()}-{pulumi.get_stack()}",
            dashboard_body=Output.json_dumps({"widgets": widgets}),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


type Lines = Mapping[str, Mapping[str, Input[str]]]


def _workers(watched: Watched) -> Lines:
    return {
        kind: {"ClusterName": watched.cluster, "ServiceName": service} for kind, service in watched.services.items()
    }


def _queues(watched: Watched) -> Lines:
    return {"changes": {"QueueName": watched.queue}, "dead letters": {"QueueName": watched.dead_letters}}


def _functions(watched: Watched) -> Lines:
    return {"sockets": {"FunctionName": watched.sockets}, "authorizer": {"FunctionName": watched.authorizer}}


def _api(watched: Watched) -> Lines:
    return {"HTTP API": {"ApiId": watched.http_api}}


def _of_workers(watched: Watched, title: str, metric: Metric, statistic: str) -> dict[str, object]:
    """Chart a metric that workers write, a line for each kind that has any; AWS adds the workers up."""
    lines = {kind: {metrics.STACK: watched.stack, metrics.KIND: kind} for kind in watched.services}
    return _chart(title, metrics.NAMESPACE, metric.name, lines, statistic)


def _of_subscribers(watched: Watched, title: str, statistic: str, *shown: Metric) -> dict[str, object]:
    """Chart metrics that the sockets' Lambda writes."""
    dimensions = {metrics.STACK: watched.stack}
    return _drawn(title, [_line(metrics.NAMESPACE, one.name, dimensions, one.name) for one in shown], statistic)


def _chart(title: str, namespace: str, metric: str, lines: Lines, statistic: str) -> dict[str, object]:
    """Chart one metric, a line for each of several things."""
    drawn = [_line(namespace, metric, dimensions, label) for label, dimensions in lines.items()]
    return _drawn(title, drawn, statistic)


def _line(namespace: str, metric: str, dimensions: Mapping[str, Input[str]], label: str) -> list[object]:
    return [namespace, metric, *(part for pair in dimensions.items() for part in pair), {"label": label}]


def _drawn(title: str, lines: Sequence[list[object]], statistic: str) -> dict[str, object]:
    region = get_region_output().region
    drawn = {"title": title, "region": region, "view": "timeSeries"}
    return {**drawn, "metrics": list(lines), "stat": statistic, "period": PERIOD_S}


def _at(number: int, chart: dict[str, object]) -> dict[str, object]:
    x, y = number % COLUMNS * WIDTH, number // COLUMNS * HEIGHT
    return {"type": "metric", "x": x, "y": y, "width": WIDTH, "height": HEIGHT, "properties": chart}
