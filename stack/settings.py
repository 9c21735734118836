"""
What differs between stacks: few typed keys, checked before anything is declared.

A wrong value stops the program with the key's name, so that `pulumi preview` already tells; `stack/production.py` has
what is asked of a production stack beyond.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypedDict, cast

import pulumi

from contracts.access import TOKEN_PREFIX
from stack import production
from stack.alert_settings import RULES_MAX, AlertRule, check_together
from stack.network import Place, tasks_max
from stack.origin import SignIn
from stack.package import Architecture, PackagesFor
from stack.reading import Reader, WrongSettingError

__all__ = ["Settings", "WrongSettingError"]

type Egress = Literal["public", "nat"]

#: Shard rows are read whole by every worker; this many still fit a few pages.
SHARDS_MAX = 16_384
#: Far above the vCPU quota of a new account; a guard against a slip of the finger.
COUNT_MAX = 1_000
HISTORY_DAYS_MAX = 90
#: Far above what Google grants on request; a guard against a slip of the finger.
READS_MAX = 100_000
#: Beyond what AWS was ever heard to grant; a guard against a slip of the finger.
REQUESTS_PER_SECOND_MAX = 1_000_000
#: What AWS takes for a queue (Lambda, `ScalingConfig`).
FAN_OUTS_MIN, FAN_OUTS_MAX = 2, 1_000
#: One request a minute to each host: slower than that is what intervals are for.
POLL_GAP_MAX_MS = 60_000
NAT_GATEWAYS_MAX = 2
#: While a deployment takes its time, old tasks and new ones run side by side.
DEPLOYMENT_FACTOR = 2
#: Beyond a minute it is not the lag of a poll any more.
LAG_MAX_MS = 60_000


_TOKEN = re.compile(f"{TOKEN_PREFIX}_[0-9a-f]{{12}}_[0-9a-f]{{48}}")
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._:/@-]*")


class _Alerts(TypedDict):
    alerts: tuple[AlertRule, ...]
    alerts_secret: pulumi.Output[str] | None


class _Oidc(TypedDict):
    oidc_issuer: str
    oidc_audience: str
    oidc_scope_prefix: str
    oidc_client_id: str


class _Place(TypedDict):
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The configuration of one stack."""

    production: bool
    """Whether the stricter rules hold: `stack/production.py`."""
    external_shards: int
    """Fixed at the first deploy: workers refuse to start with another number."""
    sheet_shards: int
    external_count: int
    """Worker tasks at first; afterwards the service's desired count belongs to the operator."""
    sheet_count: int
    history_days: int
    requests_per_second: int
    """The account's quota of requests to API Gateway: posts take 85 % of it and leave the rest to the HTTP API."""
    fan_outs_at_once: int
    """How many invocations may read the queue at a time: what else the account may run is the others'."""
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
    """One that was pushed before; empty: the program builds it from this checkout."""
    external_count_max: int
    """How far the service may scale by itself; 0: its size is the operator's alone."""
    sheet_count_max: int
    scale_on_lag_ms: int
    """How late one in a hundred polls may start before a service that may scale does; 0: only CPU counts."""
    trace_percent: int
    """Of how many in a hundred changes AWS X-Ray hears; 0: of none."""
    spot_percent: int
    """How many of a hundred tasks run on spot capacity, which AWS may take back within two minutes."""
    vpc_cidr: str
    egress: Egress
    """How workers get out: each by an address of its own, or by the fixed ones of NAT gateways (ours or theirs)."""
    nat_gateways: int
    """One gateway and address, or one per zone, so that polling goes on while a zone is down."""
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
    oidc_client_id: str
    """As what the issuer knows the dashboard; empty: its tokens are pasted."""
    cors_origins: Sequence[str]
    """Pages of other origins that may call the HTTP API; none: no CORS at all."""
    alerts: Sequence[AlertRule]
    """Who is told which sources are in trouble; none: nobody."""
    alerts_secret: pulumi.Output[str] | None
    """What webhooks are signed with."""

    @classmethod
    def read(cls, config: pulumi.Config, *, given: Collection[str] = ()) -> Self:
        """Read and check every key; `given` are those that are set, of which none may be unknown."""
        keys = Reader(config=config)
        settings = cls(
            production=keys.flag("production", default=False),
            external_shards=keys.whole("externalShards", default=1024, low=1, high=SHARDS_MAX),
            sheet_shards=keys.whole("sheetShards", default=256, low=1, high=SHARDS_MAX),
            external_count=keys.whole("externalCount", default=2, low=0, high=COUNT_MAX),
            sheet_count=keys.whole("sheetCount", default=0, low=0, high=COUNT_MAX),
            history_days=keys.whole("historyDays", default=7, low=1, high=HISTORY_DAYS_MAX),
            contact=keys.needed("contact"),
            poll_gap_per_host_ms=keys.whole("pollGapPerHostMs", default=10, low=0, high=POLL_GAP_MAX_MS),
            architecture=cast("Architecture", keys.one_of("lambdaArchitecture", "arm64", Architecture.__value__)),
            packages_for=cast("PackagesFor", keys.one_of("packagesFor", "lambda", PackagesFor.__value__)),
            initial_token=_initial_token(keys),
            requests_per_second=keys.whole("requestsPerSecond", default=10_000, low=100, high=REQUESTS_PER_SECOND_MAX),
            fan_outs_at_once=keys.whole("fanOutsAtOnce", default=250, low=FAN_OUTS_MIN, high=FAN_OUTS_MAX),
            google_accounts=keys.secret("googleAccounts"),
            google_origin=_google_origin(keys),
            google_reads_per_account=keys.whole("googleReadsPerAccount", default=60, low=1, high=READS_MAX),
            google_reads_per_project=keys.whole("googleReadsPerProject", default=300, low=1, high=READS_MAX),
            google_hints=keys.flag("googleHints", default=False),
            allow_private_targets=keys.flag("allowPrivateTargets", default=False),
            forbidden_ports=keys.ports("forbiddenPorts"),
            forbidden_networks=keys.networks("forbiddenNetworks"),
            worker_image=_worker_image(keys),
            external_count_max=keys.whole("externalCountMax", default=0, low=0, high=COUNT_MAX),
            sheet_count_max=keys.whole("sheetCountMax", default=0, low=0, high=COUNT_MAX),
            scale_on_lag_ms=keys.whole("scaleOnLagMs", default=0, low=0, high=LAG_MAX_MS),
            trace_percent=keys.whole("tracePercent", default=0, low=0, high=100),
            spot_percent=keys.whole("spotPercent", default=0, low=0, high=100),
            vpc_cidr=keys.network_of_ours("vpcCidr", default="10.83.0.0/16"),
            egress=cast("Egress", keys.one_of("egress", "public", Egress.__value__)),
            nat_gateways=keys.whole("natGateways", default=1, low=1, high=NAT_GATEWAYS_MAX),
            protect=keys.flag("protect", default=True),
            alarm_email=keys.address("alarmEmail"),
            dashboard_origins=keys.origins("dashboardOrigins"),
            cors_origins=keys.origins("corsOrigins"),
            **_place(keys),
            **_oidc(keys),
            **_alerts(keys),
        )
        keys.refuse_others(given)
        _check(settings)
        production.check(settings)
        return settings

    @property
    def place(self) -> Place:
        """Where tasks run, if not in a network of the stack's own."""
        return Place(subnets=self.subnets, security_groups=self.security_groups, public=self.egress == "public")

    @property
    def sign_in(self) -> SignIn | None:
        """What the dashboard is told of the issuer, if it is known there."""
        if not self.oidc_client_id:
            return None
        return SignIn(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            audience=self.oidc_audience,
            scope=f"openid {self.oidc_scope_prefix}read {self.oidc_scope_prefix}write",
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


def _initial_token(keys: Reader) -> pulumi.Output[str] | None:
    """Read the first token: one of another shape would let nobody in, a short one everybody."""
    token = keys.text("initialToken")
    if token and not _TOKEN.fullmatch(token):
        raise WrongSettingError("initialToken is no token that was made as docs/deploy.md says: smf_, 12 and 48 digits")
    return keys.secret("initialToken")


def _worker_image(keys: Reader) -> str:
    value = keys.text("workerImage")
    if value and not _IMAGE.fullmatch(value):
        raise WrongSettingError(f"workerImage: {value} names no image such as registry/name@sha256:…")
    return value


def _google_origin(keys: Reader) -> str:
    """Read where Google's stand-in is: keys of accounts must go nowhere else in production."""
    origin = keys.text("googleOrigin")
    if origin and not keys.flag("allowPrivateTargets", default=False):
        raise WrongSettingError("googleOrigin is for a stand-in beside allowPrivateTargets: leave it out")
    return origin


def _place(keys: Reader) -> _Place:
    """Read where tasks run: either both keys say so, or neither."""
    place = _Place(subnets=keys.ids("subnets", "subnet"), security_groups=keys.ids("securityGroups", "sg"))
    if bool(place["subnets"]) != bool(place["security_groups"]):
        raise WrongSettingError(
            "subnets and securityGroups go together: give both, or neither for a network of its own"
        )
    return place


def _alerts(keys: Reader) -> _Alerts:
    given = keys.objects("alerts", at_most=RULES_MAX)
    secure = not keys.flag("allowPrivateTargets", default=False)
    try:
        rules = tuple(AlertRule.read(one, secure=secure) for one in given)
        check_together(rules)
    except ValueError as error:
        raise WrongSettingError(f"alerts: {error}") from error
    if not keys.text("alertsSecret") and any(rule.webhook for rule in rules):
        raise WrongSettingError("alertsSecret is missing: webhooks are signed with it: pulumi config set --secret …")
    return _Alerts(alerts=rules, alerts_secret=keys.secret("alertsSecret"))


def _oidc(keys: Reader) -> _Oidc:
    """Read whose tokens count: an issuer without an audience would let in whoever has a token of any application."""
    issuer, audience = keys.text("oidcIssuer"), keys.text("oidcAudience")
    if bool(issuer) != bool(audience):
        raise WrongSettingError("oidcIssuer and oidcAudience go together: give both, or neither")
    if issuer and not issuer.startswith("https://") and not keys.flag("allowPrivateTargets", default=False):
        raise WrongSettingError(f"oidcIssuer must begin with https://, not {issuer}")
    client_id = keys.text("oidcClientId")
    if client_id and not issuer:
        raise WrongSettingError("oidcClientId is the dashboard's name at an issuer: give oidcIssuer too")
    return _Oidc(
        oidc_issuer=issuer,
        oidc_audience=audience,
        oidc_scope_prefix=keys.text("oidcScopePrefix"),
        oidc_client_id=client_id,
    )


def _check(settings: Settings) -> None:
    """Refuse keys that contradict each other."""
    if settings.nat_gateways > 1 and (settings.egress != "nat" or settings.subnets):
        raise WrongSettingError("natGateways counts those of the stack's own network, where egress is nat")
    if settings.scale_on_lag_ms and not settings.external_count_max and not settings.sheet_count_max:
        raise WrongSettingError("scaleOnLagMs: without externalCountMax or sheetCountMax nothing scales")
    counts = {"externalCountMax": (settings.external_count, settings.external_count_max),
              "sheetCountMax": (settings.sheet_count, settings.sheet_count_max)}  # fmt: skip
    for key, (least, most) in counts.items():
        if most and most < least:
            raise WrongSettingError(f"{key} is {most}, below the count it may never fall under, {least}")
    tasks, room = sum(max(bounds) for bounds in counts.values()), tasks_max(settings.vpc_cidr)
    if not settings.subnets and DEPLOYMENT_FACTOR * tasks > room:
        raise WrongSettingError(
            f"vpcCidr {settings.vpc_cidr} has addresses for {room} tasks; a deployment of {tasks} needs twice as many"
        )
