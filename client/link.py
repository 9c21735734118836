"""The connection: opened with a token, kept alive, reopened for ever when it is lost."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from client.backoff import backoff_ms
from client.inbox import Inbox
from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.frames import MESSAGE_BYTES_MAX, Frame

#: The gateway cuts a silent connection after 10 minutes; 8 ± 1 of silence spreads the pings of many clients.
QUIET_LEAST_MS = 7 * MINUTE_MS
QUIET_SPREAD_MS = 2 * MINUTE_MS
PONG_WITHIN_MS = 10 * SECOND_MS
OPEN_WITHIN_S = 15
#: A peer that is gone does not answer a goodbye.
CLOSE_TIMEOUT = ClientWSTimeout(ws_close=1)
#: A connection that lasted this long was a success: the next loss starts from a short wait again.
STEADY_AFTER_MS = 10 * SECOND_MS

REFUSALS = (401, 403)

type Clock = Callable[[], float]


class AccessRefused(PermissionError):
    """The service does not know the token, or it may not read: trying again cannot help."""


class Lost(ConnectionError):
    """The connection is gone; another is to be opened."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where to connect and with what. `now_ms` is a clock that only goes forward, `chance` spreads waits and pings."""

    url: str
    token: str
    session: ClientSession
    now_ms: Clock
    chance: random.Random

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Link"]:
        """
        Open a connection.

        Raises AccessRefused, and Lost if it cannot be opened now.
        """
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                socket = await self.session.ws_connect(
                    self.url,
                    headers={"Authorization": f"Bearer {self.token}"},
                    max_msg_size=2 * MESSAGE_BYTES_MAX,
                    timeout=CLOSE_TIMEOUT,
                )
        except aiohttp.WSServerHandshakeError as error:
            if error.status in REFUSALS:
                raise AccessRefused("the service refuses this token") from error
            raise Lost(f"the handshake was answered with {error.status}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Lost(f"no connection: {error}") from error
        try:
            yield Link(socket, self)
        finally:
            await socket.close()


class Link:
    """One open connection."""

    def __init__(self, socket: ClientWebSocketResponse, door: Door) -> None:
        self._socket, self._door = socket, door
        self._inbox = Inbox()
        self._pinged = False
        self._quiet_until_ms = self._next_ping_ms()

    async def send(self, frame: Frame) -> None:
        """Send a frame. Raises Lost."""
        try:
            await self._socket.send_str(json.dumps(frame))
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Lost("the connection broke while sending") from error

    async def receive(self, until_ms: float) -> Frame | None:
        """Wait for a frame; None if there is none for the caller by `until_ms`. Raises Lost."""
        due_ms = min(until_ms, self._quiet_until_ms)
        try:
            # aiohttp takes 0 for no time-out at all.
            message = await self._socket.receive(timeout=max(0.001, (due_ms - self._door.now_ms()) / SECOND_MS))
        except TimeoutError:
            await self._probe()
            return None
        if message.type is not WSMsgType.TEXT:
            raise Lost("the connection was closed")
        self._pinged, self._quiet_until_ms = False, self._next_ping_ms()
        return self._inbox.read(message.data)

    async def _probe(self) -> None:
        """After a long silence ask whether anybody is there."""
        if self._door.now_ms() < self._quiet_until_ms:
            return
        if self._pinged:
            raise Lost("a ping was not answered")
        self._pinged, self._quiet_until_ms = True, self._door.now_ms() + PONG_WITHIN_MS
        await self.send({"action": "ping"})

    def _next_ping_ms(self) -> float:
        return self._door.now_ms() + QUIET_LEAST_MS + QUIET_SPREAD_MS * self._door.chance.random()


class Retry:
    """How long to wait before the next connection."""

    def __init__(self, door: Door) -> None:
        self._door, self._attempt = door, 0
        self._opened_at_ms: float | None = None

    def opened(self) -> None:
        """Note that a connection is open."""
        self._opened_at_ms = self._door.now_ms()

    async def wait(self) -> None:
        """Wait after a loss, longer each time unless the connection had lasted."""
        if self._opened_at_ms is not None and self._door.now_ms() - self._opened_at_ms >= STEADY_AFTER_MS:
            self._attempt = 0
        self._opened_at_ms = None
        await asyncio.sleep(backoff_ms(self._attempt, self._door.chance) / SECOND_MS)
        self._attempt += 1
