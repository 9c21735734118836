"""A wrong setting stops the program before anything is declared, and names itself."""

from typing import Any

import pulumi
import pytest

from stack.settings import Settings, WrongSettingError

RIGHT: dict[str, Any] = {"contact": "a@example.com"}


class Config(pulumi.Config):
    """A stack's configuration, from a dict."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__("test")
        self._values = values

    def _get(self, key: str, *_: Any, **__: Any) -> str | None:
        return self._values.get(key)


def test_few_keys_are_needed():
    """Everything else has a default that suits a first deploy."""
    settings = Settings.read(Config(RIGHT))

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
        ("vpcCidr", "10.0.0.0/28"),
        ("vpcCidr", "fd00::/16"),
        ("forbiddenNetworks", '["10.0.0.1/8"]'),
        ("externalCountMax", "-1"),
    ],
)
def test_a_value_out_of_bounds_names_its_key(key: str, value: str):
    """Whoever runs `pulumi preview` must not search for what is wrong."""
    with pytest.raises(WrongSettingError, match=key):
        Settings.read(Config({**RIGHT, key: value}))


def test_a_number_that_is_none_names_its_key():
    """Pulumi's own error says which key it was."""
    with pytest.raises(pulumi.ConfigTypeError, match="externalShards"):
        Settings.read(Config({**RIGHT, "externalShards": "many"}))


def test_processes_are_told_in_text():
    """Every process of the stack gets the same answers to the same questions."""
    settings = Settings.read(Config({**RIGHT, "forbiddenPorts": "[4566, 8080]", "allowPrivateTargets": "true"}))

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
    settings = Settings.read(Config({**RIGHT, **given}))

    assert settings.environment["GATE_FORBIDDEN_NETWORKS"] == "10.1.0.0/16,fd12::/48"


def test_a_stack_is_protected_unless_somebody_says_otherwise():
    """Forgetting a key must not cost the data."""
    assert Settings.read(Config(RIGHT)).protect
    assert not Settings.read(Config({**RIGHT, "protect": "false"})).protect


def test_an_issuer_is_trusted_over_https_only():
    """Whoever can answer in its place over http could let themselves in."""
    issuer = {"oidcIssuer": "http://issuer.example.com", "oidcAudience": "fleet"}

    with pytest.raises(WrongSettingError, match="oidcIssuer"):
        Settings.read(Config(RIGHT | issuer))

    told = Settings.read(Config(RIGHT | issuer | {"oidcIssuer": "https://issuer.example.com"})).identity
    assert told == {"OIDC_ISSUER": "https://issuer.example.com", "OIDC_AUDIENCE": "fleet"}
    assert Settings.read(Config(RIGHT)).identity == {}
