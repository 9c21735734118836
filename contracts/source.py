"""
The source: the registered thing, every field with its bounds.

`SourceFields` is what a person may set, `Registration` what they send (with the key, which is write only), `Source`
what the table holds and the API shows. JSON names are the spec's and the design's; attributes carry their units.
Lambdas validate by these models without importing them: see `api.models`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StringConstraints,
    model_validator,
)

from contracts.kinds import SourceType as SourceType  # noqa: PLC0414 - a source's own words are found here too
from contracts.kinds import State as State  # noqa: PLC0414 - likewise
from contracts.pointer import POINTER
from contracts.rules import check_place, check_pointer, check_selector, check_tolerance
from contracts.source_rules import HEADERS_MAX, POINTERS_MAX, Secret, fits_its_type, one_key

POLLING_INTERVAL_MAX_S = 86_400
URL_LENGTH_MAX = 4_096
POINTER_LENGTH_MAX = 1_024
RANGES_MAX = 64
TAGS_MAX = 20
#: Above this doubles skip integers, and "within" would mean nothing.
TOLERANCE_MAX = 1e15


class Model(BaseModel):
    """Frozen, strict about unknown fields, named in JSON as the spec names things."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, str_strip_whitespace=True)


class Auth(Model):
    """How the key travels: in which header or query parameter, or as basic or bearer credentials."""

    scheme: Literal["header", "query", "basic", "bearer"] = "header"
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.~-]{1,128}$")] = "X-API-Key"


class Status(Model):
    """How a source does, in words a person can act on. Written on transitions, and at the first failures in a row."""

    state: State = State.NEW
    why: str = Field(default="", max_length=512)
    since: int = 0
    failures: int = 0
    last_good: int | None = Field(default=None, alias="lastGood")
    epoch: int = 0
    #: Its certificate ends within so many days, in steps; absent while that is not near.
    certificate_days: int | None = Field(default=None, alias="certificateDays")


Pointer = Annotated[
    str,
    Field(max_length=POINTER_LENGTH_MAX, json_schema_extra={"pattern": f"^{POINTER}$"}),
    AfterValidator(check_pointer),
]
Place = Annotated[str, Field(max_length=POINTER_LENGTH_MAX), AfterValidator(check_place)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class SourceFields(Model):
    """What a person may set."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2_000)
    type: SourceType = SourceType.EXTERNAL
    data_format: Literal["json", "xml", "auto"] = Field(default="auto", alias="dataFormat")
    url: str = Field(min_length=1, max_length=URL_LENGTH_MAX)
    polling_interval_s: Annotated[int, Strict()] = Field(
        default=60, alias="pollingInterval", ge=1, le=POLLING_INTERVAL_MAX_S
    )
    headers: dict[str, str] = Field(default_factory=dict, max_length=HEADERS_MAX)
    auth: Auth = Auth()
    selector: Annotated[str, Field(max_length=1_024), AfterValidator(check_selector)] = ""
    ignore: list[Pointer] = Field(default_factory=list, max_length=POINTERS_MAX)
    tolerance: Annotated[
        float, Strict(), Field(ge=0, le=TOLERANCE_MAX, allow_inf_nan=False), AfterValidator(check_tolerance)
    ] = 0
    unordered: list[Place] = Field(default_factory=list, max_length=POINTERS_MAX)
    ranges: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] = Field(
        default_factory=list, max_length=RANGES_MAX
    )
    header: StrictBool = True
    key_column: str = Field(default="", alias="keyColumn", max_length=256)
    tags: list[Tag] = Field(default_factory=list, max_length=TAGS_MAX)
    enabled: StrictBool = True

    _fits_its_type = model_validator(mode="after")(fits_its_type)


class Registration(SourceFields):
    """What registers a source: its fields and, write only, its key or the secret of another source of its origin."""

    api_key: Secret | None = Field(default=None, alias="apiKey")
    api_key_secret_id: str | None = Field(default=None, alias="apiKeySecretId", max_length=512)

    _one_key = model_validator(mode="after")(one_key)


class Source(SourceFields):
    """A registered source, as the table holds it and the API shows it."""

    id: str
    api_key_secret_id: str | None = Field(default=None, alias="apiKeySecretId")
    revision: int = 1
    incarnation: str
    shard: int
    created_at: str = Field(alias="createdAt")
    last_updated: str = Field(alias="lastUpdated")
    owner: str = ""
    status: Status = Status()

    def item(self) -> dict[str, Any]:
        """Give the item of the DataSources table, and the body the API answers with."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Read an item of the DataSources table (`attention` is the index's copy of the state)."""
        return cls.model_validate({name: value for name, value in item.items() if name != "attention"})
