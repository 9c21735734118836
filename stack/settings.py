"""
What differs between stacks: few typed keys, checked before anything is declared.

A wrong value stops the program with the key's name, so that `pulumi preview` already tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Self, TypedDict, cast, get_args
from urllib.parse import urlsplit

import pulumi

from contracts.addresses import Network
from stack.alert_settings import RULES_MAX, AlertRule
from stack.package import Architecture, PackagesFor

#: Shard rows are read whole by every worker; this many still fit a few pages.
SHARDS_MAX = 16_384
#: Far above the vCPU quota of a new account; a guard against a slip of the finger.
COUNT_MAX = 1_000
HISTORY_DAYS_MAX = 90
#: Far above what Google grants on request; a guard against a slip of the finger.
READS_MAX = 100_000
#: Beyond what AWS was ever heard to grant; a guard against a slip of the finger.
REQUESTS_PER_SECOND_MAX = 1_000_000
#: One request a minute to each host: slower than that is what intervals are for.
POLL_GAP_MAX_MS = 60_000
PORT_MAX = 65_535
IPV4 = 4
#: What AWS makes of a network's size, and what can still be cut into our subnets.
VPC_BITS_MIN, VPC_BITS_MAX = 16, 24


class _Oidc(TypedDict):
    oidc_issuer: str
    oidc_audience: str
    oidc_scope_prefix: str


class _Alerts(TypedDict):
    alerts: tuple[AlertRule, ...]
    alerts_secret: pulumi.Output[str] | None


class _Place(TypedDict):
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


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
    requests_per_second: int
    """The account's quota of requests to API Gateway: posts take 85 % of it and leave the rest to the HTTP API."""
    contact: str
    """Whom the owner of a polled host may ask: goes into the User-Agent."""
    poll_gap_per_host_ms: int
    """From one request to a host to the next, whatever the number of workers."""
    architecture: Architecture
    packages_for: PackagesFor
    """`host` only on the embedded AWS, which runs handlers on the interpreter it has."""
    initial_token: pulumi.Output[str] | None
    """An API token that may read and write; only its hash is stored."""
    google_accounts: pulumi.Output[str] | None
    """Keys of Google service accounts: JSON, one or a list; or put them into the secret yourself."""
    google_origin: str
    """Where a stand-in for Google is; only where private targets are allowed."""
    google_reads_per_account: int
    """What Google grants an account and its project, in reads a minute."""
    google_reads_per_project: int
    google_hints: bool
    """Whether Drive's list of changes is listened to."""
    allow_private_targets: bool
    forbidden_ports: Sequence[int]
    """Never polled, whatever the address: the local stack's own ports."""
    forbidden_networks: Sequence[str]
    """Never polled: what else of the operator's the tasks can reach; the stack's own network comes by itself."""
    worker_image: str
    """Empty before the first image was pushed: then there are no services yet."""
    external_count_max: int
    """How far the service may scale by itself; 0: its size is the operator's alone."""
    sheet_count_max: int
    vpc_cidr: str
    subnets: Sequence[str]
    """The operator's own; none: the stack makes a network."""
    security_groups: Sequence[str]
    protect: bool
    """Whether `pulumi destroy` must refuse to delete what holds state."""
    alarm_email: str
    """Whom alarms tell; empty: they only show."""
    dashboard_origins: Sequence[str]
    """Where else the dashboard is served from, such as a development server."""

    oidc_issuer: str
    """Whose tokens count beside ours, exactly as they name it (`iss`); empty: nobody's."""
    oidc_audience: str
    oidc_scope_prefix: str
    """What stands before `read` and `write` in the issuer's scopes."""
    cors_origins: Sequence[str]
    """Pages of other origins that may call the HTTP API; none: no CORS at all."""

    alerts: Sequence[AlertRule]
    """Who is told which sources are in trouble; none: nobody."""
    alerts_secret: pulumi.Output[str] | None
    """What webhooks are signed with."""

    @classmethod
    def read(cls, config: pulumi.Config) -> Self:
        """Read and check every key."""
        return cls(
            external_shards=_whole(config, "externalShards", default=1024, low=1, high=SHARDS_MAX),
            sheet_shards=_whole(config, "sheetShards", default=256, low=1, high=SHARDS_MAX),
            external_count=_whole(config, "externalCount", default=2, low=0, high=COUNT_MAX),
            sheet_count=_whole(config, "sheetCount", default=0, low=0, high=COUNT_MAX),
            requests_per_second=_whole(
                config, "requestsPerSecond", default=10_000, low=100, high=REQUESTS_PER_SECOND_MAX
            ),
            history_days=_whole(config, "historyDays", default=7, low=1, high=HISTORY_DAYS_MAX),
            contact=_text(config, "contact"),
            poll_gap_per_host_ms=_whole(config, "pollGapPerHostMs", default=10, low=0, high=POLL_GAP_MAX_MS),
            architecture=cast("Architecture", _one_of(config, "lambdaArchitecture", "arm64", Architecture.__value__)),
            packages_for=cast("PackagesFor", _one_of(config, "packagesFor", "lambda", PackagesFor.__value__)),
            initial_token=config.get_secret("initialToken"),
            google_accounts=config.get_secret("googleAccounts"),
            google_origin=_google_origin(config),
            google_reads_per_account=_whole(config, "googleReadsPerAccount", default=60, low=1, high=READS_MAX),
            google_reads_per_project=_whole(config, "googleReadsPerProject", default=300, low=1, high=READS_MAX),
            google_hints=_flag(config, "googleHints", default=False),
            allow_private_targets=config.get_bool("allowPrivateTargets") or False,
            forbidden_ports=_ports(config, "forbiddenPorts"),
            forbidden_networks=_networks(config, "forbiddenNetworks"),
            worker_image=config.get("workerImage") or "",
            external_count_max=_whole(config, "externalCountMax", default=0, low=0, high=COUNT_MAX),
            sheet_count_max=_whole(config, "sheetCountMax", default=0, low=0, high=COUNT_MAX),
            vpc_cidr=_network_of_ours(config, "vpcCidr", default="10.83.0.0/16"),
            protect=_flag(config, "protect", default=True),
            alarm_email=config.get("alarmEmail") or "",
            dashboard_origins=_texts(config, "dashboardOrigins"),
            cors_origins=_origins(config, "corsOrigins"),
            **_place(config),
            **_oidc(config),
            **_alerts(config),
        )

    @property
    def identity(self) -> dict[str, str]:
        """What the authorizer alone is told."""
        if not self.oidc_issuer:
            return {}
        told = {"OIDC_ISSUER": self.oidc_issuer, "OIDC_AUDIENCE": self.oidc_audience}
        return told | ({"OIDC_SCOPE_PREFIX": self.oidc_scope_prefix} if self.oidc_scope_prefix else {})

    @property
    def environment(self) -> dict[str, str]:
        """What every process is told, beside the addresses its grants tell."""
        return {
            "CONTACT": self.contact,
            "EXTERNAL_SHARDS": str(self.external_shards),
            "GATE_ALLOW_PRIVATE": "1" if self.allow_private_targets else "0",
            "GATE_FORBIDDEN_NETWORKS": ",".join(self._forbidden_networks()),
            "GOOGLE_HINTS": "1" if self.google_hints else "0",
            "GOOGLE_READS_PER_ACCOUNT": str(self.google_reads_per_account),
            "GOOGLE_READS_PER_PROJECT": str(self.google_reads_per_project),
            **({"GOOGLE_ORIGIN": self.google_origin} if self.google_origin else {}),
            "GATE_FORBIDDEN_PORTS": ",".join(str(port) for port in self.forbidden_ports),
            "HISTORY_DAYS": str(self.history_days),
            "POLL_GAP_PER_HOST_MS": str(self.poll_gap_per_host_ms),
            "SHEET_SHARDS": str(self.sheet_shards),
        }

    def _forbidden_networks(self) -> list[str]:
        own = [] if self.subnets else [self.vpc_cidr]
        return [*own, *self.forbidden_networks]


