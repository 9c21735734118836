"""Feeds that fail in the ways feeds fail."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.e2e.outside import Feeds

#: More than one poll reads (10 MiB).
HUGE_BYTES = 11 * 1_024 * 1_024

type Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadFeeds(Feeds):
    """Feeds of which each may answer with a failure in `instead`, until that is taken back."""

    def __init__(self) -> None:
        super().__init__()
        self.instead: dict[str, Answer] = {}

    async def _serve(self, request: web.Request) -> web.Response:
        served = await super()._serve(request)
        answer = self.instead.get(request.path.lstrip("/"))
        return await answer(request) if answer else served  # type: ignore[return-value] # any response will do


async def down(request: web.Request) -> web.StreamResponse:
    """Cut the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def slow(request: web.Request) -> web.StreamResponse:
    """Answer nothing until the other side hangs up."""
    while request.transport and not request.transport.is_closing():  # noqa: ASYNC110 - a transport has no event for it
        await asyncio.sleep(0.1)
    return web.Response()


async def error(_: web.Request) -> web.StreamResponse:
    """Fail inside."""
    return web.Response(status=500, text="oops")


async def garbage(_: web.Request) -> web.StreamResponse:
    """Say what is no document."""
    return web.Response(body=b'{"rows": [1, 2', content_type="application/json")


async def huge(request: web.Request) -> web.StreamResponse:
    """Send more than anybody wants, without saying how much."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        for _ in range(HUGE_BYTES // 65_536 + 1):
            await response.write(b" " * 65_536)
    except ConnectionError:
        return response  # the reader had enough
    await response.write_eof()
    return response
