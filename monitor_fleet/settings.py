"""What a worker is told by its environment. A wrong setting stops the start, by its name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Self

from contracts.addresses import Policy, read_networks
from contracts.kinds import SourceType
from contracts.table.schema import TableNames
from monitor_fleet.sheets.rules import GoogleRules
from monitor_fleet.traces import HUNDRED

#: The tables a worker uses; it is told of no others.
_TABLES = ("data_sources", "sheets_data", "changes", "fleet")
#: Sheets are read within a quota that all workers share.
_SHEET_TABLES = (*_TABLES, "budget")


#: As much of a digest as Docker shows, and of a tag or a name as a heartbeat can carry without weighing more.
DIGEST_LENGTH, RELEASE_LENGTH = 12, 32


class SettingRefused(ValueError):
    """An environment variable is missing or wrong; the text begins with its name."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One worker's settings."""

    kind: SourceType
    stack: str
    tables: TableNames
    shards: int
    queue_url: str
    documents_bucket: str
    secrets_prefix: str
    policy: Policy
    google_accounts_secret: str = ""
    google_origin: str = ""
    """Another place than Google's own: a stand-in."""
    google: GoogleRules = field(default_factory=GoogleRules)
    contact: str = ""
    release: str = ""
    health_port: int = 0
    history_days: int = 7
    polls_in_flight_max: int = 512
    #: Of the whole fleet; a worker has its share of them.
    polls_per_host_max: int = 4
    poll_gap_per_host_ms: int = 10
    trace_percent: int = 0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read and check every variable."""
        kind = _read(environ, "KIND", SourceType)
        return cls(
            kind=kind,
            stack=_read(environ, "STACK", str),
            tables=_tables(environ, _TABLES if kind is SourceType.EXTERNAL else _SHEET_TABLES),
            shards=_read(environ, "EXTERNAL_SHARDS" if kind is SourceType.EXTERNAL else "SHEET_SHARDS", _positive),
            queue_url=_read(environ, "QUEUE_URL", str),
            documents_bucket=_read(environ, "DOCUMENTS_BUCKET", str),
            secrets_prefix=_read(environ, "SECRETS_PREFIX", str),
            policy=_policy(environ),
            google_accounts_secret=(
                "" if kind is SourceType.EXTERNAL else _read(environ, "GOOGLE_ACCOUNTS_SECRET", str)
            ),
            google_origin=environ.get("GOOGLE_ORIGIN", ""),
            google=_google(environ),
            contact=environ.get("CONTACT", ""),
            release=_release(environ.get("RELEASE", "")),
            health_port=_read(environ, "HEALTH_PORT", _port, default="0"),
            history_days=_read(environ, "HISTORY_DAYS", _positive, default="7"),
            polls_in_flight_max=_read(environ, "POLLS_IN_FLIGHT_MAX", _positive, default="512"),
            polls_per_host_max=_read(environ, "POLLS_PER_HOST_MAX", _positive, default="4"),
            poll_gap_per_host_ms=_read(environ, "POLL_GAP_PER_HOST_MS", _not_negative, default="10"),
            trace_percent=_read(environ, "TRACE_PERCENT", _percent, default="0"),
        )


def _read[T](environ: Mapping[str, str], name: str, convert: Callable[[str], T], *, default: str = "") -> T:
    text = environ.get(name, "") or default
    if not text:
        raise SettingRefused(f"{name} is not set")
    try:
        return convert(text)
    except ValueError as error:
        raise SettingRefused(f"{name} is {text!r}: {error}") from error


def _tables(environ: Mapping[str, str], needed: Sequence[str]) -> TableNames:
    tables = TableNames.from_environ(environ)
    for one in fields(tables):
        if one.name in needed and not getattr(tables, one.name):
            raise SettingRefused(f"TABLE_{one.name.upper()} is not set")
    return tables


def _google(environ: Mapping[str, str]) -> GoogleRules:
    return GoogleRules(
        account_reads_per_minute=_read(environ, "GOOGLE_READS_PER_ACCOUNT", _positive, default="60"),
        project_reads_per_minute=_read(environ, "GOOGLE_READS_PER_PROJECT", _positive, default="300"),
        hints=_read(environ, "GOOGLE_HINTS", _flag, default="0"),
    )


def _policy(environ: Mapping[str, str]) -> Policy:
    return Policy(
        allow_private=_read(environ, "GATE_ALLOW_PRIVATE", _flag, default="0"),
        forbidden_ports=_read(environ, "GATE_FORBIDDEN_PORTS", _ports, default=","),
        forbidden_networks=_read(environ, "GATE_FORBIDDEN_NETWORKS", read_networks, default=","),
    )


def _release(image: str) -> str:
    """Say in short what tells this image from others: its digest, else its tag, else its name."""
    name, _, digest = image.rpartition("/")[2].partition("@")
    if digest:
        return digest.rpartition(":")[2][:DIGEST_LENGTH]
    name, _, tag = name.partition(":")
    return (tag or name)[-RELEASE_LENGTH:]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("it must be at least 1")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("it must not be negative")
    return number


def _percent(text: str) -> int:
    number = int(text)
    if not 0 <= number <= HUNDRED:
        raise ValueError(f"it must be 0 to {HUNDRED}")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**16:
        raise ValueError("it must be a port, or 0 for any free one")
    return number


def _ports(text: str) -> frozenset[int]:
    return frozenset(_port(part.strip()) for part in text.split(",") if part.strip())


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("it must be 0 or 1")
    return text == "1"
