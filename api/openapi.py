"""GET /openapi.json: the API described for programs, as `api.specification` wrote it down."""

from functools import cache
from pathlib import Path
from typing import Any

from api import door
from api.request import Request
from api.respond import Act, Answer, Event, Response, serve

FILE = Path(__file__).with_name("openapi.json")


def show_openapi(request: Request, *, text: bytes) -> Response:
    """Answer with the description."""
    request.allow_parameters()
    return Response(body=text, headers={"content-type": "application/json"})


@cache
def _act() -> Act:
    text = FILE.read_bytes()
    return lambda request: show_openapi(request, text=text)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="openapi", make=_act, now_ms=door.wall_ms)
