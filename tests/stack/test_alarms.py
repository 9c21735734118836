"""Alarms look at things that exist, and the operator's dashboard shows the same."""

import json
from typing import Any

from contracts import metrics
from tests.stack.program import ROOT, Built, Declared

#: What a stack must never fail at in silence.
NEEDED = {
    *("dead-letters", "oldest-message", "sockets-errors", "authorizer-errors", "api-errors", "no-external-workers"),
    *("external-poll-lag", "external-overdue", "external-heartbeat", "external-failing", "external-trouble"),
    *("fan-out-lag", "posts-throttled"),
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


def test_our_own_metrics_are_those_that_are_written(built: Built):
    """By name and by exactly the dimensions: any other combination is another metric, which nobody writes."""
    written = {one.name for one in vars(metrics).values() if isinstance(one, metrics.Metric)}
    told = {variables["STACK"] for variables in environments(built)}
    for alarm in built.of("MetricAlarm"):
        for looked_at in metrics_of(alarm):
            if looked_at["namespace"] == metrics.NAMESPACE:
                assert looked_at["metricName"] in written
                assert set(looked_at["dimensions"]) in ({metrics.STACK}, {metrics.STACK, metrics.KIND}), alarm.name
                assert {looked_at["dimensions"][metrics.STACK]} == told, alarm.name


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
    """The same names as the alarms'."""
    (dashboard,) = built.of("Dashboard")
    names = {one.name for one in built.resources}

    for widget in json.loads(dashboard.inputs["dashboardBody"])["widgets"]:
        for _, _, *rest in widget["properties"]["metrics"]:
            assert set(rest[1:-1:2]) <= names, widget["properties"]["title"]


def test_notices_come_from_this_accounts_alarms(built: Built):
    """Anybody else's publish is refused."""
    (policy,) = built.of("TopicPolicy")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]

    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceAccount": "123456789012"}}
