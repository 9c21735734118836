"""A webhook's POST: one request through the gate, of whose answer only the status counts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.addresses import Policy
from fetching import post as posting
from fetching.gate import Gate
from fetching.post import post
from tests.fetching.conftest import Servers, listening
from tests.fetching.test_guard import FORBIDDEN, Canary
from tests.fetching.test_tls import ELSEWHERE, HERE, authority

LOCAL = Gate(policy=Policy(allow_private=True))
PUBLIC = Gate(policy=Policy())
BODY = b'{"a":1}'


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    """Give a listener that nobody may reach."""
    given = Canary()
    async with listening(await given.start()):
        yield given


async def answered(servers: Servers, answer: bytes) -> str | None:
    """Post to a server that says just this."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return await post(LOCAL, str(await servers.speak(say)), BODY, {})


async def test_what_is_sent_is_a_plain_post():
    """Nothing of another request, nothing that a receiver would have to know of us; spaces and letters are escaped."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(len(BODY)))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with listening(await asyncio.start_server(serve, "127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}/a b/ä?x=%20&y=ö"
        assert await post(LOCAL, url, BODY, {"Content-Type": "application/json"}) is None

    assert got == [
        b"POST /a%20b/%C3%A4?x=%20&y=%C3%B6 HTTP/1.1\r\n"
        + f"Host: 127.0.0.1:{port}\r\n".encode()
        + b"Content-Type: application/json\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
        + BODY
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.0 299 \r\n\r\n", None),
        (b"HTTP/1.1 202\r\n", None),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\n\r\n", "answered 503"),
        (b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "answered 307"),
        (b"HTTP/1.1 404 No\r\n\r\n", "answered 404"),
        (b"", "ValueError"),
        (b"HTTP/2 200\r\n\r\n", "ValueError"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "ValueError"),
        (b"220 mail.example.com ESMTP\r\n", "ValueError"),
        (b"HTTP/1.1 200" + b" " * posting.LINE_BYTES_MAX * 2 + b"\r\n", "ValueError"),
    ],
)
async def test_only_a_final_2xx_is_a_yes(servers: Servers, answer: bytes, why: str | None):
    """Whatever else comes is a reason to try again, and never an exception."""
    assert await answered(servers, answer) == why


async def test_who_does_not_answer_is_waited_for_within_bounds(servers: Servers, monkeypatch: pytest.MonkeyPatch):
    """Also who goes on saying that he will."""
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.1)

    async def promise(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()

    assert await post(LOCAL, str(await servers.speak(promise)), BODY, {}) == "no answer within 0 s"


async def test_nobody_there_is_a_reason_too():
    """A port at which nobody listens, a name that is none, an address without a host."""
    async with listening(await Canary().start()) as port:
        pass
    assert await post(LOCAL, f"http://127.0.0.1:{port}/", BODY, {}) == "ConnectionRefusedError"
    assert await post(LOCAL, "http://no-such-name.invalid/", BODY, {}) == "gaierror"
    assert await post(LOCAL, "http:///path", BODY, {}) == "ValueError"


@pytest.mark.parametrize("form", FORBIDDEN)
async def test_no_form_of_a_forbidden_address_is_posted_to(canary: Canary, form: str):
    """The same gate as for sources, by the same list of disguises."""
    for port in (canary.port, 80):
        assert await post(PUBLIC, form.replace("{}", str(port)), BODY, {}) is not None
    assert canary.connections == 0


async def test_a_name_with_one_forbidden_answer_is_refused_whole(canary: Canary, monkeypatch: pytest.MonkeyPatch):
    """Else a name could lead inside by every second look-up."""
    loop = asyncio.get_running_loop()

    async def resolve(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", ("93.184.215.14", 80)), (2, 1, 6, "", ("127.0.0.1", canary.port))]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    assert await post(PUBLIC, "http://mixed.example.com/", BODY, {}) == "Forbidden"
    assert canary.connections == 0


async def test_a_certificate_is_checked(tmp_path: Path):
    """By name and by who issued it: what is signed is still not for everybody to read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    for names, trust, why in (
        (HERE, authority().trust, None),
        (ELSEWHERE, authority().trust, "SSLCertVerificationError"),
        (HERE, None, "SSLCertVerificationError"),
    ):
        context = authority().context(tmp_path, names=names)
        async with listening(await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)) as port:
            assert await post(LOCAL, f"https://127.0.0.1:{port}/", BODY, {}, trust=trust) == why
