"""What the API can do: per route what it takes and answers. The stack's routes are held to this list by a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from api import answers, changes, exports, imports, series
from api import list as listing
from api.parameters import Parameter
from contracts.source import Registration

#: What every route may answer: a wrong parameter, no token, a wrong one, too many requests, our own trouble.
ALWAYS = (400, 401, 403, 429, 500, 503)
#: A path that is no route's, or a source that is not there.
NOT_FOUND = 404
#: What a body may be refused for: its size, its media type, its fields.
OF_BODIES = (413, 415, 422)


@dataclass(frozen=True, kw_only=True)
class Header:
    """A request header that means something to a route."""

    name: str
    about: str
    schema: Mapping[str, Any]
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    One route.

    `body` is the model of what is sent, `partial` lets all of its fields be left out, `optional` some; `found` the
    model of the answer: None is an answer without a body, Any any JSON.
    """

    route: str
    verb: str
    about: str
    status: int = 200
    found: Any = None
    parameters: Sequence[Parameter] = ()
    headers: Sequence[Header] = ()
    body: type[BaseModel] | None = None
    partial: bool = False
    optional: Sequence[str] = ()
    refusals: Sequence[int] = ()
    more: Mapping[int, str] = field(default_factory=dict)
    """Answers without a body beside the usual one."""


OPERATIONS: Sequence[Operation] = (
    Operation(
        route="GET /datasources", verb="list", about="A page of sources", found=answers.Sources,
        parameters=listing.PARAMETERS,
    ),
    Operation(
        route="GET /datasources/{sourceId}", verb="get", about="One source with its head", found=answers.Detail,
        refusals=[NOT_FOUND],
    ),
    Operation(
        route="POST /datasources/register", verb="register", about="A new source", status=201, found=answers.Source,
        body=Registration, refusals=[*OF_BODIES, 409],
        headers=[Header(
            name="Idempotency-Key", about="the same request again gets the same answer and makes nothing new",
            schema={"type": "string", "pattern": "^[!-~]{1,128}$"},
        )],
    ),
    Operation(
        route="POST /datasources/preview", verb="preview", about="What a registration would see", found=answers.Preview,
        body=Registration, optional=["name"], refusals=OF_BODIES,
    ),
    Operation(
        route="PUT /datasources/{sourceId}/update", verb="update", about="Some fields of a source", body=Registration,
        partial=True, found=answers.Source, refusals=[NOT_FOUND, *OF_BODIES, 409, 412, 428],
        headers=[
            Header(name="If-Match", about="the revision that was seen: the source's ETag", schema={"type": "string"}),
        ],
    ),
    Operation(
        route="DELETE /datasources/{sourceId}/delete", verb="delete", about="No source any more", status=204,
        refusals=[NOT_FOUND],
    ),
    Operation(
        route="GET /datasources/{sourceId}/data", verb="data", about="The newest document, or where to fetch it",
        found=Any, refusals=[NOT_FOUND, 406], more={304: "You have it"},
        headers=[Header(name="If-None-Match", about="the ETag of what you have", schema={"type": "string"})],
    ),
    Operation(
        route="POST /datasources/import", verb="imports", about="Many sources at once, each judged for itself",
        body=answers.Import, found=answers.Imported, parameters=imports.PARAMETERS, refusals=OF_BODIES,
    ),
    Operation(
        route="GET /datasources/export", verb="exports", about="A page of sources for a file, without keys",
        found=answers.Export, parameters=exports.PARAMETERS,
    ),
    Operation(
        route="GET /datasources/{sourceId}/changes", verb="changes", about="What changed, newest first",
        found=answers.Changes, parameters=changes.PARAMETERS, refusals=[NOT_FOUND],
    ),
    Operation(
        route="GET /datasources/{sourceId}/series", verb="series", about="One number over time", found=answers.Series,
        parameters=series.PARAMETERS, refusals=[NOT_FOUND],
    ),
    Operation(
        route="POST /datasources/{sourceId}/poll", verb="poll", about="Poll it now", status=202, found=answers.Wish,
        refusals=[NOT_FOUND, 409],
    ),
    Operation(
        route="POST /tickets", verb="tickets", about="A pass for one WebSocket handshake", status=201,
        found=answers.Ticket,
    ),
    Operation(route="GET /fleet", verb="fleet", about="Workers and shards", found=answers.Fleet),
    Operation(route="GET /openapi.json", verb="openapi", about="This description", found=Any),
)  # fmt: skip
