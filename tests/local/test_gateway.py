"""The stand-in is as strict as API Gateway: towards who posts, who connects, and who breaks the rules."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from socket import SO_RCVBUF, SOL_SOCKET
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.gateway.hub import Hub
from local.gateway.limits import IDLE_S, LIFE_S, Quotas
from local.gateway.running import Gateway, running
from local.gateway.sockets import Behind

SECRETS = {"testing": "secret"}


class Clock:
    """A clock that a test moves, or stops."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._still_s: float | None = None

    def stop(self) -> None:
        """Stand still."""
        self._still_s = self.now()

    def now(self) -> float:
        """Tell the time."""
        return time.monotonic() + self.ahead_s if self._still_s is None else self._still_s


class Lambda:
    """Keeps the events it gets; `$connect` waits until it may answer."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.may_connect = Event()
        self.may_connect.set()

    def serve(self, event: dict[str, Any]) -> dict[str, Any]:
        """Be called."""
        self.events.append(event)
        if event["requestContext"]["routeKey"] == "$connect":
            self.may_connect.wait(5)
        return {"statusCode": 200, "body": '{"type": "pong"}'}

    def routes(self) -> list[str]:
        """Say which routes were called, in order."""
        return [event["requestContext"]["routeKey"] for event in self.events]


@pytest.fixture
def clock() -> Clock:
    """Give the gateway's clock."""
    return Clock()


@pytest.fixture
def behind() -> Lambda:
    """Give what is behind it."""
    return Lambda()


@pytest.fixture
def gateway(clock: Clock, behind: Lambda) -> Iterator[Gateway]:
    """Run one with small quotas."""
    quotas = Quotas(requests_per_s=50, requests_burst=20, connects_per_s=1, connects_burst=4, buffer_bytes=200_000)
    served = Behind(
        serve=behind.serve, authorize=lambda _, query: None if "no" in query else {"principal": "ada", "scopes": "read"}
    )
    with running(Hub(now=clock.now, quotas=quotas), behind=served, secrets=SECRETS) as made:
        yield made


def client(gateway: Gateway, secret: str = "secret") -> Any:
    """Post with boto3."""
    return boto3.client(
        "apigatewaymanagementapi", endpoint_url=gateway.post_url, region_name="eu-west-1",
        aws_access_key_id="testing", aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def refused(call: Any, **request: Any) -> str:
    """Give the code of an error."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


@asynccontextmanager
async def connected(gateway: Gateway, behind: Lambda) -> AsyncIterator[tuple[ClientConnection, str]]:
    """Connect, and give the id."""
    async with connect(gateway.url, max_size=None, compression=None) as socket:
        (event,) = [each for each in behind.events if each["requestContext"]["routeKey"] == "$connect"]
        yield socket, event["requestContext"]["connectionId"]


async def test_who_posts_must_sign_with_the_right_secret(gateway: Gateway, behind: Lambda):
    """boto3's own requests pass; another secret is 403, whatever the connection."""
    async with connected(gateway, behind) as (socket, connection_id):
        await asyncio.to_thread(client(gateway).post_to_connection, ConnectionId=connection_id, Data=b"hello")
        assert await socket.recv() == "hello"
        wrong = client(gateway, "another")
        code = await asyncio.to_thread(refused, wrong.post_to_connection, ConnectionId=connection_id, Data=b"x")
        assert code == "ForbiddenException"


async def test_a_post_before_the_handshake_is_over_finds_nobody(gateway: Gateway, behind: Lambda):
    """410, as AWS answers whoever posts within `$connect`."""
    behind.may_connect.clear()
    opening = asyncio.create_task(connect(gateway.url).__aenter__())
    while not behind.events:  # noqa: ASYNC110 - the gateway tells no test
        await asyncio.sleep(0.01)
    connection_id = behind.events[0]["requestContext"]["connectionId"]

    code = await asyncio.to_thread(refused, client(gateway).post_to_connection, ConnectionId=connection_id, Data=b"x")
    behind.may_connect.set()
    socket = await opening
    await asyncio.to_thread(client(gateway).post_to_connection, ConnectionId=connection_id, Data=b"y")

    assert code == "GoneException"
    assert await socket.recv() == "y"
    await socket.close()


async def test_the_authorizer_and_the_quota_of_connects_refuse_handshakes(gateway: Gateway):
    """401 before any Lambda is asked; 429 beyond the quota."""
    statuses = []
    for query in ("?no", "", "", "", "", ""):
        try:
            async with connect(gateway.url + query):
                statuses.append(101)
        except InvalidStatus as error:
            statuses.append(error.response.status_code)

    assert statuses == [401, 101, 101, 101, 429, 429]


async def test_frames_go_to_their_routes_and_a_goodbye_is_told(gateway: Gateway, behind: Lambda):
    """`ping` has an answer of its own, all else goes to `$default`."""
    async with connected(gateway, behind) as (socket, _):
        await socket.send('{"action": "ping"}')
        assert await socket.recv() == '{"type": "pong"}'
        await socket.send("not json")
        await socket.ping()
    while "$disconnect" not in behind.routes():  # noqa: ASYNC110 - the gateway tells no test
        await asyncio.sleep(0.01)

    assert behind.routes() == ["$connect", "ping", "$default", "$disconnect"]


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"\x00", 1003), ("x" * (32 * 1_024 + 1), 1009), (["x" * 32_000] * 5, 1009)],
    ids=["binary", "a frame over 32 KB", "a message over 128 KB"],
)
async def test_who_breaks_the_rules_is_closed_with_their_code(
    gateway: Gateway, behind: Lambda, message: Any, code: int
):
    """Text only, frames up to 32 KB, messages up to 128 KB."""
    async with connected(gateway, behind) as (socket, _):
        with suppress(ConnectionClosed):
            await socket.send(message)
        await socket.wait_closed()

    assert socket.close_code == code


