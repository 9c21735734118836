"""
What differs between stacks: few typed keys, checked before anything is declared.

A wrong value stops the program with the key's name, so that `pulumi preview` already tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast, get_args

import pulumi

from stack.package import Architecture, PackagesFor

#: Shard rows are read whole by every worker; this many still fit a few pages.
SHARDS_MAX = 16_384
#: Far above the vCPU quota of a new account; a guard against a slip of the finger.
COUNT_MAX = 1_000
HISTORY_DAYS_MAX = 90
PORT_MAX = 65_535


class WrongSettingError(ValueError):
    """A value of the stack's configuration is missing or out of its bounds; the text names the key."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack."""

    external_shards: int
    """Fixed at the first deploy: workers refuse to start with another number."""
    sheet_shards: int
    external_count: int
    """Worker tasks at first; afterwards the service's desired count belongs to the operator."""
    sheet_count: int
    history_days: int
    contact: str
    """Whom the owner of a polled host may ask: goes into the User-Agent."""
    architecture: Architecture
    packages_for: PackagesFor
    """`host` only on the embedded AWS, which runs handlers on the interpreter it has."""
    initial_token: pulumi.Output[str] | None
    """An API token that may read and write; only its hash is stored."""
    allow_private_targets: bool
    forbidden_ports: Sequence[int]
    """Never polled, whatever the address: the local stack's own ports."""
    worker_image: str
    subnets: Sequence[str]
    security_groups: Sequence[str]

    @classmethod
    def read(cls, config: pulumi.Config) -> Self:
        """Read and check every key."""
        return cls(
            external_shards=_whole(config, "externalShards", default=1024, low=1, high=SHARDS_MAX),
            sheet_shards=_whole(config, "sheetShards", default=256, low=1, high=SHARDS_MAX),
            external_count=_whole(config, "externalCount", default=2, low=0, high=COUNT_MAX),
            sheet_count=_whole(config, "sheetCount", default=0, low=0, high=COUNT_MAX),
            history_days=_whole(config, "historyDays", default=7, low=1, high=HISTORY_DAYS_MAX),
            contact=_text(config, "contact"),
            architecture=cast("Architecture", _one_of(config, "lambdaArchitecture", "arm64", Architecture.__value__)),
            packages_for=cast("PackagesFor", _one_of(config, "packagesFor", "lambda", PackagesFor.__value__)),
            initial_token=config.get_secret("initialToken"),
            allow_private_targets=config.get_bool("allowPrivateTargets") or False,
            forbidden_ports=_ports(config, "forbiddenPorts"),
            worker_image=_text(config, "workerImage"),
            subnets=_texts(config, "subnets"),
            security_groups=_texts(config, "securityGroups"),
        )

    @property
    def environment(self) -> dict[str, str]:
        """What every process is told, beside the addresses its grants tell."""
        return {
            "CONTACT": self.contact,
            "EXTERNAL_SHARDS": str(self.external_shards),
            "GATE_ALLOW_PRIVATE": "1" if self.allow_private_targets else "0",
            "GATE_FORBIDDEN_PORTS": ",".join(str(port) for port in self.forbidden_ports),
            "HISTORY_DAYS": str(self.history_days),
            "SHEET_SHARDS": str(self.sheet_shards),
        }


def _whole(config: pulumi.Config, key: str, *, default: int, low: int, high: int) -> int:
    found = config.get_int(key)
    value = default if found is None else found
    if not low <= value <= high:
        raise WrongSettingError(f"{key} must lie between {low} and {high}, not {value}")
    return value


def _text(config: pulumi.Config, key: str) -> str:
    value = (config.get(key) or "").strip()
    if not value:
        raise WrongSettingError(f"{key} is missing: pulumi config set {key} …")
    return value


def _one_of(config: pulumi.Config, key: str, default: str, allowed: object) -> str:
    value = config.get(key) or default
    if value not in get_args(allowed):
        raise WrongSettingError(f"{key} must be one of {', '.join(get_args(allowed))}, not {value}")
    return value


def _texts(config: pulumi.Config, key: str) -> tuple[str, ...]:
    values = config.get_object(key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise WrongSettingError(f"{key} must be a list of at least one text")
    return tuple(values)


def _ports(config: pulumi.Config, key: str) -> tuple[int, ...]:
    values = config.get_object(key) or []
    if not isinstance(values, list) or not all(isinstance(port, int) and 0 < port <= PORT_MAX for port in values):
        raise WrongSettingError(f"{key} must be a list of ports")
    return tuple(values)
