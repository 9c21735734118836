"""What a worker holds of each source: kept small, because there are many."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import Self

from yarl import URL

from contracts.clock import SECOND_MS
from contracts.kinds import SourceType
from contracts.rules import origin
from contracts.sharding import request_of
from contracts.source import Auth, Source, State
from contracts.table.fleet import Shard
from contracts.table.heads import Head
from fetching.document import Reading
from fetching.outcome import Reason, Validators
from fetching.sheets.settle import Place
from fetching.sheets.target import SheetTarget
from monitor_fleet.traces import Trace

#: Where every sheet is asked for, whatever the address that was pasted.
SHEETS = URL("https://sheets.googleapis.com/v4/spreadsheets")

#: Ways to read answers and to send keys of which each is held once.
ALIKE_KEPT = 1_024


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What polling needs to know of a source's configuration."""

    id: str
    incarnation: str
    revision: int
    url: str
    host: str
    interval_ms: int
    #: What it requests, as a number: see `contracts.sharding.request_of`.
    request: int
    headers: tuple[tuple[str, str], ...]
    auth: Auth
    secret_id: str | None
    reading: Reading
    #: What Google is asked for; None for sources that are not sheets.
    sheet: SheetTarget | None = None

    @classmethod
    def of(cls, source: Source) -> Self:
        """Take it from a source."""
        sheet = SheetTarget.of(source) if source.type is SourceType.GOOGLE_SHEET else None
        url = (SHEETS / sheet.spreadsheet_id if sheet else URL(source.url)).with_fragment(None)
        # What many sources have alike is held once: there may be 50,000 of them.
        return cls(
            id=source.id,
            incarnation=source.incarnation,
            revision=source.revision,
            url=str(url),
            # All sheets are Google's, but one that is not shared says nothing of the others.
            host=intern(str(url) if sheet else f"{url.host}:{url.port}"),
            interval_ms=source.polling_interval_s * SECOND_MS,
            request=request_of(
                url=str(url),
                headers=source.headers,
                secret_id=source.api_key_secret_id,
                auth=(source.auth.scheme, source.auth.name),
            ),
            headers=tuple(source.headers.items()),
            auth=_one_of_many(source.auth),
            secret_id=source.api_key_secret_id,
            reading=_one_of_many(Reading.of(source)),
            sheet=sheet,
        )

    @property
    def origin(self) -> str:
        """Name what its key is bound to; only sources with a key are asked."""
        return origin(self.url)


@lru_cache(maxsize=ALIKE_KEPT)
def _one_of_many[Value](value: Value) -> Value:
    """Give the one that stands for all that are equal to it."""
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How a source does, as last written to its row."""

    state: State = State.NEW
    since_ms: int = 0
    #: In a row, as far as they are told (`contracts.kinds.FAILURES_TOLD_MAX`).
    failures: int = 0
    last_good_ms: int | None = None
    #: What the failure was that the row tells of; None where it tells of none, or another worker wrote it.
    reason: Reason | None = None
    written_ms: int = 0
    #: The step within which its certificate ends, as the row tells; None if that is not near.
    certificate_days: int | None = None


@dataclass(kw_only=True, slots=True)
class Watched:
    """
    One source under one epoch of its shard and one revision of its configuration.

    An edit, a deletion or the loss of the shard ends it (`current`), and what is still in flight for it is dropped.
    """

    target: Target
    shard: Shard
    health: Health
    current: bool = True
    #: Poll without waiting for the schedule: it is new, or was edited.
    at_once: bool = False
    #: None: the head must be fenced (again) before anything may be committed.
    head: Head | None = None
    #: The body of the head is known to be gone: the next document is stored again even if it did not change.
    body_missing: bool = False
    validators: Validators | None = None
    wire_digest: bytes = b""
    decoded_digest: bytes = b""
    conditional_polls: int = 0
    #: What the newest answer weighed on the wire; counted once (`monitor_fleet/burden.py`).
    taken_bytes: int = 0
    #: How long the newest answer waited for room, being large.
    waited_ms: int = 0
    #: When the source was last asked without conditions (wall clock, ms).
    full_at_ms: int = 0
    #: The server said that nothing changed when something had: it is asked without conditions from then on.
    lying: bool = False
    #: Cells of a sheet that are being computed and keep their last value: for how many polls already.
    held: Mapping[Place, int] = MappingProxyType({})
    failures: int = 0
    #: So many times in a row the server wanted fewer requests.
    put_off: int = 0
    own_troubles: int = 0
    last_good_ms: int | None = None
    #: A status was written that the queue has not been told of.
    status_owed: bool = False
    announcing: bool = False
    #: Of the newest version committed here, where changes are traced.
    trace: Trace | None = None

    @classmethod
    def begin(cls, source: Source, shard: Shard) -> Self:
        """Begin to watch a source as it is configured now."""
        known = source.status
        health = Health(
            state=known.state, since_ms=known.since, failures=known.failures, last_good_ms=known.last_good,
            certificate_days=known.certificate_days,
        )  # fmt: skip
        return cls(target=Target.of(source), shard=shard, health=health, last_good_ms=known.last_good)

    def forget_answers(self) -> None:
        """Ask the source without conditions next time, and look at the whole answer."""
        self.validators = None
        self.wire_digest = self.decoded_digest = b""
