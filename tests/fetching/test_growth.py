"""An answer that must wait before it may grow: its source is not blamed for that, whatever the server makes of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self, cast

import pytest
from aiohttp import ClientPayloadError, ClientSession, web
from yarl import URL

from fetching.fetch import Ask, Grow, ReadAgain, fetch
from fetching.outcome import Failed, Outcome, Reason, Reply
from tests.simulation.virtual import run

PART = b"x" * 1_000
URL_ASKED = URL("https://feed.example/large")


class Server:
    """An HTTP session on virtual time: each answer is parts, and how long each takes (s); None: it breaks off there."""

    def __init__(self, *answers: Sequence[float | None]) -> None:
        self._answers = list(answers)
        self.asked = 0

    def get(self, *_: Any, **__: Any) -> "_Answer":
        """Answer a request."""
        self.asked += 1
        return _Answer(self._answers.pop(0))

    def ask(self, grow: Grow, *, timeout_s: float = 10) -> Outcome:
        """Ask once."""
        return run(fetch(cast("ClientSession", self), Ask(url=URL_ASKED, timeout_s=timeout_s, grow=grow)))


class _Answer:
    """What aiohttp's answers do, as far as a body is read."""

    status = 200
    content_length = None

    def __init__(self, parts: Sequence[float | None]) -> None:
        self.headers: dict[str, str] = {}
        self.content = self
        self._parts = list(parts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Be closed."""

    def at_eof(self) -> bool:
        return not self._parts

    async def readany(self) -> bytes:
        takes_s = self._parts.pop(0)
        if takes_s is None:
            raise ClientPayloadError("not complete")
        await asyncio.sleep(takes_s)
        return PART

    async def iter_any(self) -> AsyncIterator[bytes]:
        while self._parts:
            yield await self.readany()


class Waits:
    """Lets an answer grow, and makes it wait where it was told to, each size once."""

    def __init__(self, *, at: int, wait_s: float) -> None:
        self.told: list[int] = []
        self._waits = {at: wait_s}

    async def grow(self, size: int) -> bool:
        """Be told a size."""
        self.told.append(size)
        wait_s = self._waits.pop(size, None)
        await asyncio.sleep(wait_s or 0)
        return wait_s is not None


def test_each_part_beyond_the_first_is_told():
    """What comes at once costs nothing more than before; what grows is counted as it does."""
    small, large = Waits(at=0, wait_s=0), Waits(at=0, wait_s=0)
    assert isinstance(Server([1]).ask(small.grow), Reply)
    assert isinstance(Server([1, 1, 1]).ask(large.grow), Reply)
    assert (small.told, large.told) == ([], [2_000, 3_000])


def test_time_stands_still_while_an_answer_waits():
    """An hour of waiting is ours, not the server's: it has its ten seconds for the rest."""
    server, waits = Server([1, 1, 7]), Waits(at=2_000, wait_s=3_600)
    found = server.ask(waits.grow)
    assert isinstance(found, Reply)
    assert (found.wire, server.asked) == (3 * PART, 1)


def test_time_goes_on_where_it_stood():
    """A server that drips gains nothing by our waiting: asked again, because we did wait, it fails as it would have."""
    server, waits = Server([1, 1, 9], [1, 1, 9]), Waits(at=2_000, wait_s=3_600)
    failed = server.ask(waits.grow)
    assert isinstance(failed, Failed)
    assert (failed.reason, server.asked) == (Reason.TIMEOUT, 2)


def test_a_server_that_gave_up_meanwhile_is_asked_again():
    """Servers end answers that nobody reads: a source must not fail for that."""
    server, waits = Server([1, 1, None], [1, 1, 1]), Waits(at=2_000, wait_s=60)
    found = server.ask(waits.grow)
    assert isinstance(found, Reply)
    assert (found.wire, server.asked) == (3 * PART, 2)


def test_what_has_waited_too_long_is_dropped_and_asked_for_again_when_there_may_be_as_much():
    """It is read from its beginning, in all the time that it has."""
    server, told = Server([6, 1, 1], [7, 1, 1]), list[int]()

    async def grow(size: int) -> bool:
        told.append(size)
        if told == [2_000]:
            raise ReadAgain
        await asyncio.sleep(0 if server.asked == 2 else 100)
        return False

    found = server.ask(grow)
    assert isinstance(found, Reply)
    assert (found.wire, server.asked) == (3 * PART, 2)
    assert told == [2_000, 2_000, 2_000, 3_000]


def test_a_server_that_breaks_off_by_itself_is_not():
    """That is what failures and their waits are for."""
    server, waits = Server([1, 1, None]), Waits(at=0, wait_s=0)
    failed = server.ask(waits.grow)
    assert isinstance(failed, Failed)
    assert (failed.reason, server.asked) == (Reason.RESET, 1)


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_real_server_waits_too(servers: Any, http: ClientSession, chunked: bool):
    """Nobody reads on for one answer until another has come whole: it stands still in its socket, and then it comes."""
    body, came = b"[" + b"1," * 2_000_000 + b"1]", asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.Response:
        response = web.Response(body=body, content_type="application/json")
        if chunked:
            response.enable_chunked_encoding()
        return response

    async def wait(size: int) -> bool:
        if size > len(body) // 2:
            await came.wait()
        return size > len(body) // 2

    url = await servers.serve(answer)
    slow = asyncio.create_task(fetch(http, Ask(url=url, grow=wait)))
    quick = await fetch(http, Ask(url=url))
    assert not slow.done()
    came.set()
    for found in (quick, await slow):
        assert isinstance(found, Reply)
        assert found.wire == body
