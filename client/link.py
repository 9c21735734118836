"""The connection: opened with a token, kept alive, replaced before the gateway ends it, reopened for ever when lost."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from aiohttp import ClientSession, ClientWSTimeout, WSMessage, WSMsgType

from client.backoff import backoff_ms
from client.inbox import Inbox
from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.frames import MESSAGE_BYTES_MAX, Frame

#: The gateway cuts a silent connection after 10 minutes; 8 ± 1 of silence spreads the pings of many clients.
QUIET_LEAST_MS = 7 * MINUTE_MS
QUIET_SPREAD_MS = 2 * MINUTE_MS
PONG_WITHIN_MS = 10 * SECOND_MS
#: It cuts every connection after 2 hours; 110 ± 5 minutes spread those that were opened together.
HAND_OVER_LEAST_MS = 105 * MINUTE_MS
HAND_OVER_SPREAD_MS = 10 * MINUTE_MS
OPEN_WITHIN_S = 15
#: A peer that is gone does not answer a goodbye.
CLOSE_TIMEOUT = ClientWSTimeout(ws_close=1)
#: A connection that lasted this long was a success: the next loss starts from a short wait again.
STEADY_AFTER_MS = 10 * SECOND_MS

REFUSALS = (401, 403)

#: What the service answers where only another connection can help.
CONNECT_AGAIN = ("unknown_connection", "forbidden")

type Clock = Callable[[], float]
type Token = str | Callable[[], Awaitable[str]]
"""A token, or what gives the current one: those of an issuer (OIDC) end within the hour."""


class AccessRefused(PermissionError):
    """The service does not know the token, or it may not read: trying again cannot help."""


class Lost(ConnectionError):
    """The connection is gone; another is to be opened."""


class Socket(Protocol):
    """What a link needs of aiohttp's WebSocket."""

    async def send_str(self, data: str) -> None:
        """Send a text."""

    async def receive(self, timeout: float | None = None) -> WSMessage:  # noqa: ASYNC109 - aiohttp's own signature
        """Wait for a message; raises TimeoutError."""

    async def close(self) -> bool:
        """Say goodbye."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where to connect and with what. `now_ms` is a clock that only goes forward, `chance` spreads waits and pings."""

    url: str
    token: Token
    session: ClientSession
    now_ms: Clock
    chance: random.Random

    async def open(self) -> "Link":
        """
        Open a connection; who gets it closes it.

        Raises AccessRefused, and Lost if it cannot be opened now.
        """
        headers = {"Authorization": f"Bearer {await current(self.token)}"}
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                socket = await self.session.ws_connect(
                    self.url, headers=headers, max_msg_size=2 * MESSAGE_BYTES_MAX, timeout=CLOSE_TIMEOUT
                )
        except aiohttp.WSServerHandshakeError as error:
            if error.status in REFUSALS:
                raise AccessRefused("the service refuses this token") from error
            raise Lost(f"the handshake was answered with {error.status}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Lost(f"no connection: {error}") from error
        return Link(socket, now_ms=self.now_ms, chance=self.chance)


async def current(token: Token) -> str:
    """Give the token that is good now."""
    return token if isinstance(token, str) else await token()


class Link:
    """One open connection. `leave_at_ms` is when another is to take over."""

    def __init__(self, socket: Socket, *, now_ms: Clock, chance: random.Random) -> None:
        self._socket, self._now_ms, self._chance = socket, now_ms, chance
        self._inbox = Inbox()
        self._pinged = False
        self._quiet_until_ms = self._next_ping_ms()
        self.opened_at_ms = now_ms()
        self.leave_at_ms = self.opened_at_ms + HAND_OVER_LEAST_MS + HAND_OVER_SPREAD_MS * chance.random()

    async def close(self) -> None:
        """Say goodbye."""
        await self._socket.close()

    async def send(self, frame: Frame) -> None:
        """Send a frame. Raises Lost."""
        try:
            await self._socket.send_str(json.dumps(frame))
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Lost("the connection broke while sending") from error

    async def receive(self, until_ms: float) -> Frame | None:
        """Wait for a frame; None if there is none for the caller by `until_ms`. Raises Lost."""
        due_ms = min(until_ms, self._quiet_until_ms, self.leave_at_ms)
        try:
            # aiohttp takes 0 for no time-out at all.
            message = await self._socket.receive(timeout=max(0.001, (due_ms - self._now_ms()) / SECOND_MS))
        except TimeoutError:
            await self._probe()
            return None
        if message.type is not WSMsgType.TEXT:
            raise Lost("the connection was closed")
        self._pinged, self._quiet_until_ms = False, self._next_ping_ms()
        frame = self._inbox.read(message.data)
        if frame and frame["type"] == "error" and frame.get("code") in CONNECT_AGAIN:
            raise Lost(f"the service gave this connection up: {frame.get('message')}")
        return frame

    async def _probe(self) -> None:
        """After a long silence ask whether anybody is there."""
        if self._now_ms() < self._quiet_until_ms:
            return
        if self._pinged:
            raise Lost("a ping was not answered")
        self._pinged, self._quiet_until_ms = True, self._now_ms() + PONG_WITHIN_MS
        await self.send({"action": "ping"})

    def _next_ping_ms(self) -> float:
        return self._now_ms() + QUIET_LEAST_MS + QUIET_SPREAD_MS * self._chance.random()


class Retry:
    """How long to wait before the next connection."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._attempt = chance, 0

    def lasted(self, lasted_ms: float) -> None:
        """Note for how long a connection that is lost now had lasted: a steady one was a success."""
        if lasted_ms >= STEADY_AFTER_MS:
            self._attempt = 0

    def next_ms(self) -> float:
        """Say how long to wait before the next try, longer each time."""
        wait_ms = backoff_ms(self._attempt, self._chance)
        self._attempt += 1
        return wait_ms
