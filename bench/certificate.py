"""A certificate for loopback, made anew for each run, and trust in it."""

import datetime as dt
import ssl
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp.connector
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make(folder: Path, addresses: list[str]) -> Path:
    """Make a key and a self-signed certificate for these addresses; the file that holds both."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address)) for address in addresses])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = folder / "bench.pem"
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem


def server_context(pem: Path) -> ssl.SSLContext:
    """Give what a server needs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


def trust(pem: Path) -> None:
    """Let requests of this process trust it as they trust public authorities: in the context they all share."""
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(pem)  # noqa: SLF001 - production has no such knob
