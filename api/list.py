"""GET /datasources: pages of sources, each with where its data stands."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self

from api import cursor, door, pages, parameters, shown
from api.achievable import SheetQuota
from api.audience import subscribers
from api.parameters import Choice, Parameter, Text, Whole
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from api.rows import read_many
from contracts.kinds import SourceType, State
from contracts.table import heads, sources
from contracts.table.schema import TableNames
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

#: A filtered page looks at this many sources, or at 1 MB of them (AWS), and says where to go on.
LOOKED_AT_MAX = 1_000
#: The states that the index holds; the others are found by looking at every source.
_INDEXED = frozenset({State.DEGRADED, State.FAILING, State.DORMANT})
_SEARCHED = ("id", "name", "description", "url")

PARAMETERS: Sequence[Parameter] = (
    Whole(name="limit", about="how many sources at most", least=1, most=100, default=50),
    Text(name="cursor", about="where to go on: `next` of the last answer", most=64),
    Choice(name="state", about="only sources in this state", of=State),
    Choice(name="type", about="only sources of this type", of=SourceType),
    Text(name="tag", about="only sources with this very tag", most=64),
    Text(name="q", about="only sources with this text in id, name, description or url, in any case", most=200),
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a caller wants to see."""

    limit: int
    after: str | None
    state: State | None
    type: SourceType | None
    tag: str
    text: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Take it from the parameters."""
        return cls(
            limit=given["limit"],
            after=None if given["cursor"] is None else cursor.read(given["cursor"]),
            state=given["state"],
            type=given["type"],
            tag=given["tag"] or "",
            text=(given["q"] or "").casefold(),
        )

    @property
    def filters(self) -> bool:
        """Tell whether some sources are left out."""
        return bool(self.state or self.type or self.tag or self.text)

    def fits(self, item: Item) -> bool:
        """Tell whether a source is wanted."""
        return (
            (self.state is None or item.get("status", {}).get("state") == self.state)
            and (self.type is None or item.get("type") == self.type)
            and (not self.tag or self.tag in item.get("tags", []))
            and (not self.text or any(self.text in str(item.get(name, "")).casefold() for name in _SEARCHED))
        )


def list_sources(request: Request, *, dynamodb: "DynamoDBClient", tables: TableNames, quota: SheetQuota) -> Response:
    """Answer with one page; `next` is there while there may be more."""
    wanted = Wanted.of(parameters.read(request, PARAMETERS))
    looked_at, more = _look(dynamodb, tables.data_sources, wanted)
    found = [item for item in looked_at if wanted.fits(item)]
    page = found[: wanted.limit]
    ids = [item["id"] for item in page]
    known = _heads(dynamodb, tables.sheets_data, ids)
    counts = subscribers(dynamodb, tables.subscribers, ids)
    items = pages.fitting(
        [
            shown.summary(item, known.get(item["id"]), subscribers=counts[item["id"]]) | achievable
            for item, achievable in zip(page, quota.now(*page), strict=True)
        ]
    )
    document: dict[str, Any] = {"items": items}
    last = items[-1]["id"] if len(items) < len(found) else more
    return json_response(document | ({"next": cursor.write(last)} if last else {}))


def _look(dynamodb: "DynamoDBClient", table: str, wanted: Wanted) -> tuple[list[Item], str | None]:
    """Read one page of the table; with it the id to go on after, if it was not the last."""
    limit = LOOKED_AT_MAX if wanted.filters else wanted.limit
    if wanted.state in _INDEXED:
        query = sources.page_of_attention(table, wanted.state, limit=limit, after=wanted.after)
        return _page(dynamodb.query(**query))
    return _page(dynamodb.scan(**sources.page(table, limit=limit, after=wanted.after)))


def _page(answer: Mapping[str, Any]) -> tuple[list[Item], str | None]:
    last = answer.get("LastEvaluatedKey")
    return [read_item(item) for item in answer["Items"]], read_item(last)["id"] if last else None


def _heads(dynamodb: "DynamoDBClient", table: str, source_ids: Sequence[str]) -> dict[str, Item]:
    """Read what a list shows of heads."""
    found = read_many(dynamodb, heads.get_many(table, source_ids)) if source_ids else []
    return {row["id"]: row for row in map(read_item, found)}


@cache
def _act() -> Act:
    dynamodb = door.dynamodb()
    quota = SheetQuota.of(os.environ, dynamodb=dynamodb, now_ms=door.wall_ms)
    return partial(list_sources, dynamodb=dynamodb, tables=TableNames.from_environ(os.environ), quota=quota)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="list", make=_act, now_ms=door.wall_ms)
