"""
One POST of JSON to an address that an operator named, through the gate as every request.

By asyncio's own streams: aiohttp would double what a Lambda that sends a few webhooks takes to start, and of the
answer only its status counts.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from string import punctuation
from urllib.parse import SplitResult, quote, urlsplit

from fetching.gate import Gate

TIMEOUT_S = 5.0
LINE_BYTES_MAX = 8_192
_GOOD = range(200, 300)
_INTERIM = range(100, 200)
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r\n]")
_PORTS = {"https": 443, "http": 80}


async def post(
    gate: Gate, url: str, body: bytes, headers: Mapping[str, str], *, trust: ssl.SSLContext | None = None
) -> str | None:
    """
    Send a body; None if it was taken, else why not, in words that name neither the address nor the body.

    Redirects are not followed: what was signed for one receiver is nobody else's. `trust` is the system's if None.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status = await _send(gate, urlsplit(url), body, headers, trust)
    except TimeoutError:
        return f"no answer within {TIMEOUT_S:.0f} s"
    except (OSError, ValueError) as error:
        return type(error).__name__
    return None if status in _GOOD else f"answered {status}"


@cache
def system_trust() -> ssl.SSLContext:
    """Read whom the machine trusts, once."""
    trust = ssl.create_default_context()
    trust.set_alpn_protocols(["http/1.1"])
    return trust


async def _send(
    gate: Gate, url: SplitResult, body: bytes, headers: Mapping[str, str], trust: ssl.SSLContext | None
) -> int:
    reader, writer = await _connect(gate, url, trust)
    try:
        writer.write(_head(url, {**headers, "Content-Length": f"{len(body)}", "Connection": "close"}) + body)
        return await _status(reader)
    finally:
        writer.transport.abort()
        with suppress(OSError):  # how it ended is known; only its socket must not outlive this call
            await writer.wait_closed()


async def _connect(
    gate: Gate, url: SplitResult, trust: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address of the host that answers, if all of them may be asked."""
    host, port = _host(url), url.port or _PORTS[url.scheme]
    secure = (trust or system_trust()) if url.scheme == "https" else None
    name = host if secure else None
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    for address in addresses:
        gate.check(address, port)
    for address in addresses[:-1]:
        with suppress(OSError):
            return await asyncio.open_connection(address, port, limit=LINE_BYTES_MAX, ssl=secure, server_hostname=name)
    return await asyncio.open_connection(addresses[-1], port, limit=LINE_BYTES_MAX, ssl=secure, server_hostname=name)


def _host(url: SplitResult) -> str:
    if not url.hostname:
        raise ValueError("no host")
    return url.hostname if url.hostname.isascii() else url.hostname.encode("idna").decode()


def _head(url: SplitResult, headers: Mapping[str, str]) -> bytes:
    target = quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=punctuation)
    host = f"[{_host(url)}]" if ":" in _host(url) else _host(url)
    named = {"Host": f"{host}:{url.port}" if url.port else host, **headers}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _status(reader: asyncio.StreamReader) -> int:
    """Read the status, past interim ones."""
    while True:
        known = _STATUS.match(await reader.readline())
        if known is None:
            raise ValueError("no answer of HTTP/1.1")
        status = int(known[1])
        if status not in _INTERIM:
            return status
        while (await reader.readline()).strip():
            pass
