"""Our client before a gateway that misbehaves: every answer by its meaning, and nobody else's trouble."""

import asyncio
import datetime as dt
import random
import ssl
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from contracts.signature import Credentials
from local.gateway.hub import HANGS, RESETS
from local.gateway.limits import Quotas
from tests.ws.far_end import CREDENTIALS, FarEnd, far_end, poster
from tests.ws.test_post import letter
from ws.post import Outcome
from ws.poster import READ_S, Place, Poster
from ws.signature import Signer

WITHIN_S = 60.0


@pytest.fixture
def end() -> Iterator[FarEnd]:
    """Run a gateway with the quotas of a new account."""
    with far_end() as made:
        yield made


@pytest.fixture
def post(end: FarEnd) -> Iterator[Poster]:
    """Post to it."""
    with poster(end.gateway.post_url) as made:
        yield made


@pytest.mark.parametrize("fault", [500, 503, RESETS])
def test_errors_and_resets_are_tried_again_on_a_new_socket(end: FarEnd, post: Poster, fault: int):
    """Twice; a third one in a row is an answer."""
    end.open("a", "b")
    end.plant("a", [fault, fault])
    end.always("b", fault)

    assert post.deliver([letter("a", 1), letter("b", 1)], WITHIN_S) == [Outcome.SENT, Outcome.FAILED]
    assert end.take("a") == [1]
    assert end.hub.answers[fault] <= 2 + 3 + 1  # a reset of a socket that had rested is no try


def test_a_refused_signature_is_no_connections_fault_and_not_tried_again(end: FarEnd):
    """Another secret makes another signature: 403, which no second try mends."""
    end.open("a")
    wrong = Credentials(access_key=CREDENTIALS.access_key, secret_key="another")

    with poster(end.gateway.post_url, credentials=wrong) as post:
        assert post.deliver([letter("a", 1)], WITHIN_S) == [Outcome.FAILED]

    assert end.hub.answers == {403: 1}
    assert end.opened() == {"a"}


def test_a_client_that_does_not_read_is_slow_and_others_do_not_wait_for_it(end: FarEnd, post: Poster):
    """Its buffer at the gateway is full: the same connection again and again, while others pass."""
    others = [f"c{number}" for number in range(300)]
    end.open(*others)
    end.open("full", waiting=lambda: 1_000_000)

    outcomes = post.deliver([letter(name, 1) for name in ["full", *others]], WITHIN_S)

    assert outcomes == [Outcome.SLOW, *[Outcome.SENT] * len(others)]
    assert post.tally().throttled == 0


def test_several_clients_that_do_not_read_are_not_taken_for_the_account(end: FarEnd, post: Poster):
    """A tenth of an audience, refused together: each is given up as soon as one alone would be, not one by one."""
    names, deaf = [f"c{number}" for number in range(180)], [f"full{number}" for number in range(20)]
    end.open(*names)
    end.open(*deaf, waiting=lambda: 1_000_000)
    began = time.monotonic()

    outcomes = post.deliver([letter(name, 1) for name in [*deaf, *names]], WITHIN_S)

    assert outcomes == [*[Outcome.SLOW] * len(deaf), *[Outcome.SENT] * len(names)]
    assert time.monotonic() - began < WITHIN_S / 3


def test_a_client_that_reads_in_time_is_not_slow(end: FarEnd, post: Poster):
    """A large document fills the buffer for a moment; every frame that passes starts the patience anew."""
    end.open("busy")
    end.plant("busy", chain.from_iterable([[429, 429, 200]] * 3))

    assert post.deliver([letter("busy", 1, 2, 3)], WITHIN_S) == [Outcome.SENT]


def test_the_accounts_quota_holds_everybody_and_blames_nobody():
    """Many connections are refused at once: fewer go out at a time, and all arrive."""
    names = [f"c{number}" for number in range(300)]
    with far_end(Quotas(requests_per_s=150, requests_burst=100)) as end, poster(end.gateway.post_url) as post:
        end.open(*names)

        outcomes = post.deliver([letter(name, 1) for name in names], WITHIN_S)

        assert outcomes == [Outcome.SENT] * len(names)
        assert all(end.take(name) == [1] for name in names)
        assert post.tally().throttled > 0


