"""Encrypted sources: a certificate is checked, and a connection is kept for the next poll."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from contracts.addresses import Policy
from fetching.certificates import Certificates, step_of, warning
from fetching.connections import Connector
from fetching.fetch import Ask, fetch
from fetching.guard import connector
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply
from fetching.session import session

HOUR = dt.timedelta(hours=1)
LOCAL = Policy(allow_private=True)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issuer:
    """A certificate authority of our own."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls) -> "Issuer":
        """Make one."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _certificate("test CA", key, issuer=None, names=[], ends=DAY))

    def context(self, folder: Path, *, names: list[x509.GeneralName], ends: dt.timedelta = DAY) -> ssl.SSLContext:
        """Give what a server of these names serves with."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate("server", key, issuer=self, names=names, ends=ends)
        path = folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    @property
    def trust(self) -> ssl.SSLContext:
        """Give what a client trusts that trusts this authority alone."""
        text = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=text)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    issuer: Issuer | None,
    names: list[x509.GeneralName],
    ends: dt.timedelta,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signer = issuer.key if issuer else key
    made = made.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    ).add_extension(
        x509.KeyUsage(
            digital_signature=True, key_cert_sign=issuer is None, crl_sign=issuer is None, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )  # fmt: skip
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(signer, hashes.SHA256())


HERE: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
ELSEWHERE: list[x509.GeneralName] = [x509.DNSName("feeds.example.com")]


@cache
def authority() -> Issuer:
    """Give the one that clients here trust."""
    return Issuer.new()


@dataclass
class Server:
    """A server that counts its connections."""

    url: URL
    connections: int = 0


@asynccontextmanager
async def serving(context: ssl.SSLContext | None) -> AsyncIterator[Server]:
    """Serve a document with an ETag."""
    server, known = Server(url=URL()), set[Any]()

    async def answer(request: web.BaseRequest) -> web.Response:
        known.add(request.transport)
        server.connections = len(known)
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        return web.json_response([1], headers={"ETag": '"v1"'})

    runner = web.ServerRunner(web.Server(answer), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.url = URL(f"https://127.0.0.1:{runner.addresses[0][1]}/")
    try:
        yield server
    finally:
        await runner.cleanup()


async def ask(url: URL) -> Outcome:
    """Ask once, trusting the test's authority."""
    async with session(connector(LOCAL, trust=authority().trust)) as http:
        return await fetch(http, Ask(url=url, timeout_s=5))


def good(folder: Path) -> ssl.SSLContext:
    """Serve as one should."""
    return authority().context(folder, names=HERE)


async def test_polls_share_one_handshake(tmp_path: Path):
    """A handshake costs as much as ten polls: a connection is kept from one to the next."""
    async with serving(good(tmp_path)) as server, session(connector(LOCAL, trust=authority().trust)) as http:
        first = await fetch(http, Ask(url=server.url))
        assert isinstance(first, Reply)
        for _ in range(5):
            assert isinstance(await fetch(http, Ask(url=server.url, validators=first.validators)), NotModified)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: authority().context(folder, names=HERE, ends=-DAY), "expired"),
        (lambda folder: authority().context(folder, names=ELSEWHERE), "mismatch"),
        (lambda folder: Issuer.new().context(folder, names=HERE), "unable to get local issuer"),
    ],
    ids=["expired", "of another name", "of an unknown authority"],
)
async def test_a_certificate_that_is_not_valid_is_told_as_such(
    tmp_path: Path, make: Callable[[Path], ssl.SSLContext], said: str
):
    """Its owner has to mend it: the reason says what."""
    async with serving(make(tmp_path)) as server:
        failed = await ask(server.url)
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.CERTIFICATE
    assert said in failed.why


async def test_a_server_that_does_not_speak_tls_is_told_as_such():
    """`https` for a server of `http` is a frequent slip."""
    async with serving(None) as server:
        failed = await ask(server.url)
    assert isinstance(failed, Failed)
    assert failed.reason in {Reason.TLS, Reason.RESET}


async def test_http_to_a_tls_port_is_a_failure(tmp_path: Path):
    """And the other way about."""
    async with serving(good(tmp_path)) as server:
        failed = await ask(server.url.with_scheme("http"))
    assert isinstance(failed, Failed)


@pytest.mark.parametrize(("ends", "days", "step"), [(60 * DAY, 60, None), (10 * DAY, 10, 14), (DAY / 2, 0, 1)])
async def test_when_a_certificate_ends_is_known_before_it_does(
    tmp_path: Path, ends: dt.timedelta, days: int, step: int | None
):
    """Its owner can renew it while all is well; afterwards every poll fails."""
    seen, context = Certificates(), authority().context(tmp_path, names=HERE, ends=ends + HOUR)
    through = connector(LOCAL, trust=authority().trust, certificates=seen)
    async with serving(context) as server, session(through) as http:
        for _ in range(2):
            assert isinstance(await fetch(http, Ask(url=server.url)), Reply)
        place = f"{server.url.host}:{server.url.port}"
    left = seen.days_left(place, dt.datetime.now(dt.UTC).timestamp())
    assert (left, step_of(left)) == (days, step)
    assert seen.days_left("elsewhere:443", 0) is None


def test_a_warning_says_whose_certificate_and_how_soon():
    """One who reads it does not look further."""
    assert warning("a.example:443", 13).startswith("the certificate of a.example:443 ends in 13 days")
    assert "in 1 day:" in warning("a.example:443", 1)
    assert "within a day" in warning("a.example:443", 0)


async def test_of_too_many_connections_at_rest_those_are_closed_that_rested_longest(tmp_path: Path):
    """Each takes 47 KiB: a worker with many hosts must not be ended for its memory."""
    through = Connector(certificates=Certificates(), idle_tls_max=2, ssl=authority().trust)
    async with session(through) as http, AsyncExitStack() as servers:
        three = [await servers.enter_async_context(serving(good(tmp_path))) for _ in range(3)]
        for server in (*three, three[2], three[0]):
            assert isinstance(await fetch(http, Ask(url=server.url)), Reply)
    # The third found its connection as it was left; the first had rested longest when there was one too many.
    assert [server.connections for server in three] == [2, 1, 1]


async def test_connections_in_use_are_not_at_rest(tmp_path: Path):
    """Nothing is cut under a poll, however many there are at once."""
    through = Connector(certificates=Certificates(), idle_tls_max=1, ssl=authority().trust)
    async with serving(good(tmp_path)) as server, session(through) as http:
        outcomes = await asyncio.gather(*(fetch(http, Ask(url=server.url)) for _ in range(20)))
    assert all(isinstance(one, Reply) for one in outcomes)
