"""Alerts: each rule reaches its own receivers, and the function may tell nobody else and read no other secret."""

import json
from typing import Any

import pytest

from stack.settings import Settings, WrongSettingError
from tests.api.test_alerts import ASKS
from tests.stack.program import Built
from tests.stack.test_settings import RIGHT, Config

HOOK = {"name": "a", "webhook": "https://hooks.example.com/"}


def test_each_rule_tells_its_own_receivers(built: Built):
    """A topic for who wants mail, an address for who wants a webhook."""
    told = built.named("alerts").inputs["environment"]["variables"]
    rules = {rule["name"]: rule for rule in json.loads(told["ALERT_RULES"])}
    mails = {one.inputs["topic"]: one.inputs["endpoint"] for one in built.of("TopicSubscription")}

    assert mails[rules["all"]["topic"]] == "ops@example.com"
    assert rules["prod"] == {
        "name": "prod", "tags": ["prod"], "afterFailures": 0, "afterMinutes": 1, "webhook": "https://hooks.example.com/fleet",
    }  # fmt: skip
    assert rules["all"]["afterMinutes"] == 5


def test_alerts_publish_to_their_topics_and_read_their_secret_alone(built: Built):
    """Neither the alarms' topic nor any source's key."""
    rights = built.may("alerts")
    topics = {resource for resource, actions in rights.items() if "sns:Publish" in actions}
    secrets = {resource for resource, actions in rights.items() if "secretsmanager:GetSecretValue" in actions}

    assert {one.rsplit(":", 1)[1] for one in topics} == {"alerts-all"}
    assert {one.rsplit(":", 1)[1] for one in secrets} == {"alerts-signing"}


def test_alerts_may_ask_of_the_tables_exactly_what_they_ask(built: Built):
    """What one test of the function's own code counts, nothing more."""
    granted = {
        (action.removeprefix("dynamodb:"), resource.rsplit("/index/", 1)[0].rsplit("-", 1)[1] + index(resource))
        for resource, actions in built.may("alerts").items()
        for action in actions
        if action.startswith("dynamodb:")
    }

    assert granted == ASKS


def index(resource: str) -> str:
    """Tell a table's index from the table."""
    return "/index" if "/index/" in resource else ""


def test_the_signing_secret_is_in_no_environment(built: Built):
    """Whoever may look at a function's configuration must not be able to forge alerts."""
    for function in built.of("Function"):
        assert "signing-secret" not in json.dumps(function.inputs["environment"]), function.name


@pytest.mark.parametrize(
    "rules",
    [
        {"name": "a"},
        ["a"],
        [{"name": "a"}],
        [{"name": "A b", "email": "a@b.example"}],
        [{"email": "a@b.example"}],
        [{"name": "a", "email": "nobody"}],
        [{"name": "a", "webhook": "http://hooks.example.com/"}],
        [{"name": "a", "webhook": "https://"}],
        [{"name": "a", "webhook": "https://hooks.example.com:9000/"}],
        [{"name": "a", "webhook": "https://10.0.0.7/"}],
        [{"name": "a", "webhook": "https://[::ffff:169.254.169.254]/"}],
        [{"name": "a", "webhook": "https://hooks.example.com/a b"}],
        [{"name": "a", "webhook": "https://user:password@hooks.example.com/"}],
        [{"name": "a", "webhook": 7}],
        [HOOK | {"tags": "prod"}],
        [HOOK | {"tags": [""]}],
        [HOOK | {"afterMinutes": -1}],
        [HOOK | {"afterMinutes": True}],
        [HOOK | {"afterFailures": 11}],
        [HOOK | {"afterFailures": "3"}],
        [HOOK | {"after": 1}],
        [HOOK, HOOK],
        [HOOK | {"name": f"n{number}"} for number in range(9)],
    ],
)
def test_a_wrong_rule_is_refused_before_anything_is_deployed(rules: Any):
    """An alert that silently reaches nobody is worse than none."""
    with pytest.raises(WrongSettingError, match="alerts"):
        Settings.read(Config(RIGHT | {"alerts": json.dumps(rules), "alertsSecret": "s"}))


def test_rules_that_the_function_could_not_be_told_are_refused():
    """AWS takes 4 KB of environment, and would say so in the middle of a deploy, in other words."""
    rules = [{"name": f"rule-{number}", "tags": ["t" * 64] * 10, "email": "ops@example.com"} for number in range(8)]

    with pytest.raises(WrongSettingError, match=r"alerts: all rules together take .* characters, 2000 at most"):
        Settings.read(Config({**RIGHT, "alerts": json.dumps(rules)}))


def test_a_webhook_needs_a_secret_to_be_signed_with():
    """Else whoever knows the address could cry wolf."""
    with pytest.raises(WrongSettingError, match="alertsSecret"):
        Settings.read(Config(RIGHT | {"alerts": json.dumps([HOOK])}))
