"""A wrong setting stops the program before anything is declared, and names itself."""

import json
from typing import Any

import pulumi
import pytest
import yaml  # type: ignore[import-untyped]  # ships no types; one call does not need stubs

from local.doctor_aws import texts
from stack.reading import check_stack
from stack.settings import Settings, WrongSettingError
from tests.stack.program import ROOT

RIGHT: dict[str, Any] = {"contact": "a@example.com"}
#: What a file to be copied leaves to whoever copies it.
WHO = {"prod": {"contact": "a@example.com", "alarmEmail": "b@example.com"}}


class Config(pulumi.Config):
    """A stack's configuration, from a dict."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__("test")
        self._values = values

    def _get(self, key: str, *_: Any, **__: Any) -> str | None:
        return self._values.get(key)


def read(values: dict[str, str]) -> Settings:
    """Read a configuration as the program does."""
    return Settings.read(Config(values), given=values)


def test_few_keys_are_needed():
    """Everything else has a default that suits a first deploy."""
    settings = read(RIGHT)

    assert (settings.external_shards, settings.sheet_shards, settings.architecture) == (1024, 256, "arm64")
    assert (settings.initial_token, settings.allow_private_targets, settings.forbidden_ports) == (None, False, ())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("externalShards", "0"),
        ("sheetShards", "99999"),
        ("externalCount", "-1"),
        ("historyDays", "91"),
        ("contact", " "),
        ("lambdaArchitecture", "sparc"),
        ("corsOrigins", '["https://app.example.com/"]'),
        ("corsOrigins", '["*"]'),
        ("oidcIssuer", "https://issuer.example.com"),
        ("oidcAudience", "fleet"),
        ("packagesFor", "mars"),
        ("forbiddenPorts", "[70000]"),
        ("subnets", '["subnet-1"]'),
        ("securityGroups", '["sg-1"]'),
        ("subnets", "[1]"),
        ("subnets", '["vpc-1"]'),
        ("securityGroups", '["subnet-1"]'),
        ("vpcCidr", "10.0.0.0/28"),
        ("vpcCidr", "fd00::/16"),
        ("forbiddenNetworks", '["10.0.0.1/8"]'),
        ("externalCountMax", "-1"),
        ("externalCountMax", "1"),
        ("scaleOnLagMs", "60001"),
        ("scaleOnLagMs", "1000"),
        ("spotPercent", "101"),
        ("tracePercent", "101"),
        ("egress", "tunnel"),
        ("contact", "a" * 257),
        ("contact", "a\nb"),
        ("alarmEmail", "nobody"),
        ("initialToken", "hunter2"),
        ("initialToken", "smf_1_2"),
        ("workerImage", "my image"),
        ("dashboardOrigins", '["*"]'),
        ("forbiddenPorts", f"{list(range(1, 18))}"),
        ("forbiddenNetworks", json.dumps(["10.0.0.0/8"] * 17)),
        ("fanOutsAtOnce", "1"),
        ("fanOutsAtOnce", "1001"),
        ("natGateways", "3"),
        ("natGateways", "2"),
    ],
)
def test_a_value_out_of_bounds_names_its_key(key: str, value: str):
    """Whoever runs `pulumi preview` must not search for what is wrong."""
    with pytest.raises(WrongSettingError, match=key):
        read({**RIGHT, key: value})


def test_a_network_too_small_for_a_deployment_of_its_tasks_is_refused():
    """Its new tasks would wait for addresses that the old ones have, until the deployment is given up."""
    small = {**RIGHT, "vpcCidr": "10.0.0.0/24", "externalCount": "4", "externalCountMax": "8", "sheetCount": "3"}

    assert read(small).vpc_cidr == "10.0.0.0/24"
    with pytest.raises(WrongSettingError, match="has addresses for 22 tasks; a deployment of 12"):
        read({**small, "sheetCount": "4"})
    assert read({**small, "sheetCount": "4", "subnets": '["subnet-1"]', "securityGroups": '["sg-1"]'}).subnets


def test_an_unknown_key_is_refused_by_its_name():
    """A slip of the pen would leave a default standing, in silence."""
    with pytest.raises(WrongSettingError, match=r"no key externalCounts; there are .*externalCount,"):
        read({**RIGHT, "externalCounts": "20"})


PRODUCTION = {
    **RIGHT,
    "production": "true",
    "alarmEmail": "a@example.com",
    "workerImage": f"1.dkr.ecr.eu-central-1.amazonaws.com/worker@sha256:{'0' * 64}",
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("protect", "false"),
        ("alarmEmail", ""),
        ("workerImage", "worker:latest"),
        ("externalCount", "1"),
        ("historyDays", "1"),
        ("spotPercent", "90"),
        ("allowPrivateTargets", "true"),
        ("dashboardOrigins", '["http://127.0.0.1:8080"]'),
    ],
)
def test_production_is_stricter_than_development(key: str, value: str):
    """Each is allowed while somebody tries things out, and refused by its name where others rely on it."""
    assert read(PRODUCTION).production
    assert read({**PRODUCTION, key: value, "production": "false"})
    with pytest.raises(WrongSettingError, match=f"production: {key} "):
        read({**PRODUCTION, key: value})


def test_all_that_is_wrong_with_a_production_stack_is_said_at_once():
    """Nobody likes to be told the next mistake after mending the last."""
    with pytest.raises(WrongSettingError, match=r"protect .*alarmEmail .*externalCount "):
        read({**RIGHT, "production": "true", "protect": "false", "externalCount": "0"})


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_the_configurations_at_hand_are_right(stack: str):
    """Every file that a person copies from is one that the program takes."""
    assert read(at_hand(stack) | WHO.get(stack, {})).production is (stack == "prod")


def at_hand(stack: str) -> dict[str, str]:
    """Read what a file of the repository configures."""
    values = texts(yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"])
    return {key.partition(":")[2]: value for key, value in values.items() if key.startswith("sheet-monitor-fleet:")}


@pytest.mark.parametrize("key", ["contact", "alarmEmail"])
def test_production_is_not_deployed_for_people_who_do_not_exist(key: str):
    """An alarm to the address of an example wakes nobody, and says nothing of it."""
    with pytest.raises(WrongSettingError, match=key):
        read(at_hand("prod") | {name: value for name, value in WHO["prod"].items() if name != key})


@pytest.mark.parametrize("name", ["dev", "prod-eu_1"])
def test_a_stacks_name_can_stand_in_those_of_its_resources(name: str):
    """Task family, log groups and CloudWatch's dashboard are named after it."""
    check_stack(name)
    with pytest.raises(WrongSettingError, match=r"stack v1\.0: AWS takes letters"):
        check_stack("v1.0")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_whatever_a_stack_makes_says_whose_it_is(stack: str):
    """By the provider's default tags, so that no resource is forgotten: who reads a bill finds project and stack."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]

    assert config["aws:defaultTags"] == {"tags": {"project": "sheet-monitor-fleet", "stack": stack}}


def test_every_key_is_documented():
    """A key that nobody can find is one that nobody sets."""
    with pytest.raises(WrongSettingError) as refused:
        Settings.read(Config(RIGHT), given={"nonsense"})
    known = str(refused.value).partition("there are ")[2].split(", ")
    documented = (ROOT / "docs" / "deploy.md").read_text()

    assert len(known) > 20
    assert [key for key in known if f"`{key}`" not in documented] == []


def test_a_number_that_is_none_names_its_key():
    """Pulumi's own error says which key it was."""
    with pytest.raises(pulumi.ConfigTypeError, match="externalShards"):
        read({**RIGHT, "externalShards": "many"})


