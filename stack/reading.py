"""
Reading a stack's configuration key by key; what is wrong is refused by the key's name.

Pulumi reads a key that nobody set as None and says nothing of one that nobody reads: a slip of the pen in a key would
leave a default standing. So every key that is asked for is noted, and what was set beside them is refused.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, get_args
from urllib.parse import urlsplit

import pulumi
from pulumi.runtime import config as runtime

from contracts.addresses import Network

PORT_MAX = 65_535
#: Much of what is read here goes into the environments of functions, of which AWS takes 4 KB each.
TEXT_CHARACTERS_MAX, PORTS_MAX, NETWORKS_MAX = 256, 16, 16
#: Pulumi takes a dot too; ECS and CloudWatch do not, and would say so in the middle of a deploy.
_STACK = re.compile(r"[A-Za-z0-9_-]+")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
IPV4 = 4
#: What AWS makes of a network's size, and what can still be cut into our subnets.
VPC_BITS_MIN, VPC_BITS_MAX = 16, 24


class WrongSettingError(ValueError):
    """A value of the stack's configuration is missing or out of its bounds; the text names the key."""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads keys, and notes which were asked for."""

    config: pulumi.Config
    asked: set[str] = field(default_factory=set)

    def whole(self, key: str, *, default: int, low: int, high: int) -> int:
        """Read a whole number within its bounds."""
        found = self.config.get_int(self._ask(key))
        value = default if found is None else found
        if not low <= value <= high:
            raise WrongSettingError(f"{key} must lie between {low} and {high}, not {value}")
        return value

    def needed(self, key: str) -> str:
        """Read a text that must be there."""
        value = self.text(key)
        if not value:
            raise WrongSettingError(f"{key} is missing: pulumi config set {key} …")
        return value

    def text(self, key: str, *, default: str = "") -> str:
        """Read a text; empty where there is none."""
        value = (self.config.get(self._ask(key)) or default).strip()
        if len(value) > TEXT_CHARACTERS_MAX or not value.isprintable():
            raise WrongSettingError(f"{key} must be one line of at most {TEXT_CHARACTERS_MAX} characters")
        return value

    def address(self, key: str) -> str:
        """Read an address of e-mail; empty where there is none."""
        value = self.text(key)
        if value and not is_address(value):
            raise WrongSettingError(f"{key}: {value} is no address such as you@example.com")
        return value

    def ids(self, key: str, prefix: str) -> tuple[str, ...]:
        """Read a list of what AWS names by a prefix."""
        values = self.texts(key)
        for value in values:
            if not re.fullmatch(f"{prefix}-[0-9a-f]+", value):
                raise WrongSettingError(f"{key}: {value} is no id such as {prefix}-0123456789abcdef0")
        return values

    def secret(self, key: str) -> pulumi.Output[str] | None:
        """Read a text that nobody may see."""
        return self.config.get_secret(self._ask(key))

    def one_of(self, key: str, default: str, allowed: object) -> str:
        """Read a text that a literal type allows."""
        value = self.text(key, default=default)
        if value not in get_args(allowed):
            raise WrongSettingError(f"{key} must be one of {', '.join(get_args(allowed))}, not {value}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Read a yes or no."""
        found = self.config.get_bool(self._ask(key))
        return default if found is None else found

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts."""
        values = self.config.get_object(self._ask(key)) or []
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise WrongSettingError(f"{key} must be a list of texts")
        return tuple(values)

    def origins(self, key: str) -> tuple[str, ...]:
        """Read a list of origins, as browsers name them."""
        values = self.texts(key)
        for value in values:
            parts = urlsplit(value)
            if parts.scheme not in {"https", "http"} or not parts.netloc or value != f"{parts.scheme}://{parts.netloc}":
                raise WrongSettingError(f"{key}: {value} is no origin such as https://app.example.com")
        return values

    def objects(self, key: str, *, at_most: int) -> list[Any]:
        """Read a list of whatever a caller reads further."""
        values = self.config.get_object(self._ask(key)) or []
        if not isinstance(values, list) or len(values) > at_most:
            raise WrongSettingError(f"{key} must be a list of at most {at_most} rules")
        return values

    def networks(self, key: str) -> tuple[str, ...]:
        """Read a list of address ranges."""
        values = self.texts(key)
        if len(values) > NETWORKS_MAX:
            raise WrongSettingError(f"{key} must be a list of at most {NETWORKS_MAX} networks")
        for value in values:
            _network(key, value)
        return values

    def network_of_ours(self, key: str, *, default: str) -> str:
        """Read the range of a network that is still to be made."""
        value = self.text(key, default=default)
        network = _network(key, value)
        if network.version != IPV4 or not VPC_BITS_MIN <= network.prefixlen <= VPC_BITS_MAX:
            raise WrongSettingError(f"{key} must be an IPv4 network of /{VPC_BITS_MIN} to /{VPC_BITS_MAX}, not {value}")
        return value

    def ports(self, key: str) -> tuple[int, ...]:
        """Read a list of ports."""
        values = self.config.get_object(self._ask(key)) or []
        if not isinstance(values, list) or not all(isinstance(port, int) and 0 < port <= PORT_MAX for port in values):
            raise WrongSettingError(f"{key} must be a list of ports")
        if len(values) > PORTS_MAX:
            raise WrongSettingError(f"{key} must be a list of at most {PORTS_MAX} ports")
        return tuple(values)

    def refuse_others(self, given: Collection[str]) -> None:
        """Refuse keys that were set and that nobody asked for."""
        unknown = sorted(set(given) - self.asked)
        if unknown:
            raise WrongSettingError(f"there is no key {', '.join(unknown)}; there are {', '.join(sorted(self.asked))}")

    def _ask(self, key: str) -> str:
        self.asked.add(key)
        return key


def check_stack(name: str) -> None:
    """Refuse a stack whose name cannot stand in the names of its resources."""
    if not _STACK.fullmatch(name):
        raise WrongSettingError(f"stack {name}: AWS takes letters, digits, - and _ in names: pulumi stack rename …")


def is_address(value: str) -> bool:
    """Tell whether a text may be an address of e-mail: SNS says so much later."""
    return _ADDRESS.fullmatch(value) is not None


def keys_given(project: str) -> set[str]:
    """Name the keys of a project that are set, as a run of `pulumi` or a test runtime was told them."""
    told = {**runtime.get_config_env(), **runtime.CONFIG.get()}
    return {key.removeprefix(f"{project}:") for key in told if key.startswith(f"{project}:")}


def _network(key: str, value: str) -> Network:
    try:
        return ip_network(value)
    except ValueError as error:
        raise WrongSettingError(f"{key}: {value} is no network: {error}") from error
