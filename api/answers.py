"""
What the endpoints answer, as models: `api.specification` describes the API by them, and tests hold answers to them.

No handler imports this: what is only written needs no validation, and pydantic slows a start.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from api.imports import ITEMS_MAX
from api.rows import SOURCE_ID
from contracts import source
from contracts.kinds import SourceType
from contracts.source import Registration


class Model(BaseModel):
    """Named in JSON as JSON names things; nothing beside what is said."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Head(Model):
    """The newest state of a source; version 0 has no document yet."""

    incarnation: str
    version: int
    hash: str
    last_updated: str | None


class Warned(Model):
    """What somebody should know, by a code that stays and in words."""

    code: str
    message: str


class Source(source.Source):
    """
    A source; of a sheet also how often Google's quota lets it be read, in seconds.

    It is null where that could not be found out; `warnings` say why it is more than `pollingInterval`.
    """

    achievable_interval_s: int | None = Field(default=None, alias="achievableInterval")
    warnings: list[Warned] = Field(default_factory=list)


class Summary(Source):
    """A source in a list, with where its data stands."""

    version: int
    changed_at: str | None = Field(alias="changedAt")
    subscribers: int


class Detail(Source):
    """A source alone, with its head (null while it is being deleted)."""

    head: Head | None
    subscribers: int


class Sources(Model):
    """A page of sources; go on with `next` as long as there is one."""

    items: list[Summary]
    next: str = ""


class Operation(Model):
    """An operation of RFC 6902."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: str
    from_: str = Field(default="", alias="from")
    value: Any = None


class Cell(Model):
    """What a place held after a change; `value` is there if the place is."""

    exists: bool
    value: Any = None


class StepSummary(Model):
    """What a step did: how many places were added, removed and changed, and the first of them."""

    added: int
    removed: int
    changed: int
    paths: list[str]


class Change(Model):
    """
    A version; `ops` lead to it from the one before, `after` is told of the place that was asked for.

    `summary` is of the whole step, also where `ops` hold none of it or a part; null for a version without one.
    """

    incarnation: str
    version: int
    at: int
    bytes: int
    ops: list[Operation] | None
    summary: StepSummary | None
    after: Cell | None = None


class Changes(Model):
    """A page of changes, newest first; go on with `next` as long as there is one."""

    incarnation: str
    items: list[Change]
    next: str = ""


class Point(Model):
    """A bucket of a series, beginning at `at` (ms)."""

    at: int
    count: int
    min: float
    max: float
    mean: float
    last: float
    held_ms: int


class Series(Model):
    """A number over time; ask again with `from=next` if there is a `next`."""

    incarnation: str
    bucket: int
    from_: int = Field(alias="from")
    to: int
    points: list[Point]
    next: int = 0


class Wish(Model):
    """A poll that was asked for."""

    source_id: str
    requested_at: int


class Portable(Registration):
    """
    A source in a file; `id` says which it is.

    `needsKey` tells that it had a key, which no export holds.
    """

    id: str | None = Field(default=None, pattern=f"^{SOURCE_ID.pattern}$")
    needs_key: bool = Field(default=False, alias="needsKey")


class Import(Model):
    """Sources to register; an answer of the export is one."""

    items: list[Portable] = Field(min_length=1, max_length=ITEMS_MAX)
    next: str = ""


class Export(Model):
    """A page of sources for a file; go on with `next` as long as there is one."""

    items: list[Portable]
    next: str = ""


class Verdict(Model):
    """What became of an item, or would in a dry run."""

    index: int
    id: str | None
    outcome: Literal["created", "unchanged", "refused"]
    errors: list["FieldError"]


class Imported(Model):
    """What became of each item, in their order."""

    dry_run: bool
    created: int
    unchanged: int
    refused: int
    items: list[Verdict]


class Ticket(Model):
    """A pass for one WebSocket handshake, good for so many seconds."""

    ticket: str
    expires_in: int


class Tasks(Model):
    """How many tasks ECS wants and has."""

    desired: int
    running: int
    pending: int


class Tally(Model):
    """How the polls of a worker ended since it started."""

    polls: int
    failed: int
    troubled: int


class Worker(Model):
    """One process of the fleet, as of its last beat."""

    id: str
    state: Literal["UP", "DRAIN", "DEAD"]
    dead_by: str | None
    release: str
    started_at: str | None
    beat: int
    beat_at: str | None
    beat_age_ms: int | None
    owned: int
    load: float
    overdue_ms: int
    overloaded: bool
    polls: Tally


class Move(Model):
    """A shard that changed hands."""

    shard: int
    at: str | None
    why: str | None
    from_: str | None = Field(alias="from")
    to: str | None
    epoch: int


class Kind(Model):
    """The workers of one kind, and which shard is whose."""

    shards: int
    tasks: Tasks | None
    workers: list[Worker]
    owners: dict[str, str]
    epochs: dict[str, int]
    moves: list[Move]


class GoogleAccount(Model):
    """A Google account: reads a minute that are wished for and granted, and by what intervals stretch."""

    email: str
    wished_per_minute: float
    granted_per_minute: float
    stretch: float


class GoogleQuota(Model):
    """What is wished for of Google's quota, as a worker summed it up, and what was registered since."""

    at: str
    accounts: list[GoogleAccount]
    added_per_minute: float


class Fleet(Model):
    """Both kinds of worker, and Google's quota (null before a worker of sheets summed it up)."""

    at: str
    kinds: dict[SourceType, Kind]
    google: GoogleQuota | None


class Preview(Model):
    """What a registration would see; every field is there, null where the source did not do well."""

    ok: bool
    reason: str | None
    why: str
    http: dict[str, Any] | None
    timing: dict[str, int | None]
    format: Literal["json", "xml"] | None
    size: dict[str, int] | None
    document: dict[str, Any] | None
    volatile: list[dict[str, Any]]
    suggested: dict[str, list[str]]
    warnings: list[dict[str, str]]


class FieldError(Model):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Model):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class Refusal(Model):
    """What API Gateway says in its own words."""

    message: str | None
