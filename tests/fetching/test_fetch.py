"""One request: what comes back, what never leaves, and that a nasty server is only ever data."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from fetching.fetch import REDIRECTS_MAX, WIRE_BYTES_MAX, redirected
from fetching.fetch import Ask as AskFor
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply, Validators

type Get = Callable[..., Awaitable[Outcome]]

MOVED = "Sat, 21 Nov 2026 10:00:00 GMT"


def a_source(*, etag: str = '"v1"') -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    """Serve a small document that knows its ETag."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        return web.json_response({"a": 1}, headers={"ETag": etag, "Last-Modified": MOVED})

    return answer


async def test_a_reply_comes_as_it_was_sent_with_what_to_ask_again_with(servers: Any, get: Get):
    """Bytes and coding are untouched: the cheapest rung of the ladder compares them."""

    async def answer(_: web.BaseRequest) -> web.Response:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", "ETag": 'W/"x-gzip"'}
        return web.Response(body=gzip.compress(b"[1]", mtime=0), headers=headers)

    url = await servers.serve(answer)
    assert await get(url) == Reply(
        wire=gzip.compress(b"[1]", mtime=0),
        coding="gzip",
        content_type="application/json",
        validators=Validators(url=str(url), etag='W/"x-gzip"', last_modified=""),
    )


async def test_validators_are_sent_verbatim_and_a_304_ends_it(servers: Any, get: Get):
    """Servers compare ETags byte by byte, weak mark and all."""
    url = await servers.serve(a_source(etag='W/"odd -gzip"'))
    first = await get(url)
    assert isinstance(first, Reply)
    assert await get(url, validators=first.validators) == NotModified()


async def test_validators_of_another_url_are_not_sent(servers: Any, get: Get):
    """An ETag says something about one url only; "1" of another document would hide a change."""
    url = await servers.serve(a_source())
    other = Validators(url=str(url / "other"), etag='"v1"')
    assert isinstance(await get(url, validators=other), Reply)


async def test_a_304_that_nobody_asked_for_is_a_failure(servers: Any, get: Get):
    """Otherwise a server that always says 304 would look healthy for ever."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=304)

    failed = await get(await servers.serve(answer))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.STATUS


async def test_a_redirect_within_an_origin_keeps_the_headers(servers: Any, get: Get):
    """A trailing slash must not cost a source its key."""
    seen: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers.get("X-API-Key"))
        if request.path == "/":
            raise web.HTTPMovedPermanently("/data")
        return web.json_response([])

    assert isinstance(await get(await servers.serve(answer), headers={"X-API-Key": "k"}), Reply)
    assert seen == ["k", "k"]


async def test_a_redirect_to_another_origin_loses_every_header_of_the_source(servers: Any, get: Get):
    """Aiohttp itself would drop Authorization and deliver X-Api-Key: any header of a source may be its key."""
    seen: list[set[str]] = []

    async def elsewhere(request: web.BaseRequest) -> web.Response:
        seen.append({name.lower() for name in request.headers})
        return web.json_response([])

    target = await servers.serve(elsewhere)

    async def answer(_: web.BaseRequest) -> web.Response:
        raise web.HTTPFound(str(target))

    secrets = {"X-API-Key": "k", "Authorization": "Bearer k", "Cookie": "s=k", "X-Other": "k"}
    assert isinstance(await get(await servers.serve(answer), headers=secrets), Reply)
    assert not seen[0] & {name.lower() for name in secrets}


async def test_headers_do_not_come_back_after_another_origin(servers: Any, get: Get):
    """Whoever is in between chose where the last hop leads, path and all."""
    seen: list[str | None] = []
    hops: dict[str, URL] = {}

    async def home(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers.get("X-API-Key"))
        if request.path == "/":
            raise web.HTTPFound(str(hops["away"]))
        return web.json_response([])

    async def away(_: web.BaseRequest) -> web.Response:
        raise web.HTTPFound(str(hops["home"] / "back"))

    hops["home"], hops["away"] = await servers.serve(home), await servers.serve(away)
    await get(hops["home"], headers={"X-API-Key": "k"})
    assert seen == ["k", None]


async def test_redirects_end(servers: Any, get: Get):
    """A loop must not hold a slot until the time-out."""
    hits = 0

    async def answer(_: web.BaseRequest) -> web.Response:
        nonlocal hits
        hits += 1
        raise web.HTTPFound("/again")

    failed = await get(await servers.serve(answer))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REDIRECT
    assert hits == REDIRECTS_MAX + 1


@pytest.mark.parametrize(
    "location", ["http://example.com/", "ftp://example.com/", "https://u:p@example.com/", "file:///etc/passwd", ""]
)
def test_a_redirect_that_may_not_be_followed_is_refused(location: str):
    """From https nothing leads back to http, and a new url passes the rules of a first one."""
    with pytest.raises(Exception, match="redirect"):
        redirected(AskFor(url=URL("https://example.com/")), location)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (204, Reason.STATUS), (206, Reason.STATUS), (401, Reason.UNAUTHORIZED), (403, Reason.UNAUTHORIZED),
        (404, Reason.NOT_FOUND), (410, Reason.NOT_FOUND), (429, Reason.RATE_LIMITED), (500, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR), (418, Reason.STATUS),
    ],
)  # fmt: skip
async def test_a_status_becomes_a_reason_and_words(servers: Any, get: Get, status: int, reason: Reason):
    """A person reads why, a program reads the reason."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "120"})

    failed = await get(await servers.serve(answer))
    assert isinstance(failed, Failed)
    assert (failed.reason, failed.retry_after_s) == (reason, 120)
    assert str(status) in failed.why


