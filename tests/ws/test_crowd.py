"""Large audiences behind the strict gateway, over sockets: who does not read, and who left without a word."""

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from moto import mock_aws

from contracts.table.connections import CONNECTION_TTL_S
from local.gateway.limits import Quotas
from tests.ws.far_end import FarEnd, far_end, poster
from tests.ws.service import NOW_MS, Service
from ws.poster import FULL_MAX

UNLIMITED = Quotas(requests_per_s=1e9, requests_burst=1e9, buffer_bytes=64 * 1_024)
CROWD, KILLED = 999, 10_000
#: Beyond what kernels and the stand-in keep for a client that does not read.
ROUNDS_MAX = 60


@pytest.fixture
def end() -> Iterator[FarEnd]:
    """Run a gateway for whose account no request is too many."""
    with far_end(UNLIMITED) as made:
        yield made


@pytest.fixture
def crowded(end: FarEnd) -> Iterator[Service]:
    """Give a Lambda that posts over sockets to that gateway."""
    with mock_aws(), ThreadPoolExecutor(8) as pool, poster(end.gateway.post_url) as post:
        service = Service(pool)
        service.with_world(post=post)
        service.world.budget.lease_max = 250
        yield service


@contextlib.contextmanager
def deaf(end: FarEnd) -> Iterator[str]:
    """Open a real connection that never reads: its TCP window closes. Gives its id."""
    address, before = urlsplit(end.gateway.url), set(end.hub.held)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect((address.hostname, address.port))
        client.sendall(
            f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert client.recv(1)
        for _ in range(1_000):
            if new := set(end.hub.held) - before:
                break
            time.sleep(0.01)
        yield new.pop()


def join(service: Service, end: FarEnd, names: list[str]) -> None:
    """Let connections subscribe that have no sockets."""
    post = service.world.post
    service.with_world(post=service.post)
    for name in names:
        service.subscriber(name)
    service.with_world(post=post)
    end.open(*names)


def test_a_client_that_does_not_read_is_cut_and_nobody_of_a_thousand_waits_for_it(crowded: Service, end: FarEnd):
    """Its 429s mean it alone: it loses its connection, the others get every version, one pass after another."""
    crowded.register()
    names = [f"c{number:04}" for number in range(CROWD)]
    join(crowded, end, names)
    with deaf(end) as slow:
        post, everybody = crowded.world.post, crowded.subscribers()
        crowded.with_world(post=crowded.post)
        crowded.subscriber(slow)
        crowded.with_world(post=post)
        rounds = 0
        while slow in end.hub.held and rounds < ROUNDS_MAX:
            rounds += 1
            assert crowded.consume(crowded.commit({"n": rounds, "pad": "x" * 20_000 + str(rounds)})) == []

    assert 1 < rounds < ROUNDS_MAX, "it was given time, and cut"
    assert crowded.subscribers() == everybody
    assert (slow, "#") not in crowded.connection_rows()
    for name in names:  # a post whose answer came too late is posted again
        versions = [frame["version"] for frame in end.posted[name]]
        assert sorted(set(versions)) == list(range(1, rounds + 1))
        assert versions == sorted(versions)
    tally = crowded.world.post.tally()
    assert (tally.throttled, tally.slow) == (0, FULL_MAX)


def test_ten_thousand_that_left_without_a_word_leave_no_row_after_one_pass(crowded: Service, end: FarEnd):
    """Each post to one finds it gone, and takes its rows in all tables with it: nothing waits for a ttl."""
    crowded.register()
    join(crowded, end, [f"c{number:05}" for number in range(KILLED)])
    assert len(crowded.subscribers()) == KILLED
    end.gateway.on_loop(end.hub.held.clear)

    assert crowded.consume(crowded.commit({"n": 1})) == []
    crowded.drain()

    assert crowded.subscribers() == []
    assert crowded.connection_rows() == []
    assert {row.get("count", 0) for row in crowded.rows(crowded.world.tables.subscribers)} == {0}
    assert crowded.at_ms < NOW_MS + CONNECTION_TTL_S * 1_000, "no ttl helped"
