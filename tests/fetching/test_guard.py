"""The gate: no disguise of an address gets a packet through."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientConnectorError, ClientSession, web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from contracts.addresses import Policy
from fetching.fetch import Ask, fetch
from fetching.guard import Forbidden, connector
from fetching.outcome import Failed, Reason, Reply
from fetching.session import session

PUBLIC = Policy()
GOOD = "93.184.215.14"

#: Ways to write an address that must not be asked; `{}` is the canary's port.
FORBIDDEN = [
    "http://127.0.0.1:{}/", "http://127.1.2.3:{}/", "http://localhost:{}/", "http://localhost.:{}/",
    "http://LOCALHOST:{}/", "http://127.1:{}/", "http://127.0.1:{}/", "http://0177.0.0.1:{}/",
    "http://0x7f.0.0.1:{}/", "http://0x7f000001:{}/", "http://2130706433:{}/", "http://017700000001:{}/",
    "http://0:{}/", "http://0.0.0.0:{}/", "http://127.0.0.1.:{}/", "http://①②⑦.⓪.⓪.①:{}/",
    "http://127。0。0。1:{}/", "http://[::1]:{}/", "http://[0:0:0:0:0:0:0:1]:{}/", "http://[::]:{}/",
    "http://[::ffff:127.0.0.1]:{}/", "http://[::ffff:7f00:1]:{}/", "http://[::127.0.0.1]:{}/",
    "http://[64:ff9b::127.0.0.1]:{}/", "http://[64:ff9b:1::7f00:1]:{}/", "http://[2002:7f00:1::]:{}/",
    "http://[2001:0:7f00:1::]:{}/", "http://[fe80::1%251]:{}/", "http://[fc00::1]:{}/", "http://[fd00:ec2::254]:{}/",
    "http://169.254.169.254:{}/latest/meta-data/", "http://169.254.170.2:{}/v2/credentials",
    "http://[::ffff:169.254.169.254]:{}/", "http://[64:ff9b::a9fe:a9fe]:{}/", "http://10.0.0.1:{}/",
    "http://172.16.0.1:{}/", "http://192.168.1.1:{}/", "http://100.64.0.1:{}/", "http://224.0.0.1:{}/",
    "http://255.255.255.255:{}/", "http://user@127.0.0.1:{}/", "http://[ff02::1]:{}/", "http://[fec0::1]:{}/",
]  # fmt: skip

METADATA = ["http://169.254.169.254/", "http://169.254.170.2/", "http://[fd00:ec2::254]/", "http://[::ffff:a9fe:a9fe]/"]


class Names(AbstractResolver):
    """Answers any name with what it is told, one list after another."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the next answer; the last one for ever."""
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
            for address in found
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing to close."""


class Canary:
    """Listens on every loopback address and counts who comes."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0

    async def start(self) -> asyncio.Server:
        """Listen on a free port."""
        server = await asyncio.start_server(self._came, "0.0.0.0", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _came(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    """Give a listener that nobody may reach."""
    given = Canary()
    server = await given.start()
    yield given
    server.close()
    await server.wait_closed()


@pytest.fixture
async def guarded() -> AsyncIterator[ClientSession]:
    """Give a session as production has it."""
    async with session(connector(PUBLIC)) as given:
        yield given


@pytest.mark.parametrize("form", FORBIDDEN)
async def test_no_form_of_a_forbidden_address_is_asked(guarded: ClientSession, canary: Canary, form: str):
    """Literals never pass a resolver, so only a gate at the socket sees them all; and ports are a gate too."""
    for port in (canary.port, 80):
        try:
            url = URL(form.format(port))
        except ValueError:
            continue  # not a url at all: registration refuses it, no request can be made
        assert isinstance(await fetch(guarded, Ask(url=url, timeout_s=5)), Failed)
    assert canary.connections == 0


async def test_the_socket_alone_refuses_where_nothing_else_looks(guarded: ClientSession, canary: Canary):
    """Asked behind the back of every other check, the last one holds."""
    with pytest.raises(ClientConnectorError) as raised:
        await guarded.get(f"http://127.0.0.1:{canary.port}/")
    assert isinstance(raised.value.os_error, Forbidden)
    assert canary.connections == 0


@pytest.mark.parametrize("url", METADATA)
async def test_metadata_addresses_are_refused_even_where_private_ones_are_not(url: str):
    """They hand out credentials; the local stack has no use for them."""
    local = Policy(allow_private=True)
    async with session(connector(local)) as http:
        failed = await fetch(http, Ask(url=URL(url), timeout_s=5))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REFUSED


@pytest.mark.parametrize(
    "answers", [[["127.0.0.1"]], [[GOOD, "127.0.0.1"]], [["10.0.0.8"]], [["::ffff:169.254.169.254"]]]
)
async def test_a_name_with_any_forbidden_answer_is_refused(canary: Canary, answers: list[list[str]]):
    """A name that mixes good and bad answers waits for the connector to try the bad one."""
    policy = Policy()
    async with session(connector(policy, resolver=Names(*answers))) as http:
        failed = await fetch(http, Ask(url=URL("http://innocent.example/"), timeout_s=5))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REFUSED
    assert canary.connections == 0


async def test_a_forbidden_port_of_the_local_stack_is_refused_under_any_name(canary: Canary):
    """A source that polls the emulator would have its whole account."""
    local = Policy(allow_private=True, forbidden_ports=frozenset({canary.port}))
    async with session(connector(local, resolver=Names(["127.0.0.1"]))) as http:
        for host in ("innocent.example", "127.0.0.1", "[::ffff:127.0.0.1]"):
            failed = await fetch(http, Ask(url=URL(f"http://{host}:{canary.port}/"), timeout_s=5))
            assert isinstance(failed, Failed)
            assert failed.reason is Reason.REFUSED
    assert canary.connections == 0


async def test_a_redirect_to_a_forbidden_place_is_refused(canary: Canary):
    """Each hop passes the same gate as the first."""
    local = Policy(allow_private=True, forbidden_ports=frozenset({canary.port}))

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://127.0.0.1:{canary.port}/"})

    runner = web.ServerRunner(web.Server(answer), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with session(connector(local)) as http:
        url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        failed = await fetch(http, Ask(url=url, timeout_s=5))
    await runner.cleanup()
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REFUSED
    assert canary.connections == 0


async def test_what_is_allowed_still_works():
    """A gate that refuses everything would pass every test above."""
    local = Policy(allow_private=True)

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(text="{}")

    runner = web.ServerRunner(web.Server(answer), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with session(connector(local, resolver=Names(["127.0.0.1"]))) as http:
        url = URL(f"http://feed.example:{runner.addresses[0][1]}/")
        assert isinstance(await fetch(http, Ask(url=url, timeout_s=5)), Reply)
    await runner.cleanup()