def _google_origin(config: pulumi.Config) -> str:
    """Read where Google's stand-in is: keys of accounts must go nowhere else in production."""
    origin = config.get("googleOrigin") or ""
    if origin and not config.get_bool("allowPrivateTargets"):
        raise WrongSettingError("googleOrigin is for a stand-in beside allowPrivateTargets: leave it out")
    return origin


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


def _flag(config: pulumi.Config, key: str, *, default: bool) -> bool:
    found = config.get_bool(key)
    return default if found is None else found


def _place(config: pulumi.Config) -> _Place:
    """Read where tasks run: either both keys say so, or neither."""
    place = _Place(subnets=_texts(config, "subnets"), security_groups=_texts(config, "securityGroups"))
    if bool(place["subnets"]) != bool(place["security_groups"]):
        raise WrongSettingError(
            "subnets and securityGroups go together: give both, or neither for a network of its own"
        )
    return place


def _oidc(config: pulumi.Config) -> _Oidc:
    """Read whose tokens count: an issuer without an audience would let in whoever has a token of any application."""
    issuer, audience = config.get("oidcIssuer") or "", config.get("oidcAudience") or ""
    if bool(issuer) != bool(audience):
        raise WrongSettingError("oidcIssuer and oidcAudience go together: give both, or neither")
    if issuer and not issuer.startswith("https://") and not config.get_bool("allowPrivateTargets"):
        raise WrongSettingError(f"oidcIssuer must begin with https://, not {issuer}")
    return _Oidc(oidc_issuer=issuer, oidc_audience=audience, oidc_scope_prefix=config.get("oidcScopePrefix") or "")