async def test_a_message_up_to_128_kb_arrives_and_a_larger_one_is_413(gateway: Gateway, behind: Lambda):
    """In frames of 32 KB, which a client joins."""
    async with connected(gateway, behind) as (socket, connection_id):
        post = client(gateway).post_to_connection
        await asyncio.to_thread(post, ConnectionId=connection_id, Data=b"x" * 128 * 1_024)
        assert len(await socket.recv()) == 128 * 1_024
        code = await asyncio.to_thread(refused, post, ConnectionId=connection_id, Data=b"x" * (128 * 1_024 + 1))
        assert code in {"PayloadTooLargeException", "413"}


async def test_both_kinds_of_429_look_the_same(gateway: Gateway, behind: Lambda, clock: Clock):
    """One client that does not read, or the account's quota."""
    async with connected(gateway, behind) as (socket, connection_id):
        socket.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 16_384)
        socket.transport.pause_reading()
        post = client(gateway).post_to_connection
        codes = set()
        for _ in range(12):
            await asyncio.sleep(0.02)
            try:
                await asyncio.to_thread(post, ConnectionId=connection_id, Data=b"x" * 128 * 1_024)
            except ClientError as error:
                codes.add(error.response["Error"]["Code"])
        socket.transport.abort()
        slow_posts = gateway.hub.requests.refused
        clock.stop()
        await asyncio.to_thread(lambda: [gateway.hub.requests.take() for _ in range(100)])
        other = await asyncio.to_thread(refused, post, ConnectionId="any", Data=b"x")

    assert (codes, slow_posts, other) == ({"LimitExceededException"}, 0, "LimitExceededException")


@pytest.mark.parametrize("after_s", [IDLE_S, LIFE_S])
async def test_the_silent_and_the_old_are_cut(gateway: Gateway, behind: Lambda, clock: Clock, after_s: float):
    """After 10 minutes without a word, and after 2 hours whatever was said."""
    async with connected(gateway, behind) as (socket, _):
        for _ in range(int(after_s // (IDLE_S - 1)) if after_s == LIFE_S else 0):
            clock.ahead_s += IDLE_S - 1
            await socket.send("x")
            await (await socket.ping())
        clock.ahead_s += IDLE_S - 60
        gateway.on_loop(gateway.hub.enforce)
        assert after_s == LIFE_S or gateway.hub.held
        clock.ahead_s += 60
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1001
