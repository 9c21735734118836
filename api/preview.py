"""
POST /datasources/preview: what a registration would see; nothing is stored.

The body is a registration's (without a name it will do). A source is asked through the same gate and under the
same limits as polls are (`fetching/preview.py`), a sheet by the workers' accounts and within their quota
(`api/sheet_preview.py`). The zip of this Lambda carries `fetching/` too.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from yarl import URL

from api import moment
from api.body import read_object
from api.fields import hidden_headers, not_shared, read_registration, refuse
from api.kept_key import KeptKeys
from api.models import Registration
from api.outgoing import read_policy
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts.addresses import Policy
from contracts.clock import SECOND_MS
from contracts.kinds import SourceType
from contracts.rules import origin
from fetching.certificates import Certificates
from fetching.document import Reading
from fetching.fetch import Ask, fetch
from fetching.guard import connector
from fetching.keyed import with_key
from fetching.outcome import Outcome
from fetching.preview import Fetch, Wanted, World, preview
from fetching.session import session

if TYPE_CHECKING:
    from api.sheet_preview import SheetPreviewer

#: Registering needs one, looking does not.
NAME = {"name": "preview"}


@dataclass(frozen=True, kw_only=True)
class Previewer:
    """
    All that a preview needs.

    `read_key` gives the key in a secret for an origin, `requests` opens what fetches and notes certificates, `run` has
    a loop; `sheets` is made on demand.
    """

    policy: Policy
    read_key: Callable[[str, str], Awaitable[str | None]]
    sheets: "Callable[[], SheetPreviewer]"
    requests: Callable[[Certificates], AbstractAsyncContextManager[Fetch]]
    run: Callable[..., Any]
    pause: Callable[[float], Any]
    clock: Callable[[], float]
    now_ms: Callable[[], int]


def preview_source(request: Request, at: Previewer) -> Response:
    """Ask a source and show what came; a source that fails is an answer, not an error."""
    request.allow_parameters()
    given = NAME | read_object(request)
    registration = read_registration(given, at.policy, besides=hidden_headers(given.get("headers")))
    if registration.type is SourceType.GOOGLE_SHEET:
        return json_response(at.run(at.sheets().look(registration)))
    return json_response(at.run(_look(registration, at)))


async def _look(registration: Registration, at: Previewer) -> dict[str, Any]:
    wanted = _wanted(registration, await _key(registration, at))
    certificates = Certificates()
    async with at.requests(certificates) as ask_source:
        world = World(
            fetch=ask_source, pause=at.pause, clock=at.clock, now_s=lambda: at.now_ms() / SECOND_MS,
            certificates=certificates,
        )  # fmt: skip
        return await preview(wanted, world)


async def _key(registration: Registration, at: Previewer) -> str | None:
    """Give the key as it came, or out of the secret it names, if that is bound to this very origin."""
    if registration.api_key:
        return registration.api_key.get_secret_value()
    secret_id = registration.api_key_secret_id
    if secret_id is None:
        return None
    kept = await at.read_key(secret_id, origin(registration.url))
    if kept is None:
        raise refuse(not_shared())
    return kept


def _wanted(registration: Registration, key: str | None) -> Wanted:
    url, headers = URL(registration.url).with_fragment(None), dict(registration.headers)
    if key is not None:
        url, headers = with_key(url, headers, key, registration.auth)
    return Wanted(
        ask=Ask(url=url, headers=headers),
        how=Reading.of(registration),
        interval_s=registration.polling_interval_s,
        key=key,
    )


@asynccontextmanager
async def _requests(policy: Policy, contact: str, certificates: Certificates) -> Any:
    async with session(connector(policy, certificates=certificates), contact=contact) as http:

        async def ask_source(ask: Ask) -> Outcome:
            return await fetch(http, ask)

        yield ask_source


@cache
def _runner() -> asyncio.Runner:
    """Keep one loop for the life of this process: closing one waits for name look-ups that hang."""
    return asyncio.Runner()


@cache
def _sheets() -> "SheetPreviewer":
    """Join what a sheet takes, with the first one: a preview of another source never imports boto3."""
    from api import door  # noqa: PLC0415 - see above
    from api.sheet_preview import SheetPreviewer  # noqa: PLC0415 - see above

    return SheetPreviewer.of(
        os.environ, dynamodb=door.dynamodb(), secrets=door.secrets_manager(), pause=asyncio.sleep, clock=door.clock_s,
        now_ms=door.wall_ms,
    )  # fmt: skip


@cache
def _act() -> Act:
    policy = read_policy(os.environ)
    previewer = Previewer(
        policy=policy,
        read_key=KeptKeys.of(os.environ, now_ms=moment.wall_ms).read,
        sheets=_sheets,
        requests=partial(_requests, policy, os.environ.get("CONTACT", "")),
        run=_runner().run,
        pause=asyncio.sleep,
        clock=moment.clock_s,
        now_ms=moment.wall_ms,
    )
    return partial(preview_source, at=previewer)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="preview", make=_act, now_ms=moment.wall_ms)
