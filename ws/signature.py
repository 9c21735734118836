"""
Signature Version 4 for posts to connections, made cheap.

Whatever all requests of a moment share is computed once, and the body's hash once for all who get the same body. The
form is botocore's, which `tests/ws/test_signature.py` compares byte by byte.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from contracts.signature import Credentials, Moment

SERVICE = "execute-api"


class Sealed(Protocol):
    """Writes the heads of requests about connections, for as long as it is in force."""

    def head(self, verb: str, connection_id: str, *, body_hash: str, body_bytes: int) -> bytes:
        """Write one head, up to and with the empty line."""
        ...


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Signs for one stage of one API; `credentials` is asked anew for every seal, since those of a role change."""

    host: str
    stage: str
    """The path before `/@connections`."""
    region: str
    credentials: Callable[[], Credentials]

    def seal(self, now_s: float) -> "Seal":
        """Fix the moment and the credentials."""
        credentials = self.credentials()
        return Seal(self, credentials, Moment(credentials, now_s=now_s, region=self.region, service=SERVICE))


class Seal:
    """One moment's part of every head."""

    def __init__(self, signer: Signer, credentials: Credentials, moment: Moment) -> None:
        names, token = "host;x-amz-date", credentials.token
        headers = f"host:{signer.host}\nx-amz-date:{moment.at}\n"
        sent = f"Host: {signer.host}\r\nX-Amz-Date: {moment.at}\r\n"
        if token:
            names += ";x-amz-security-token"
            headers += f"x-amz-security-token:{token}\n"
            sent += f"X-Amz-Security-Token: {token}\r\n"
        self._moment = moment
        self._path = f"{signer.stage}/@connections/"
        self._canonical_path = quote(self._path, safe="/~")
        self._headers = f"\n\n{headers}\n{names}\n"
        self._sent = f" HTTP/1.1\r\n{sent}Authorization: {moment.authorization}{names}, Signature="

    def head(self, verb: str, connection_id: str, *, body_hash: str, body_bytes: int) -> bytes:
        """Write one head: the id is escaped once on the wire, and once more in what is signed."""
        name = quote(connection_id, safe="")
        canonical = f"{verb}\n{self._canonical_path}{name.replace('%', '%25')}{self._headers}{body_hash}"
        signature = self._moment.sign(canonical)
        return f"{verb} {self._path}{name}{self._sent}{signature}\r\nContent-Length: {body_bytes}\r\n\r\n".encode()
