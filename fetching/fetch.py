"""One conditional GET, redirects followed by hand so that each hop passes the same rules."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from aiohttp import ClientError, ClientResponse, ClientSession
from yarl import URL

from contracts.rules import check_url
from fetching.failures import failed_status, failed_to_reach, stray_not_modified, too_large
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply, Validators
from fetching.validators import text_of_header, validators_of

WIRE_BYTES_MAX = 10 * 1_024 * 1_024
REDIRECTS_MAX = 5
TOTAL_TIMEOUT_MAX_S = 30.0
TOTAL_TIMEOUT_MIN_S = 5.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODY_STATUSES = frozenset({200, 203})
_NOT_MODIFIED = 304

type Grow = Callable[[int], Awaitable[bool]]
"""
Told how many bytes of an answer are at hand; returns once there may be more, and whether that took waiting.

Raises ReadAgain.
"""


class ReadAgain(Exception):
    """What was read is to be dropped, and asked for again once there may be as much."""


async def _at_once(_: int) -> bool:
    """Let an answer grow up to its bound."""
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What to request. `headers` are the source's own, its key among them: they stay at its origin."""

    url: URL
    headers: Mapping[str, str] = field(default_factory=dict)
    validators: Validators | None = None
    timeout_s: float = TOTAL_TIMEOUT_MAX_S
    grow: Grow = _at_once


class _RedirectRefused(Exception):
    """A redirect leads where no request may follow."""


class _Growth:
    """How one answer grows; while it has to wait for that, its time stands still."""

    __slots__ = ("_grow", "size", "time", "waited")

    def __init__(self, ask: Ask) -> None:
        # The total time is the only defence against a server that drips.
        self.time = asyncio.timeout(ask.timeout_s)
        self.waited = False
        self.size = 0
        self._grow = ask.grow

    async def to(self, size: int) -> None:
        """Go on once there may be more."""
        self.size = size
        ends_s, loop = self.time.when(), asyncio.get_running_loop()
        assert ends_s is not None  # none but this stops it
        left_s = ends_s - loop.time()
        self.time.reschedule(None)
        if await self._grow(size):
            self.waited = True
        self.time.reschedule(loop.time() + left_s)


async def fetch(session: ClientSession, ask: Ask) -> Outcome:
    """
    Request a source; whatever it does comes back as an outcome.

    The session must be of `fetching.session` over `fetching.guard`: where a request may go is decided at the socket,
    for the first url and for every redirect alike.
    """
    dropped = 0
    while True:
        if dropped:
            await ask.grow(dropped)
        growth = _Growth(ask)
        try:
            async with growth.time:
                return await _follow(session, ask, growth)
        except _RedirectRefused as error:
            return Failed(reason=Reason.REDIRECT, why=str(error))
        except ReadAgain:
            dropped = growth.size
        except (ClientError, OSError, UnicodeError) as error:
            # Who gave up while we did not read is asked again: that was our doing. Whose answer no more waits, is not.
            if not growth.waited:
                return failed_to_reach(error, ask.url)


async def _follow(session: ClientSession, ask: Ask, growth: _Growth) -> Outcome:
    for _ in range(REDIRECTS_MAX + 1):
        headers = conditional(ask)
        async with session.get(ask.url, headers=headers, allow_redirects=False) as response:
            if response.status not in _REDIRECTS:
                return await _read(response, ask, growth, conditional=len(headers) > len(ask.headers))
            ask = redirected(ask, response.headers.get("Location", ""))
    raise _RedirectRefused(f"more than {REDIRECTS_MAX} redirects")


def conditional(ask: Ask) -> Mapping[str, str]:
    """Give the headers to send; validators only to the very url that gave them."""
    known = ask.validators
    if known is None or known.url != str(ask.url):
        return ask.headers
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {**ask.headers, **{name: value for name, value in asked.items() if value}}


def redirected(ask: Ask, location: str) -> Ask:
    """Follow one redirect: gated like a new url, and nothing of the source's own headers leaves its origin."""
    try:
        target = check_url(str(ask.url.join(URL(location))))
    except ValueError as error:
        raise _RedirectRefused(f"the server redirects to an address that is not requested: {error}") from error
    if not location:
        raise _RedirectRefused("the server redirects without saying where to")
    if ask.url.scheme == "https" and target.scheme == "http":
        raise _RedirectRefused("the server redirects from https to http")
    same = target.origin() == ask.url.origin()
    return replace(ask, url=target.with_fragment(None), headers=ask.headers if same else {})


async def _read(response: ClientResponse, ask: Ask, growth: _Growth, *, conditional: bool) -> Outcome:
    if response.status == _NOT_MODIFIED:
        return NotModified() if conditional else stray_not_modified()
    if response.status not in _BODY_STATUSES:
        return failed_status(response.status, response.headers)
    wire = await _body(response, growth)
    if wire is None:
        return too_large(f"the answer has more than {WIRE_BYTES_MAX >> 20} MiB")
    given = response.headers
    return Reply(
        wire=wire,
        coding=text_of_header(given.get("Content-Encoding", "")).strip().lower(),
        content_type=text_of_header(given.get("Content-Type", "")),
        validators=validators_of(str(ask.url), given),
        status=response.status,
        headers=given,
    )


async def _body(response: ClientResponse, growth: _Growth) -> bytes | None:
    """Read at most WIRE_BYTES_MAX; None if there is more, without reading on."""
    if (response.content_length or 0) > WIRE_BYTES_MAX:
        return None
    first = await response.content.readany()
    if response.content.at_eof():
        return first if len(first) <= WIRE_BYTES_MAX else None
    parts, size = [first], len(first)
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > WIRE_BYTES_MAX:
            return None
        await growth.to(size)
    return b"".join(parts)
