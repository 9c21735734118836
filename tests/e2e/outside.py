"""
An outsider: knows the addresses and the token of `state.json`, the documented frames, and nothing else of ours.

It serves its own feeds, registers them over HTTP, and follows them with a WebSocket library that is not ours.
"""

import asyncio
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import Any, Self

import aiohttp
import fastjsonpatch
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect

FRAME_TIMEOUT_S = 60
#: The first handshake starts two Lambdas, which takes a busy machine a while.
HANDSHAKE_TIMEOUT_S = 60

#: The embedded AWS runs few Lambdas at once and refuses the rest, as an account's concurrency limit does.
CALLS_AT_ONCE_MAX = 4


async def until_true(holds: Callable[[], Awaitable[bool]], timeout_s: float) -> None:
    """Ask again and again until the answer is yes: a table, a log or another process has no event to wait for."""
    async with asyncio.timeout(timeout_s):
        while not await holds():  # noqa: ASYNC110 - that is what this is
            await asyncio.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Feeds:
    """Documents on a loopback port, each under its path; remembers when which was asked for and answered."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.polls: dict[str, list[float]] = defaultdict(list)
        self.seen: dict[tuple[str, bytes], float] = {}
        self.headers: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.port = 0
        self._hosts = 1
        self._numbers: dict[str, int] = {}
        #: Every answer comes so much later, with what was there when it was asked for.
        self.delay_s = 0.0
        #: Cleared, no answer goes out until it is set.
        self.answering = asyncio.Event()
        self.answering.set()
        self._asked = asyncio.Event()

    def set(self, path: str, document: Any) -> None:
        """Change a document."""
        self.documents[path] = json.dumps(document).encode()
        self.types[path] = "application/json"

    def url(self, path: str) -> str:
        """Give the address of a document; each new one is at the next host."""
        number = self._numbers.setdefault(path, len(self._numbers))
        return f"http://{_host(number % self._hosts)}:{self.port}/{path}"

    async def until(self, holds: Callable[[], bool], timeout_s: float = FRAME_TIMEOUT_S) -> None:
        """Wait until something holds, looking again at every request."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._asked.clear()
                await self._asked.wait()

    async def _serve(self, request: web.Request) -> web.Response:
        path = request.path.lstrip("/")
        body = self.documents.get(path)
        self.polls[path].append(time.monotonic())
        self.headers[path].append(dict(request.headers))
        self._asked.set()
        if body is None:
            return web.Response(status=404)
        self.seen.setdefault((path, body), time.monotonic())
        await asyncio.sleep(self.delay_s)
        await self.answering.wait()
        return web.Response(body=body, content_type=self.types[path])

    @classmethod
    @asynccontextmanager
    async def serving(cls, *, hosts: int = 1) -> AsyncIterator[Self]:
        """Serve until the block ends; with more than one host where all of 127.0.0.0/8 is loopback (Linux)."""
        feeds = cls()
        feeds._hosts = hosts
        app = web.Application()
        app.router.add_get("/{path:.*}", feeds._serve)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            for number in range(hosts):
                await web.TCPSite(runner, _host(number), feeds.port).start()
                feeds.port = runner.addresses[0][1]
            yield feeds
        finally:
            await runner.cleanup()


def _host(number: int) -> str:
    return f"127.0.0.{number + 1}"


@dataclass(frozen=True, kw_only=True)
class Api:
    """The HTTP API as a caller with a token sees it."""

    state: dict[str, Any]
    session: aiohttp.ClientSession
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE_MAX))

    @classmethod
    @asynccontextmanager
    async def of(cls, state: dict[str, Any]) -> AsyncIterator[Self]:
        """Open a session that carries the token."""
        headers = {"Authorization": f"Bearer {state['token']}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            yield cls(state=state, session=session)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask, and give the status and the JSON answer (None without a body)."""
        url = self.state["apiUrl"].rstrip("/") + path
        async with self.at_once, self.session.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def register(self, url: str, **fields: Any) -> str:
        """Register a source that is polled every second, and give its id."""
        body = {"name": url.rsplit("/", 1)[1], "url": url, "pollingInterval": 1} | fields
        status, source = await self.call("POST", "/datasources/register", body)
        assert status == 201, source
        return str(source["id"])

    async def delete(self, source_id: str) -> None:
        """Delete a source."""
        status, answer = await self.call("DELETE", f"/datasources/{source_id}/delete")
        assert status == 204, answer


@dataclass
class Copy:
    """A subscriber's copy of one source, and what arrived: (when, frame)."""

    position: tuple[str, int] | None = None
    document: Any = None
    frames: list[tuple[float, dict[str, Any]]] = field(default_factory=list)


class Reader:
    """A WebSocket client that follows sources by the documented rule."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.copies: dict[str, Copy] = defaultdict(Copy)
        self.others: list[dict[str, Any]] = []
        self._heard = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    @asynccontextmanager
    async def connected(cls, state: dict[str, Any]) -> AsyncIterator[Self]:
        """Connect with the token in the header."""
        headers = {"Authorization": f"Bearer {state['token']}"}
        async with connect(
            state["webSocketUrl"], additional_headers=headers, max_size=None, open_timeout=HANDSHAKE_TIMEOUT_S
        ) as socket:
            reader = cls(socket)
            try:
                yield reader
            finally:
                reader._listening.cancel()

    async def ask(self, **frame: Any) -> None:
        """Send a frame."""
        await self.socket.send(json.dumps(frame))

    async def follow(self, *source_ids: str) -> None:
        """Subscribe to sources, a few at once as the embedded AWS runs few Lambdas, and wait for their documents."""
        for some in batched(source_ids, CALLS_AT_ONCE_MAX, strict=False):
            for source_id in some:
                await self.ask(action="subscribe", sourceId=source_id)
            await self.until(lambda some=some: all(self.copies[one].position for one in some))

    async def until(self, holds: Any, timeout_s: float = FRAME_TIMEOUT_S) -> None:
        """Wait until something holds, looking again at every frame."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._heard.clear()
                await self._heard.wait()

    async def until_equal(self, source_id: str, document: Any, timeout_s: float = FRAME_TIMEOUT_S) -> None:
        """Wait until the copy of a source is this document."""
        try:
            await self.until(lambda: self.copies[source_id].document == document, timeout_s)
        except TimeoutError as late:
            copy = self.copies[source_id]
            raise AssertionError(f"{source_id} is {copy.document} at {copy.position}, not {document}") from late

    async def _listen(self) -> None:
        async for text in self.socket:
            await self._take(json.loads(text))
            self._heard.set()

    async def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] not in {"subscribed", "snapshot", "patch"}:
            self.others.append(frame)
            return
        copy = self.copies[frame["sourceId"]]
        copy.frames.append((time.monotonic(), frame))
        if frame["type"] == "snapshot":
            copy.document, copy.position = frame["data"], (frame["incarnation"], frame["version"])
        elif frame["type"] == "patch":
            await self._patch(frame["sourceId"], copy, frame)

    async def _patch(self, source_id: str, copy: Copy, frame: dict[str, Any]) -> None:
        if copy.position is None or copy.position[0] != frame["incarnation"] or frame["base"] > copy.position[1]:
            await self.ask(action="resume", positions={source_id: list(copy.position or ("", 0))})
            return
        for version, operations in frame["steps"]:
            if version > copy.position[1]:
                copy.document = fastjsonpatch.apply_patch(copy.document, operations)
                copy.position = (frame["incarnation"], version)
