"""Alarms look at things that exist, and the operator's dashboard shows the same."""

import json

from tests.stack.program import Built

#: What a stack must never fail at in silence.
NEEDED = {"dead-letters", "oldest-message", "sockets-errors", "authorizer-errors", "api-errors", "no-external-workers"}


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
    names = {one.name for one in built.resources}

    for alarm in built.of("MetricAlarm"):
        assert set(alarm.inputs["dimensions"].values()) <= names, alarm.name


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