def test_processes_are_told_in_text():
    """Every process of the stack gets the same answers to the same questions."""
    settings = read({**RIGHT, "forbiddenPorts": "[4566, 8080]", "allowPrivateTargets": "true"})

    assert settings.environment == {
        "CONTACT": "a@example.com",
        "EXTERNAL_SHARDS": "1024",
        "GATE_ALLOW_PRIVATE": "1",
        "GATE_FORBIDDEN_NETWORKS": "10.83.0.0/16",
        "GATE_FORBIDDEN_PORTS": "4566,8080",
        "GOOGLE_HINTS": "0",
        "GOOGLE_READS_PER_ACCOUNT": "60",
        "GOOGLE_READS_PER_PROJECT": "300",
        "HISTORY_DAYS": "7",
        "POLL_GAP_PER_HOST_MS": "10",
        "SHEET_SHARDS": "256",
    }


def test_the_operators_own_network_replaces_ours():
    """The gate is told what the tasks can reach, whoever made it."""
    given = {
        "subnets": '["subnet-1"]',
        "securityGroups": '["sg-1"]',
        "forbiddenNetworks": '["10.1.0.0/16", "fd12::/48"]',
    }
    settings = read({**RIGHT, **given})

    assert settings.environment["GATE_FORBIDDEN_NETWORKS"] == "10.1.0.0/16,fd12::/48"


def test_a_stack_is_protected_unless_somebody_says_otherwise():
    """Forgetting a key must not cost the data."""
    assert read(RIGHT).protect
    assert not read({**RIGHT, "protect": "false"}).protect


def test_an_issuer_is_trusted_over_https_only():
    """Whoever can answer in its place over http could let themselves in."""
    issuer = {"oidcIssuer": "http://issuer.example.com", "oidcAudience": "fleet"}

    with pytest.raises(WrongSettingError, match="oidcIssuer"):
        read(RIGHT | issuer)

    told = read(RIGHT | issuer | {"oidcIssuer": "https://issuer.example.com"}).identity
    assert told == {"OIDC_ISSUER": "https://issuer.example.com", "OIDC_AUDIENCE": "fleet"}
    assert read(RIGHT).identity == {}


def test_the_dashboard_is_told_of_an_issuer_that_knows_it():
    """Without a name there it could only be refused there; a name without an issuer is a slip."""
    issuer = {"oidcIssuer": "https://issuer.example.com", "oidcAudience": "fleet", "oidcScopePrefix": "fleet/"}
    known = read(RIGHT | issuer | {"oidcClientId": "dashboard"}).sign_in

    assert known is not None
    assert (known.client_id, known.scope) == ("dashboard", "openid fleet/read fleet/write")
    assert read(RIGHT | issuer).sign_in is None
    with pytest.raises(WrongSettingError, match="oidcClientId"):
        read(RIGHT | {"oidcClientId": "dashboard"})
