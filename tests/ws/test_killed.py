"""The Lambda dies in the middle of a pass, or the gateway does not answer; the record comes again, as SQS does it."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import boto3
import pytest

from contracts.steps import apply
from tests.ws.service import Service
from ws.fan_out import POSTS_AT_ONCE_MAX
from ws.handler import POSTS_CONFIG
from ws.post import BotoPost, Letter, Outcome, Post

#: `stack/sockets.py` gives the Lambda so long; the stack's program is not imported here.
INVOCATION_S = 15
CLIENTS = 2 * POSTS_AT_ONCE_MAX + 3


class Killed(BaseException):
    """The process is gone: no handler of ours runs."""


class DyingPost:
    """Posts, and dies after so many letters."""

    def __init__(self, inner: Post, letters: int) -> None:
        self._inner, self._left = inner, letters

    def deliver(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Deliver letter by letter, as far as it comes."""
        return [self._one(letter) for letter in letters]

    def close(self, connection_id: str) -> Outcome:
        """Cut a connection."""
        return self._inner.close(connection_id)

    def _one(self, letter: Letter) -> Outcome:
        if not self._left:
            raise Killed
        self._left -= 1
        return self._inner.deliver([letter])[0]


@pytest.mark.parametrize("letters", [0, POSTS_AT_ONCE_MAX, POSTS_AT_ONCE_MAX + 1, CLIENTS])
def test_a_lambda_killed_in_a_pass_leaves_everyone_right(service: Service, letters: int):
    """The cursor moves at the end only, so the record that comes again serves all; a second copy is dropped."""
    service.register()
    service.consume(service.commit({"n": 0}))
    names = [service.subscriber(f"c{i:03d}") for i in range(CLIENTS)]
    held = dict.fromkeys(names, 1)
    documents = {name: {"n": 0} for name in names}
    message = service.commit({"n": 1})

    post = service.post
    service.with_world(post=DyingPost(post, letters))
    if letters < CLIENTS:
        with pytest.raises(Killed):
            service.consume(message)
    service.with_world(post=post)
    newer = service.commit({"n": 2})  # the source goes on meanwhile; its message waits behind the killed one
    assert service.consume(message, newer) == []
    service.drain()

    for name in names:
        for frame in post.take(name):
            assert frame["base"] <= held[name], "a gap"
            for version, step in frame["steps"]:
                if version > held[name]:
                    documents[name], held[name] = apply(step, documents[name]), version
    assert set(held.values()) == {3}
    assert all(document == {"n": 2} for document in documents.values())
    assert service.cursor()["version"] == 3


class Gateway(ThreadingHTTPServer):
    """Takes posts; those to the stuck connection are never answered, however it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[str] = []
        self.stuck = "stuck"
        self.over = Event()


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        connection_id = self.path.rsplit("/", 1)[1]
        if connection_id == self.server.stuck:
            self.server.over.wait(30)
            self.close_connection = True
            return
        self.server.posted.append(f"{connection_id} {json.loads(body)['type']}")
        self._answer(200)

    def do_DELETE(self) -> None:
        self._answer(204)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Serve on a loopback port."""
    with Gateway() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_a_connection_that_hangs_is_given_up_and_the_others_are_served(gateway: Gateway):
    """With the time-outs of production: within half an invocation it is known as failed, and then it can be cut."""
    url = f"http://127.0.0.1:{gateway.server_port}/live"
    client = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=POSTS_CONFIG)
    letters = [Letter(connection_id=name, frames=[b'{"type":"patch"}']) for name in ("a", "stuck", "b")]
    with ThreadPoolExecutor(4) as pool:
        post = BotoPost(client, pool)
        began = time.monotonic()
        assert post.deliver(letters) == [Outcome.SENT, Outcome.FAILED, Outcome.SENT]
        took_s = time.monotonic() - began
        assert post.close("stuck") is Outcome.SENT
    client.close()

    assert sorted(gateway.posted) == ["a patch", "b patch"]
    assert took_s < INVOCATION_S / 2
