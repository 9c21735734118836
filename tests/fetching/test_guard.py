"""The gate: no disguise of an address gets a packet through."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientConnectorError, ClientSession, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from contracts.addresses import Policy
from contracts.rules import check_destination, check_url
from fetching.fetch import Ask, fetch
from fetching.gate import Forbidden, Gate
from fetching.guard import GuardedResolver, connector
from fetching.outcome import Failed, Reason, Reply
from fetching.session import session
from tests.fetching.conftest import listening

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
    "http://127.0.0.1:{}@127.0.0.1:{}/", "http://example.com@127.0.0.1:{}/", "http://127.0.0.1:{}#@example.com/",
    "http://127.0.0.1:{}?@example.com/", "http://127.0.0.1:{}/@example.com", "http://127.0.0.1\\@example.com:{}/",
    "http://example.com\\@127.0.0.1:{}/", "http:\\\\127.0.0.1:{}/", "http:/127.0.0.1:{}/", "//127.0.0.1:{}/",
    "http://127.0.0.1\t:{}/", "http://127.0.0.1%00:{}/", "http://127.0.0.1%2f:{}/", "http://%31%32%37.0.0.1:{}/",
    "http://127%2e0%2e0%2e1:{}/", "http://0x7f.1:{}/", "http://0x7F.0x0.0x0.0x1:{}/", "http://0177.1:{}/",
    "http://00000177.0.0.1:{}/", "http://127.0x0.0.1:{}/", "http://127.000.000.001:{}/", "http://0x0:{}/",
    "http://0000::1:{}/", "http://[0000::0001]:{}/", "http://[::1%25lo]:{}/", "http://[::1%lo]:{}/",
    "http://[::ffff:0:127.0.0.1]:{}/", "http://[::ffff:0.0.0.0]:{}/", "http://[2002:a9fe:a9fe::]:{}/",
    "http://[::169.254.169.254]:{}/", "http://[fd00:ec2::23]:{}/", "http://[fe80::a9fe:a9fe]:{}/",
    "http://[2600:1f00::5efe:127.0.0.1]:{}/", "http://①27.0.0.1:{}/", "http://\uff11\uff12\uff17.0.0.1:{}/", "http://127\uff0e0\uff0e0\uff0e1:{}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{}/", "http://localhost。:{}/", "http://127.0.0.1\u200b:{}/", "http://loc­alhost:{}/",
    "ftp://127.0.0.1:{}/", "file://127.0.0.1:{}/", "gopher://127.0.0.1:{}/", "ws://127.0.0.1:{}/", "unix://127.0.0.1:{}/",
    "http://172.31.255.255:{}/", "http://192.0.0.1:{}/", "http://198.18.0.1:{}/", "http://239.255.255.250:{}/",
    "http://168.63.129.16:{}/", "http://100.100.100.200:{}/", "http://[64:ff9b:1:a9fe:a9:fe00::]:{}/",
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
    async with listening(await given.start()):
        yield given


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
            url = URL(form.replace("{}", str(port)))
        except ValueError:
            continue  # not a url at all: registration refuses it, no request can be made
        assert isinstance(await fetch(guarded, Ask(url=url, timeout_s=5)), Failed)
    assert canary.connections == 0


@pytest.mark.parametrize("form", FORBIDDEN)
async def test_no_redirect_leads_there(canary: Canary, servers: Any, form: str):
    """Asked by a server that may be asked itself, under a gate that refuses nothing but what is forbidden."""
    local = Policy(allow_private=True, forbidden_ports=frozenset({canary.port}))

    async def answer(writer: asyncio.StreamWriter) -> None:
        location = form.replace("{}", str(canary.port)).encode("utf-8", "replace").replace(b"\t", b"")
        writer.write(
            b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
        )
        await writer.drain()

    async with session(connector(local)) as http:
        await fetch(http, Ask(url=await servers.speak(answer), timeout_s=0.5))
    assert canary.connections == 0


def test_the_corpus_is_large_enough():
    """The bar is 80 forms."""
    assert len(set(FORBIDDEN)) >= 80


#: Names say nothing before they are resolved; everything else is told at registration, in words.
ONLY_AT_THE_SOCKET = re.compile(r"(?i)http://(localhost|ⓛ|loc\u00ad|%31|127%2e)")


@pytest.mark.parametrize("form", [form for form in FORBIDDEN if not ONLY_AT_THE_SOCKET.match(form)])
def test_registration_refuses_what_can_be_seen(form: str):
    """A mistake or a trick in the address is told to the person at once, not found by a worker later."""
    with pytest.raises(ValueError, match=r"\w"):
        check_destination(check_url(form.replace("{}", "80")), PUBLIC)


async def test_a_name_that_moves_is_refused_when_it_moves(canary: Canary):
    """Rebinding: good when it is checked, this machine when it is asked; each look-up passes the gate anew."""
    policy = Policy(allow_private=False)
    names = Names([GOOD], ["127.0.0.1"])
    through = connector(policy, resolver=names)
    async with session(through) as http:
        url = URL("http://moving.example/")
        assert (await GuardedResolver(Gate(policy=policy), names).resolve("moving.example", 80))[0]["host"] == GOOD
        failed = await fetch(http, Ask(url=url, timeout_s=2))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REFUSED
    assert canary.connections == 0


@pytest.mark.parametrize("moved", ["169.254.170.2", "169.254.169.254", "::ffff:169.254.169.254"])
async def test_a_session_whose_name_moves_is_refused_at_its_next_look_up(moved: str):
    """Rebinding over time: one session, one name; good while it is remembered, the metadata service afterwards."""
    asked: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.append(1)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n[1]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    through = connector(Policy(allow_private=True), resolver=Names(["127.0.0.1"], [moved]))
    async with listening(server) as port, session(through) as http:
        ask = Ask(url=URL(f"http://moving.example:{port}/"), timeout_s=2)
        first, remembered = await fetch(http, ask), await fetch(http, ask)
        through.clear_dns_cache()  # as after DNS_TTL_S
        failed = await fetch(http, ask)
    assert isinstance(first, Reply)
    assert isinstance(remembered, Reply)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REFUSED
    assert len(asked) == 2


async def test_a_resolver_that_checks_nothing_does_not_open_the_gate(canary: Canary):
    """The socket is the last to look: what slipped past the resolver is refused there."""
    through = TCPConnector(resolver=Names(["127.0.0.1"]), socket_factory=Gate(policy=PUBLIC).open)
    async with session(through) as http:
        failed = await fetch(http, Ask(url=URL("http://innocent.example/"), timeout_s=5))
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.REFUSED
    assert canary.connections == 0


@pytest.mark.parametrize("port", [22, 25, 3306, 6379, 8000, 9001, 11211])
async def test_ports_of_other_services_are_refused(guarded: ClientSession, port: int):
    """A source is a web server; a gate that lets any port through is a port scanner."""
    failed = await fetch(guarded, Ask(url=URL(f"http://{GOOD}:{port}/"), timeout_s=5))
    assert isinstance(failed, Failed)
    assert (failed.reason, str(port) in failed.why) == (Reason.REFUSED, True)


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
