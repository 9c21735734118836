"""Servers at their worst, spoken by raw sockets: whatever comes is data about the source, and it ends in time."""

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from fetching.decode import TooLarge, Undecodable, decode
from fetching.fetch import REDIRECTS_MAX, Ask, fetch
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply, Validators
from tests.fetching.conftest import listening

type Get = Callable[..., Awaitable[Outcome]]

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

BROKEN = {
    "no answer": b"",
    "half a status": b"HTTP/1.",
    "headers without an end": OK + b"Content-Type: application/json\r\n",
    "shorter than said": OK + b"Content-Length: 100\r\n\r\n[1]",
    "length is no number": OK + b"Content-Length: ten\r\n\r\n[1]",
    "length is negative": OK + b"Content-Length: -3\r\n\r\n[1]",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 300\r\n\r\n[1]",
    "chunk size is no number": CHUNKED + b"zz\r\n[1]\r\n0\r\n\r\n",
    "chunk size is negative": CHUNKED + b"-3\r\n[1]\r\n0\r\n\r\n",
    "chunk without its end": CHUNKED + b"3\r\n[1]0\r\n\r\n",
    "chunks without the last": CHUNKED + b"3\r\n[1]\r\n",
    "chunk larger than sent": CHUNKED + b"ffff\r\n[1]",
    "chunk beyond all": CHUNKED + b"ffffffffffffffffffff\r\n[1]",
    "endless header": OK + b"X: " + b"x" * 200_000,
    "endless reason": b"HTTP/1.1 200 " + b"O" * 200_000,
    "a web socket": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "another protocol": b"220 smtp.example ESMTP\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x28",
}


@pytest.mark.parametrize("ends", ["closed", "reset"])
async def test_a_kept_connection_that_has_died_is_no_failure(http: Any, ends: str):
    """Servers drop idle connections when they like: asked once more on a new one; one that is new is not."""
    answered: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered.append(0)
        await reader.readuntil(b"\r\n\r\n")
        if len(answered) < 3:
            answered[-1] += 1
            writer.write(OK + b"Content-Length: 3\r\n\r\n[1]")
            await reader.readuntil(b"\r\n\r\n")
        if ends == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening(server) as port:
        ask = Ask(url=URL(f"http://127.0.0.1:{port}/"), timeout_s=3)
        found = [await fetch(http, ask) for _ in range(3)]
    assert [type(one) for one in found] == [Reply, Reply, Failed]
    assert answered == [1, 1, 0]  # the third was asked on the dead second connection first, then once on a new one


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer_is_a_failure(servers: Any, get: Get, name: str):
    """Half a document must never look like a change, and nothing of this may raise."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(BROKEN[name])
        await writer.drain()

    failed = await get(await servers.speak(answer), timeout_s=3)
    assert isinstance(failed, Failed), failed
    assert failed.why


async def test_a_half_closed_connection_ends_in_time(servers: Any, get: Get):
    """It says that it is done, holds the connection, and the answer is not whole: no poll may wait for ever."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 100\r\n\r\n[1")
        writer.write_eof()
        await asyncio.sleep(5)

    failed = await get(await servers.speak(answer), timeout_s=0.5)
    assert isinstance(failed, Failed)
    assert failed.reason in {Reason.RESET, Reason.TIMEOUT}


@pytest.mark.parametrize("head", [b"", OK, OK + b"Content-Length: 100000\r\n\r\n", CHUNKED], ids=len)
async def test_a_drip_in_any_part_ends_in_time(servers: Any, get: Get, head: bytes):
    """In the status, the headers, the body or the chunks: only the total time sees it."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"1" if head else b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    failed = await get(await servers.speak(drip), timeout_s=0.3)
    assert isinstance(failed, Failed)
    assert failed.reason in {Reason.TIMEOUT, Reason.STATUS, Reason.RESET}


async def test_interim_answers_without_end_end_in_time(servers: Any, get: Get):
    """Each is a whole answer to the parser, none is one to the request."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10)
            await writer.drain()
            await asyncio.sleep(0.01)

    failed = await get(await servers.speak(answer), timeout_s=0.3)
    assert isinstance(failed, Failed)