def _alerts(config: pulumi.Config) -> _Alerts:
    given = config.get_object("alerts") or []
    if not isinstance(given, list) or len(given) > RULES_MAX:
        raise WrongSettingError(f"alerts must be a list of at most {RULES_MAX} rules")
    try:
        rules = tuple(AlertRule.read(one, secure=not config.get_bool("allowPrivateTargets")) for one in given)
    except ValueError as error:
        raise WrongSettingError(f"alerts: {error}") from error
    if len({rule.name for rule in rules}) < len(rules):
        raise WrongSettingError("alerts: two rules have the same name")
    if config.get("alertsSecret") is None and any(rule.webhook for rule in rules):
        raise WrongSettingError("alertsSecret is missing: webhooks are signed with it: pulumi config set --secret …")
    return _Alerts(alerts=rules, alerts_secret=config.get_secret("alertsSecret"))


def _origins(config: pulumi.Config, key: str) -> tuple[str, ...]:
    values = _texts(config, key)
    for value in values:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.netloc or value != f"{parts.scheme}://{parts.netloc}":
            raise WrongSettingError(f"{key}: {value} is no origin such as https://app.example.com")
    return values


def _texts(config: pulumi.Config, key: str) -> tuple[str, ...]:
    values = config.get_object(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise WrongSettingError(f"{key} must be a list of texts")
    return tuple(values)


def _networks(config: pulumi.Config, key: str) -> tuple[str, ...]:
    values = _texts(config, key)
    for value in values:
        _network(key, value)
    return values


def _network_of_ours(config: pulumi.Config, key: str, *, default: str) -> str:
    value = config.get(key) or default
    network = _network(key, value)
    if network.version != IPV4 or not VPC_BITS_MIN <= network.prefixlen <= VPC_BITS_MAX:
        raise WrongSettingError(f"{key} must be an IPv4 network of /{VPC_BITS_MIN} to /{VPC_BITS_MAX}, not {value}")
    return value


def _network(key: str, value: str) -> Network:
    try:
        return ip_network(value)
    except ValueError as error:
        raise WrongSettingError(f"{key}: {value} is no network: {error}") from error


def _ports(config: pulumi.Config, key: str) -> tuple[int, ...]:
    values = config.get_object(key) or []
    if not isinstance(values, list) or not all(isinstance(port, int) and 0 < port <= PORT_MAX for port in values):
        raise WrongSettingError(f"{key} must be a list of ports")
    return tuple(values)
