"""
An AWS service that speaks JSON, asked over sockets of the loop: a seventh of the CPU that boto3 takes in a thread.

A change is four requests, and boto3's objects around each (events, shapes, endpoint rules, urllib3) took more than all
polling does. Here a request is signed with what its moment shares and goes out as it is. One try, as everywhere in a
worker: a second try of a conditional write needs its caller's judgement. What an error is called is left to
`monitor_fleet.store`.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, override

import aiohttp
import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from botocore.exceptions import BotoCoreError, ClientError

from contracts.clock import NowMs
from contracts.json_service import Place, Seal, error_code
from contracts.signature import Credentials
from monitor_fleet.errors import Ambiguous, StoreFailed
from monitor_fleet.store import Request, in_our_words

USER_AGENT = "sheet-monitor-fleet"
#: As the SDK for Java does: a socket that rested longer may be closed at the other end without our knowing.
REST_MAX_S = 60
DNS_TTL_S = 60
OK = 200

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Names(AbstractResolver):
    """Looks names up in threads of its own: those for sources' names may all wait for a name server that hangs."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        def look_up() -> list[Any]:
            return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)

        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [
            ResolveResult(
                hostname=host, host=address[0], port=address[1], family=family, proto=proto,
                flags=socket.AI_NUMERICHOST,
            )
            for family, _, proto, _, address in found
        ]  # fmt: skip

    @override
    async def close(self) -> None:
        """Leave the threads to whoever made them."""


class Service:
    """
    Asks one service.

    `credentials` may take long when a role's are renewed, so it is asked in `threads`.
    """

    def __init__(
        self, place: Place, http: ClientSession, *, credentials: Callable[[], Credentials], threads: Executor,
        now_ms: NowMs,
    ) -> None:  # fmt: skip
        self._place = place
        self._http = http
        self._credentials = credentials
        self._threads = threads
        self._now_ms = now_ms
        self._seal: Seal | None = None
        self._renewing = asyncio.Lock()

    async def ask(self, operation: str, request: Request) -> Any:
        """Ask once; raises our own words for what went wrong."""
        body = _encode(request)
        headers = (await self._sealed()).headers(operation, body)
        try:
            async with self._http.post(self._place.url, data=body, headers=headers, allow_redirects=False) as reply:
                status, answer = reply.status, await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Ambiguous(f"no answer: {error or type(error).__name__}") from error
        if status == OK:
            return _read(answer)
        raise in_our_words(_error(operation, status, answer))

    async def _sealed(self) -> Seal:
        if self._seal is None or not self._seal.holds_at(self._now_ms()):
            async with self._renewing:
                if self._seal is None or not self._seal.holds_at(self._now_ms()):
                    self._seal = await self._renew()
        return self._seal

    async def _renew(self) -> Seal:
        loop = asyncio.get_running_loop()
        try:
            credentials = await loop.run_in_executor(self._threads, self._credentials)
        except BotoCoreError as error:
            raise StoreFailed(f"not sent: {error}") from error
        return Seal(self._place, credentials, now_ms=self._now_ms())


def session(
    threads: Executor, *, at_once_max: int, connect_timeout_s: float, read_timeout_s: float, trust: str | None
) -> ClientSession:
    """Open what several services share; call it inside the loop. `trust` is the file of certificates."""
    return ClientSession(
        connector=TCPConnector(
            limit=at_once_max,
            resolver=Names(threads),
            keepalive_timeout=REST_MAX_S,
            ttl_dns_cache=DNS_TTL_S,
            ssl=ssl.create_default_context(cafile=trust),
        ),
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        skip_auto_headers=("Accept", "Accept-Encoding"),
        headers={"User-Agent": USER_AGENT},
        timeout=ClientTimeout(total=None, sock_connect=connect_timeout_s, sock_read=read_timeout_s),
    )


def _read(answer: bytes) -> Any:
    try:
        read = _decode(answer) if answer else {}
    except msgspec.DecodeError as error:
        raise Ambiguous(f"no answer: {error}") from error
    # Bytes travel as base64; looking for them everywhere would take longer than all the rest.
    return _with_bytes(read) if b'"B"' in answer else read


def _with_bytes(value: Any) -> Any:
    match value:
        case {"B": str(text), **others} if not others:
            return {"B": base64.b64decode(text)}
        case dict():
            return {name: _with_bytes(one) for name, one in value.items()}
        case list():
            return [_with_bytes(one) for one in value]
        case _:
            return value


def _error(operation: str, status: int, answer: bytes) -> ClientError:
    """Make what botocore would of an error's body."""
    try:
        read = _read(answer)
    except Ambiguous:
        read = None
    fields = read if isinstance(read, dict) else {}
    code = error_code(fields.pop("__type", None), status)
    message = str(fields.pop("message", None) or fields.pop("Message", ""))
    response: Any = {
        **fields, "Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status},
    }  # fmt: skip
    return ClientError(response, operation)
