"""Alarms look at things that exist, and the operator's dashboard shows the same."""

import asyncio
import json
import logging
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contracts import metrics
from monitor_fleet.lags import Lags
from monitor_fleet.meter import Meter
from tests.monitor_fleet.test_meter import IDLE
from tests.stack.program import ROOT, Built, Declared
from ws.measures import measured
from ws.post import Tally
from ws.world import World

#: What a stack must never fail at in silence.
NEEDED = {
    *("dead-letters", "oldest-message", "sockets-errors", "authorizer-errors", "api-errors", "no-external-workers"),
    *("external-poll-lag", "external-overdue", "external-heartbeat", "external-failing", "external-trouble"),
    *("fan-out-lag", "posts-throttled", "alerts-errors", "tidy-errors"),
}
#: What our own lines of log are named after.
OURS = {"sheet-monitor-fleet-local", "external", "googleSheet"}


def test_nothing_fails_in_silence(built: Built):
    """Each has a text that says what to do, and tells the configured address when it begins and when it is over."""
    alarms = {one.name.removeprefix("alarms-"): one.inputs for one in built.of("MetricAlarm")}
    topic = built.named("notices")

    assert set(alarms) >= NEEDED
    for name, alarm in alarms.items():
        assert len(alarm["alarmDescription"]) > 40, name
        assert [arn.rsplit(":", 1)[1] for arn in alarm["alarmActions"] + alarm["okActions"]] == [topic.name] * 2, name


def test_an_alarm_watches_something_of_this_stack(built: Built):
    """A wrong dimension is an alarm that can never ring."""
    names = {one.name for one in built.resources} | OURS

    for alarm in built.of("MetricAlarm"):
        for looked_at in metrics_of(alarm):
            assert set(looked_at["dimensions"].values()) <= names, alarm.name


def test_our_own_metrics_are_those_that_are_written(built: Built, caplog: pytest.LogCaptureFixture):
    """
    By name and by exactly the dimensions of who writes it: any other combination is another metric, which nobody does.

    A worker's and the Lambda's own code write them here, as they do in the cloud.
    """
    by_worker, by_lambda = of_a_worker(caplog), of_the_lambda()
    of_workers, of_the_stack = frozenset({metrics.STACK, metrics.KIND}), frozenset({metrics.STACK})
    written = dict.fromkeys(by_worker, of_workers) | dict.fromkeys(by_lambda, of_the_stack)
    (told,) = {variables["STACK"] for variables in environments(built)}
    ours = [one for one in [*watched(built), *charted(built)] if one["namespace"] == metrics.NAMESPACE]

    assert not by_worker & by_lambda
    assert by_worker | by_lambda == {one.name for one in vars(metrics).values() if isinstance(one, metrics.Metric)}
    for one in ours:
        assert set(one["dimensions"]) == written[one["metricName"]], one
        assert one["dimensions"][metrics.STACK] == told, one


def test_the_dashboard_shows_whatever_of_ours_an_alarm_looks_at(built: Built):
    """Whoever is woken sees how it came to that."""
    alarmed, shown = (
        {one["metricName"] for one in looked_at if one["namespace"] == metrics.NAMESPACE}
        for looked_at in (watched(built), charted(built))
    )

    assert alarmed - shown == {metrics.SOURCES.name}  # the whole that those which fail are a share of


def of_a_worker(caplog: pytest.LogCaptureFixture) -> set[str]:
    """Name what a worker writes of a minute in which a poll began."""
    lags = Lags()
    lags.note(1)
    meter = Meter(
        read=lambda: IDLE, lags=lags, events=Counter(), dimensions={metrics.STACK: "s", metrics.KIND: "k"},
        now_ms=lambda: 0, sleep=asyncio.sleep,
    )  # fmt: skip
    with caplog.at_level(logging.INFO, "monitor_fleet.meter"):
        meter.write()
    return named_in(vars(caplog.records[-1]))


def of_the_lambda() -> set[str]:
    """Name what the sockets' Lambda writes of a minute's call that posted too."""
    post = SimpleNamespace(tally=lambda: Tally(posts=1))
    world = cast("World", SimpleNamespace(post=post, stack="s", now_ms=lambda: 0))
    counts = dict.fromkeys(("gone", "failed", "conflated", "hops", "lagging"), 0)
    return named_in(measured(world, {"event": "minute", "passes": 1, "lags_ms": [1], **counts}))


def named_in(line: dict[str, Any]) -> set[str]:
    """Name the metrics of a line."""
    return {one["Name"] for one in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def watched(built: Built) -> list[dict[str, Any]]:
    """Give all that alarms look at."""
    return [one for alarm in built.of("MetricAlarm") for one in metrics_of(alarm)]


def charted(built: Built) -> list[dict[str, Any]]:
    """Give all that the operator's dashboard shows."""
    (dashboard,) = built.of("Dashboard")
    lines = [
        line
        for widget in json.loads(dashboard.inputs["dashboardBody"])["widgets"]
        for line in widget["properties"]["metrics"]
    ]
    return [
        {"namespace": namespace, "metricName": name, "dimensions": dict(zip(rest[:-1:2], rest[1:-1:2], strict=True))}
        for namespace, name, *rest in lines
    ]


def test_the_runbook_knows_every_alarm(built: Built):
    """Whoever is woken by a name finds by that name what to do."""
    runbook = (ROOT / "docs" / "operations.md").read_text()
    for alarm in built.of("MetricAlarm"):
        name = alarm.name.removeprefix("alarms-")
        general = name.replace("external-", "<kind>-").replace("googleSheet-", "<kind>-")
        assert f"`{general}`" in runbook or f"`{name}`" in runbook, name
        assert f"{name} in docs/operations.md" in alarm.inputs["alarmDescription"]


def metrics_of(alarm: Declared) -> list[dict[str, Any]]:
    """Give what an alarm looks at: one metric, or those that its expression names."""
    if "metricName" in alarm.inputs:
        return [dict(alarm.inputs)]
    return [one["metric"] for one in alarm.inputs["metricQueries"] if "metric" in one]


def environments(built: Built) -> list[dict[str, str]]:
    """Give what every function is told."""
    return [function.inputs["environment"]["variables"] for function in built.of("Function")]


def test_missing_workers_are_missing_data(built: Built):
    """A service without tasks reports nothing; a service that should have none has no alarm."""
    alarms = {one.name: one.inputs for one in built.of("MetricAlarm")}

    assert alarms["alarms-no-external-workers"]["treatMissingData"] == "breaching"
    assert "alarms-no-googleSheet-workers" not in alarms
    assert {one["treatMissingData"] for name, one in alarms.items() if "workers" not in name} == {"notBreaching"}


def test_the_dashboard_shows_only_what_exists(built: Built):
    """The same names as the alarms', and charts that do not lie on each other."""
    (dashboard,) = built.of("Dashboard")
    names = {one.name for one in built.resources} | OURS
    places = [(one["x"], one["y"]) for one in json.loads(dashboard.inputs["dashboardBody"])["widgets"]]

    assert len(set(places)) == len(places)
    for one in charted(built):
        assert set(one["dimensions"].values()) <= names, one


def test_notices_come_from_this_accounts_alarms(built: Built):
    """Anybody else's publish is refused."""
    allowed = [
        one
        for policy in built.of("TopicPolicy")
        for one in json.loads(policy.inputs["policy"])["Statement"]
        if one["Effect"] == "Allow"
    ]
    (statement,) = allowed

    assert statement["Resource"].endswith(":notices")
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceAccount": "123456789012"}}
