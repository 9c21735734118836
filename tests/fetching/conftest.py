"""A session through the gate, and loopback servers to point it at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from contracts.addresses import Policy
from fetching.fetch import Ask, fetch
from fetching.guard import connector
from fetching.outcome import Outcome
from fetching.session import session

LOCAL = Policy(allow_private=True)

type Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Servers:
    """Starts servers on free loopback ports and stops them at the end."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], Awaitable[Any]]] = []

    async def serve(self, handler: Handler) -> URL:
        """Serve every path with one handler."""
        runner = web.ServerRunner(web.Server(handler), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._closers.append(runner.cleanup)
        return URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")

    async def speak(self, answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> URL:
        """Answer each connection with raw bytes, whatever it asks."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                await answer(writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)

        async def close() -> None:
            server.close()
            server.abort_clients()  # to wait for a client that keeps its connection would be to wait for ever
            await server.wait_closed()

        self._closers.append(close)
        return URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")

    async def close(self) -> None:
        """Stop them all."""
        for close in self._closers:
            await close()


@asynccontextmanager
async def listening(server: asyncio.Server) -> AsyncIterator[int]:
    """Give a server's port; at the end cut whoever is still connected: `async with server` would wait for them."""
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        server.abort_clients()
        await server.wait_closed()


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Give loopback servers."""
    given = Servers()
    yield given
    await given.close()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """Give a session that may ask loopback addresses."""
    async with session(connector(LOCAL)) as given:
        yield given


@pytest.fixture
def get(http: ClientSession) -> Callable[..., Awaitable[Outcome]]:
    """Fetch a url."""

    async def ask(url: URL, **more: Any) -> Outcome:
        return await fetch(http, Ask(url=url, **more))

    return ask
