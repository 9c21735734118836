"""A WebSocket server on a loopback port that plays the service, and keeps everything that it hears."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from aiohttp import web

type Connection = web.WebSocketResponse
type Serve = Callable[[Connection, dict[str, Any]], Awaitable[None]]


class Gateway:
    """Calls `serve` with every frame of a client; `token` is the one it lets in."""

    token = "smf_test_token"

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.heard: list[dict[str, Any]] = []
        self.connections = 0
        self.documents: dict[str, web.Response] = {}
        self.origin = ""
        self._open: set[Connection] = set()

    @property
    def url(self) -> str:
        """Give the WebSocket's address."""
        return self.origin.replace("http", "ws") + "/live"

    @classmethod
    @asynccontextmanager
    async def serving(cls, serve: Serve) -> AsyncIterator[Self]:
        """Serve until the block ends."""
        gateway = cls(serve)
        app = web.Application()
        app.router.add_get("/live", gateway._connect)
        app.router.add_get("/{path:.*}", gateway._document)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        gateway.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield gateway
        finally:
            for socket in list(gateway._open):
                await socket.close()
            await runner.cleanup()

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self._open.add(socket)
        async for message in socket:
            frame = message.json()
            self.heard.append(frame)
            await self._serve(socket, frame)
        self._open.discard(socket)
        return socket

    async def _document(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") not in (None, f"Bearer {self.token}"):
            return web.Response(status=401)
        made = self.documents.get(request.path)
        return web.Response(status=404) if made is None else web.Response(body=made.body, headers=made.headers)


async def first(changes: AsyncIterator[Any], count: int) -> list[Any]:
    """Take so many changes."""
    async with asyncio.timeout(60):
        return [await anext(changes) for _ in range(count)]