async def test_headers_without_end_are_bounded(servers: Any, get: Get):
    """A million short ones are as bad as a long one."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        for _ in range(2_000):
            writer.write(b"".join(b"X-%d: y\r\n" % n for n in range(1_000)))
            await writer.drain()

    failed = await get(await servers.speak(answer), timeout_s=5)
    assert isinstance(failed, Failed)


async def test_what_follows_an_answer_is_not_the_next_one(servers: Any, get: Get):
    """Bytes beyond Content-Length would else be the answer to another source of the host."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        smuggled = OK + b'Content-Length: 8\r\n\r\n["evil"]'
        writer.write(OK + b"Content-Length: 3\r\n\r\n[1]" + smuggled)
        await writer.drain()
        await asyncio.sleep(0.05)

    url = await servers.speak(answer)
    for _ in range(3):
        reply = await get(url, timeout_s=2)
        assert isinstance(reply, Failed) or reply.wire == b"[1]"  # type: ignore[union-attr] # no 304 was asked for


@pytest.mark.parametrize("location", ["/", "/a", "/a?x=1", "//{}/a", "http://{}/b#c", "?x", "./././"])
async def test_a_loop_of_redirects_ends(servers: Any, get: Get, location: str):
    """However it is written."""
    hits = 0

    async def answer(request: web.BaseRequest) -> web.Response:
        nonlocal hits
        hits += 1
        return web.Response(status=307, headers={"Location": location.format(request.host)})

    failed = await get(await servers.serve(answer))
    assert isinstance(failed, Failed)
    assert (failed.reason, hits) == (Reason.REDIRECT, REDIRECTS_MAX + 1)


async def test_a_chain_over_origins_carries_no_header_and_no_validators(servers: Any, get: Get):
    """Whoever is at the end must learn nothing of whoever was at the beginning."""
    seen: list[dict[str, str]] = []

    async def last(request: web.BaseRequest) -> web.Response:
        seen.append({name.lower(): value for name, value in request.headers.items()})
        return web.json_response([1], headers={"ETag": '"of the last"'})

    end = await servers.serve(last)

    async def middle(_: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": str(end)})

    between = await servers.serve(middle)

    async def first(_: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": str(between)})

    url = await servers.serve(first)
    known = Validators(url=str(url), etag='"of the first"')
    reply = await get(url, headers={"X-API-Key": "k", "Referer": "x"}, validators=known)
    assert isinstance(reply, Reply)
    assert (reply.validators.url, reply.validators.etag) == (str(end), '"of the last"')
    assert not seen[0].keys() & {"x-api-key", "referer", "if-none-match", "cookie", "authorization"}


async def test_an_etag_that_stays_while_the_body_changes_hides_nothing(servers: Any, get: Get):
    """On a 200 the body counts: an equal ETag is a server's mistake."""
    bodies = [b"[1]", b"[2]"]

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=bodies.pop(0), headers={"ETag": '"same"'})

    url = await servers.serve(answer)
    first = await get(url)
    assert isinstance(first, Reply)
    second = await get(url, validators=first.validators)
    assert isinstance(second, Reply)
    assert second.wire == b"[2]"


async def test_a_304_with_a_body_is_a_304(servers: Any, get: Get):
    """And what it brings along is not the next answer on that connection."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n[9]")
        await writer.drain()

    url = await servers.speak(answer)
    for _ in range(2):
        outcome = await get(url, validators=Validators(url=str(url), etag='"v"'), timeout_s=2)
        assert isinstance(outcome, NotModified | Failed)


@pytest.mark.parametrize("odd", ['"', "no quotes", 'W/"é"', '"a", "b"', "*", '""', "x" * 5_000])
async def test_an_odd_etag_comes_back_as_it_was(servers: Any, get: Get, odd: str):
    """A server compares with what it said, whatever that was."""
    asked: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.headers.get("If-None-Match"))
        return web.json_response([1], headers={"ETag": odd})

    url = await servers.serve(answer)
    first = await get(url)
    assert isinstance(first, Reply)
    await get(url, validators=first.validators)
    assert asked == [None, odd]


async def test_a_bomb_over_the_wire_costs_what_came(servers: Any, get: Get):
    """Two gigabytes in two megabytes: fetched as they are, and refused while they are unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    block = bytes(16 * 1_024 * 1_024)
    head = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=head + again * 127, headers={"Content-Encoding": "gzip"})

    reply = await get(await servers.serve(answer))
    assert isinstance(reply, Reply)
    with pytest.raises(TooLarge):
        decode(reply.wire, reply.coding)


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip, br", "aes128gcm", "deflate", "x" * 1_000])
async def test_a_coding_that_was_not_asked_for_is_a_failure_of_the_source(servers: Any, get: Get, coding: str):
    """We ask for gzip, br and zstd, once."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=gzip.compress(b"[1]"), headers={"Content-Encoding": coding})

    reply = await get(await servers.serve(answer))
    assert isinstance(reply, Reply)
    with pytest.raises(Undecodable, match="not asked for"):
        decode(reply.wire, reply.coding)
