"""
Signature Version 4 for posts to connections, made cheap.

The day's key and whatever all requests of a moment share are computed once, and the body's hash once for all who get
the same body.
The form is botocore's, which `tests/ws/test_signature.py` compares byte by byte. AWS, "Create a signed AWS API
request": https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "execute-api"


class Sealed(Protocol):
    """Writes the heads of requests about connections, for as long as it is in force."""

    def head(self, verb: str, connection_id: str, *, body_hash: str, body_bytes: int) -> bytes:
        """Write one head, up to and with the empty line."""
        ...


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Whose requests these are."""

    access_key: str
    secret_key: str
    token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Signs for one stage of one API; `credentials` is asked anew for every seal, since those of a role change."""

    host: str
    stage: str
    """The path before `/@connections`."""
    region: str
    credentials: Callable[[], Credentials]

    def seal(self, now_s: float) -> "Seal":
        """Fix the moment and the credentials; AWS takes a signature for five minutes."""
        now = datetime.fromtimestamp(now_s, UTC)
        return Seal(self, self.credentials(), f"{now:%Y%m%dT%H%M%SZ}")


class Seal:
    """One moment's part of every signature."""

    def __init__(self, signer: Signer, credentials: Credentials, at: str) -> None:
        scope = f"{at[:8]}/{signer.region}/{SERVICE}/aws4_request"
        names, token = "host;x-amz-date", credentials.token
        headers = f"host:{signer.host}\nx-amz-date:{at}\n"
        sent = f"Host: {signer.host}\r\nX-Amz-Date: {at}\r\n"
        if token:
            names += ";x-amz-security-token"
            headers += f"x-amz-security-token:{token}\n"
            sent += f"X-Amz-Security-Token: {token}\r\n"
        self._path = f"{signer.stage}/@connections/"
        self._canonical_path = quote(self._path, safe="/~")
        self._headers = f"\n\n{headers}\n{names}\n"
        self._to_sign = f"{ALGORITHM}\n{at}\n{scope}\n"
        self._key = day_key(credentials.secret_key, at[:8], signer.region)
        self._sent = (
            f" HTTP/1.1\r\n{sent}Authorization: {ALGORITHM} Credential={credentials.access_key}/{scope},"
            f" SignedHeaders={names}, Signature="
        )

    def head(self, verb: str, connection_id: str, *, body_hash: str, body_bytes: int) -> bytes:
        """Write one head: the id is escaped once on the wire, and once more in what is signed."""
        name = quote(connection_id, safe="")
        canonical = f"{verb}\n{self._canonical_path}{name.replace('%', '%25')}{self._headers}{body_hash}"
        text = self._to_sign + hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        return f"{verb} {self._path}{name}{self._sent}{signature}\r\nContent-Length: {body_bytes}\r\n\r\n".encode()


@lru_cache(maxsize=4)
def day_key(secret_key: str, day: str, region: str) -> bytes:
    """Derive the key of a day."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
