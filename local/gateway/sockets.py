"""The clients' side: the handshake through authorizer and `$connect`, frames to routes, the goodbye."""

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any, override

from local.gateway import wire
from local.gateway.hub import Held, Hub
from local.gateway.wire import Broken, Reader

type Event = dict[str, Any]
#: The Lambda behind every route, as API Gateway calls it; runs in a thread.
type Serve = Callable[[Event], Mapping[str, Any] | None]
#: Headers (names in lower case) and query of a handshake → the authorizer's context, or None: refused.
type Authorize = Callable[[Mapping[str, str], str], Mapping[str, Any] | None]

HANDSHAKE_BYTES_MAX = 16 * 1_024
KERNEL_BYTES = 32 * 1_024
REASONS = {401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True, kw_only=True)
class Behind:
    """What the API was configured with. `goodbyes` False: `$disconnect` never comes, which AWS only tries."""

    serve: Serve
    authorize: Authorize
    routes: frozenset[str] = frozenset({"ping"})
    goodbyes: bool = True


class Socket(asyncio.Protocol):
    """One client."""

    def __init__(self, hub: Hub, behind: Behind) -> None:
        self._hub, self._behind = hub, behind
        self._id = secrets.token_urlsafe(11) + "="
        self._reader: Reader | None = None
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._held: Held | None = None
        self._work: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # What waits for a client waits here, where it is counted, and not in the kernel.
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, KERNEL_BYTES)

    @override
    def data_received(self, data: bytes) -> None:
        if self._reader:
            self._read(data)
            return
        self._head += data
        if b"\r\n\r\n" in self._head and self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._live())
        elif len(self._head) > HANDSHAKE_BYTES_MAX:
            self._end()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._hub.held.pop(self._id, None)
        self._work.put_nowait(None)

    async def _live(self) -> None:
        """Shake hands, serve one frame after the other, say goodbye."""
        head, _, rest = self._head.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, context = await self._admit(headers, first.split(" ")[1].partition("?")[2])
        if status:
            self._write(f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Length: 0\r\n\r\n".encode())
            self._end()
            return
        answer = wire.accept(headers.get("sec-websocket-key", ""))
        assert self._transport
        # Its life counts from before the client knows of it: who sees the answer and moves the clock makes it older.
        self._held = Held(id=self._id, send=self._send, waiting=self._transport.get_write_buffer_size, shut=self._close)
        self._hub.open(self._held)
        self._write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {answer}\r\n\r\n".encode()
        )
        self._reader = Reader()
        self._read(rest)
        while (text := await self._work.get()) is not None:
            await self._route(text)
        if self._behind.goodbyes:
            await self._call("$disconnect", None, context)

    async def _admit(self, headers: Mapping[str, str], query: str) -> tuple[int, Mapping[str, Any]]:
        if not self._hub.connects.take():
            return 429, {}
        context = self._behind.authorize(headers, query)
        if context is None:
            return 401, {}
        response = await self._call("$connect", None, context)
        status = int((response or {}).get("statusCode", 500))
        return (0 if status < 300 else status), context  # noqa: PLR2004 - a good status is 2xx

    async def _route(self, text: bytes) -> None:
        body = text.decode()
        try:
            action = json.loads(body).get("action")
        except (ValueError, AttributeError):
            action = None
        route = action if action in self._behind.routes else "$default"
        response = await self._call(route, body, {})
        if route != "$default" and response and "body" in response:
            self._send(str(response["body"]).encode())

    async def _call(self, route: str, body: str | None, context: Mapping[str, Any]) -> Mapping[str, Any] | None:
        event = {
            "requestContext": {"routeKey": route, "connectionId": self._id, "authorizer": dict(context)},
            "body": body,
        }
        return await asyncio.get_running_loop().run_in_executor(None, self._behind.serve, event)

    def _read(self, data: bytes) -> None:
        assert self._reader
        try:
            for got in self._reader.feed(data):
                self._got(got)
        except Broken as broken:
            self._close(broken.code)

    def _got(self, got: wire.Got) -> None:
        if self._held:
            self._held.active_at = self._hub.now()
        if got.opcode == wire.CLOSE:
            self._write(wire.frame(wire.CLOSE, got.data[:2]))
            self._end()
        elif got.opcode == wire.PING:
            self._write(wire.frame(wire.PONG, got.data))
        elif got.opcode == wire.TEXT:
            try:
                got.data.decode()
            except UnicodeDecodeError as error:
                raise Broken(wire.NOT_TEXT) from error
            self._work.put_nowait(got.data)

    def _send(self, text: bytes) -> None:
        self._write(wire.message(text))

    def _close(self, code: int) -> None:
        self._write(wire.frame(wire.CLOSE, code.to_bytes(2)))
        self._end()

    def _write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def _end(self) -> None:
        self._hub.held.pop(self._id, None)
        if self._transport:
            # What a client does not read is not waited for.
            self._transport.abort() if self._transport.get_write_buffer_size() else self._transport.close()
