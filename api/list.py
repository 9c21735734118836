"""GET /datasources: pages of sources, each with where its data stands."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Self

from api import cursor, door, shown
from api.problem import bad_parameter, try_again
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts.kinds import SourceType, State
from contracts.table import heads, sources
from contracts.table.schema import TableNames
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
#: A filtered page looks at this many sources, or at 1 MB of them (AWS), and says where to go on.
LOOKED_AT_MAX = 1_000
HEAD_TRIES_MAX = 4
#: The states that the index holds; the others are found by looking at every source.
_INDEXED = frozenset({State.DEGRADED, State.FAILING, State.DORMANT})
_SEARCHED = ("id", "name", "description", "url")


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
    def read(cls, query: Mapping[str, str]) -> Self:
        """Read the parameters of the query."""
        return cls(
            limit=_limit(query.get("limit", str(LIMIT_DEFAULT))),
            after=cursor.read(query["cursor"]) if "cursor" in query else None,
            state=_one_of(State, "state", query),
            type=_one_of(SourceType, "type", query),
            tag=query.get("tag", ""),
            text=query.get("q", "").casefold(),
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


def list_sources(request: Request, *, dynamodb: "DynamoDBClient", tables: TableNames) -> Response:
    """Answer with one page; `next` is there while there may be more."""
    request.allow_parameters("limit", "cursor", "state", "type", "tag", "q")
    wanted = Wanted.read(request.query)
    looked_at, more = _look(dynamodb, tables.data_sources, wanted)
    found = [item for item in looked_at if wanted.fits(item)]
    page = found[: wanted.limit]
    known = _heads(dynamodb, tables.sheets_data, [item["id"] for item in page])
    document: dict[str, Any] = {"items": [shown.summary(item, known.get(item["id"])) for item in page]}
    last = page[-1]["id"] if len(found) > wanted.limit else more
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
    """Read what a list shows of heads; AWS may leave some for another try."""
    request = heads.get_many(table, source_ids)
    found: dict[str, Item] = {}
    for _ in range(HEAD_TRIES_MAX if source_ids else 0):
        answer = dynamodb.batch_get_item(**request)
        found |= {row["id"]: row for row in map(read_item, answer["Responses"].get(table, []))}
        if not answer.get("UnprocessedKeys"):
            return found
        request = {"RequestItems": answer["UnprocessedKeys"]}
    if source_ids:
        raise try_again("the table is busy")
    return found


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LIMIT_MAX)) and 1 <= int(text) <= LIMIT_MAX):
        raise bad_parameter("limit", f"a whole number from 1 to {LIMIT_MAX}")
    return int(text)


def _one_of[Choice: StrEnum](choices: type[Choice], name: str, query: Mapping[str, str]) -> Choice | None:
    if name not in query:
        return None
    try:
        return choices(query[name])
    except ValueError as error:
        raise bad_parameter(name, f"one of {', '.join(choices)}") from error


@cache
def _act() -> Act:
    return partial(list_sources, dynamodb=door.dynamodb(), tables=TableNames.from_environ(os.environ))


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="list", make=_act, now_ms=door.wall_ms)
