"""Every way of posting keeps the same promises: boto3's against a gateway on a loopback socket, and the tests' own."""

import json
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.config import Config

from tests.ws.fake_post import FakePost
from ws.post import BotoPost, Letter, Outcome, Post


class Gateway(ThreadingHTTPServer):
    """The `@connections` side of API Gateway, as far as posts go."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.open: set[str] = set()
        self.failing: set[str] = set()
        self.stuck: set[str] = set()
        self.posted: dict[str, list[Any]] = defaultdict(list)

    def take(self, connection_id: str) -> list[Any]:
        """Take what a connection received."""
        return self.posted.pop(connection_id, [])


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        connection_id = self._connection()
        if connection_id in self.server.failing | self.server.stuck:
            self._answer(500, "InternalServerError")
        elif connection_id not in self.server.open:
            self._answer(410, "GoneException")
        else:
            self.server.posted[connection_id].append(json.loads(body))
            self._answer(200)

    def do_DELETE(self) -> None:
        connection_id = self._connection()
        if connection_id in self.server.stuck:
            self._answer(500, "InternalServerError")
        elif connection_id not in self.server.open:
            self._answer(410, "GoneException")
        else:
            self.server.open.remove(connection_id)
            self._answer(204)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""

    def _connection(self) -> str:
        return unquote(self.path.rpartition("/")[2])

    def _answer(self, status: int, error: str | None = None) -> None:
        self.send_response(status)
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture(params=["memory", "boto3"])
def posted(request: pytest.FixtureRequest) -> Iterator[tuple[Post, Any]]:
    """Give a post, and the connections at its other end."""
    if request.param == "memory":
        fake = FakePost()
        yield fake, fake
        return
    with Gateway() as gateway, ThreadPoolExecutor(2) as pool:
        Thread(target=gateway.serve_forever, args=(0.01,)).start()
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)
        url = f"http://127.0.0.1:{gateway.server_port}/live"
        client: Any = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=config)
        yield BotoPost(client, pool), gateway
        client.close()
        gateway.shutdown()


def letter(connection_id: str, *frames: Any) -> Letter:
    """Write a letter."""
    return Letter(connection_id=connection_id, frames=[json.dumps(frame).encode() for frame in frames])


def test_frames_of_one_letter_arrive_in_order(posted: tuple[Post, Any]):
    """A snapshot's chunks, and `subscribed` before them."""
    post, gateway = posted
    gateway.open.add("a=")

    assert post.deliver([letter("a=", 1, 2, 3)]) == [Outcome.SENT]
    assert gateway.take("a=") == [1, 2, 3]


def test_outcomes_come_in_the_order_of_the_letters(posted: tuple[Post, Any]):
    """And one that fails is no other's trouble."""
    post, gateway = posted
    gateway.open |= {"a", "bad"}
    gateway.failing.add("bad")

    outcomes = post.deliver([letter("gone", 1), letter("a", 1), letter("bad", 1)])

    assert outcomes == [Outcome.GONE, Outcome.SENT, Outcome.FAILED]
    assert gateway.take("a") == [1]


def test_a_letter_ends_where_it_fails(posted: tuple[Post, Any]):
    """The second half of a document is of no use to anybody."""
    post, gateway = posted

    assert post.deliver([letter("gone", 1, 2)]) == [Outcome.GONE]
    assert gateway.take("gone") == []


def test_closing_says_whether_the_connection_was_there(posted: tuple[Post, Any]):
    """Cut, gone already, or not to be cut now."""
    post, gateway = posted
    gateway.open |= {"a", "stuck"}
    gateway.stuck.add("stuck")

    assert post.close("a") is Outcome.SENT
    assert post.close("a") is Outcome.GONE
    assert post.close("stuck") is Outcome.FAILED
    assert gateway.open == {"stuck"}