def test_what_there_was_no_time_for_comes_later(end: FarEnd, post: Poster):
    """The pass must save its place before the invocation ends, whoever hangs."""
    end.open("a", "hangs")
    end.always("hangs", HANGS)

    assert post.deliver([letter("hangs", 1), letter("a", 1)], READ_S / 4) == [Outcome.LATER, Outcome.SENT]

    assert post.deliver([letter("a", 2)], WITHIN_S) == [Outcome.SENT]
    assert end.take("a") == [1, 2]


def test_a_gateway_that_is_not_there_fails_every_letter():
    """Refused at once: three tries, then an answer."""
    with poster("http://127.0.0.1:1/live") as post:
        assert post.deliver([letter("a", 1), letter("b", 1)], WITHIN_S) == [Outcome.FAILED] * 2


def test_sockets_that_the_gateway_closed_while_they_rested_cost_no_try(end: FarEnd, post: Poster):
    """A Lambda that slept for minutes wakes up with nothing but dead sockets."""
    names = [f"c{number}" for number in range(40)]
    end.open(*names)
    post.deliver([letter(name, 1) for name in names], WITHIN_S)

    end.gateway.hang_up()
    outcomes = post.deliver([letter(name, 2) for name in names], WITHIN_S)

    assert outcomes == [Outcome.SENT] * len(names)
    assert post.tally().retried == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil it closes",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nand more that nobody asked for",
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_answer_of_any_form_is_read(answer: bytes, at_once: bool):
    """With a length, in chunks or until the end; in one piece or byte by byte."""
    with serving([answer], at_once=at_once) as url, poster(url) as post:
        assert post.deliver([letter("a", 1, 2)], WITHIN_S) == [Outcome.SENT]


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n" * 9_000, b""]
)
def test_what_is_no_answer_fails_the_letter(answer: bytes):
    """It may come from anybody, but a post that is not known to be delivered is not."""
    with serving([answer]) as url, poster(url) as post:
        assert post.deliver([letter("a", 1)], WITHIN_S) == [Outcome.FAILED]


def test_the_gateway_must_show_a_certificate_of_whom_boto3_trusts(tmp_path: Path):
    """Posts carry what subscribers may see and nobody else."""
    certificate, key = self_signed(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    with serving([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], tls=server) as url:
        trusting = over_tls(url, certificate)
        assert trusting.deliver([letter("a", 1, 2), letter("b", 1)], WITHIN_S) == [Outcome.SENT] * 2
        trusting.shut()
        strict = over_tls(url, None)
        assert strict.deliver([letter("a", 1)], WITHIN_S) == [Outcome.FAILED]
        strict.shut()


def over_tls(url: str, trusted: Path | None) -> Poster:
    """Post over TLS, and trust this certificate or the machine's."""
    signer = Signer(host=Place.read(url).netloc, stage="/live", region="eu-west-1", credentials=lambda: CREDENTIALS)
    return Poster(
        url, signer, now_s=time.time, chance=random.Random(1), tls=lambda: ssl.create_default_context(cafile=trusted)
    )


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


class serving:  # noqa: N801 - reads like the function it is
    """A server that gives every request the same answer, right or wrong; an empty one closes at once."""

    def __init__(self, answers: list[bytes], *, at_once: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self._answer, self._at_once, self._tls = answers[0], at_once, tls
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)

    def __enter__(self) -> str:
        """Serve, and give the address."""
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "localhost", 0, ssl=self._tls), self._loop
        ).result(5)
        port = self._server.sockets[0].getsockname()[1]
        return f"http{'s' if self._tls else ''}://localhost:{port}/live"

    def __exit__(self, *_: object) -> None:
        """Stop."""

        async def stop() -> None:
            self._server.close()
            self._server.close_clients()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
                await reader.readexactly(size)
                for part in [self._answer] if self._at_once else [bytes([one]) for one in self._answer]:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)
                if b"Connection: close" in self._answer or b":" not in self._answer:
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        writer.close()