async def test_a_retry_after_that_is_a_date_is_read_by_the_servers_own_clock(servers: Any, get: Get):
    """Its clock and ours need not agree."""

    async def answer(_: web.BaseRequest) -> web.Response:
        dates = {"Date": MOVED, "Retry-After": MOVED.replace("10:00:00", "10:01:30")}
        return web.Response(status=503, headers=dates)

    failed = await get(await servers.serve(answer))
    assert isinstance(failed, Failed)
    assert failed.retry_after_s == 90


async def test_a_drip_is_cut_by_the_total_time(servers: Any, get: Get):
    """A byte now and then satisfies every read time-out."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    failed = await get(await servers.speak(drip), timeout_s=0.2)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.TIMEOUT


async def test_a_body_shorter_than_its_length_is_a_failure(servers: Any, get: Get):
    """Half a document must never look like a change."""

    async def short(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[1]")
        await writer.drain()

    failed = await get(await servers.speak(short))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.RESET


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (WIRE_BYTES_MAX + 1),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["announced", "not announced"],
)
async def test_a_body_over_the_cap_is_refused(servers: Any, get: Get, head: bytes):
    """The cap holds whether or not the server says beforehand."""

    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(WIRE_BYTES_MAX // 65_536 + 16):
            writer.write(b" " * 65_536)
            await writer.drain()

    failed = await get(await servers.speak(flood))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "garbage",
    [
        b"", b"\x00\x01\x02", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/9.9 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA" + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ],
)  # fmt: skip
async def test_a_server_that_does_not_speak_http_is_a_failure(servers: Any, get: Get, garbage: bytes):
    """Whatever comes is data about the source."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        await writer.drain()

    assert isinstance(await get(await servers.speak(answer)), Failed)


async def test_a_port_where_nobody_listens_is_a_failure_without_the_query(servers: Any, get: Get):
    """Query strings hold keys, so no text of ours shows one."""
    url = await servers.speak(lambda _: asyncio.sleep(0))
    await servers.close()
    failed = await get(url.with_query(key="secret"))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.CONNECT
    assert "secret" not in failed.why


async def test_a_name_that_cannot_be_is_a_failure(get: Get):
    """The resolver's own complaint about a label is no exception of ours."""
    failed = await get(URL(f"http://{'a' * 70}.invalid/"))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.DNS
