"""
Signature Version 4: what all requests that we sign ourselves have in common, computed once.

AWS, "Create a signed AWS API request":
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

ALGORITHM = "AWS4-HMAC-SHA256"
#: RFC 2104, 2.
INNER_PAD, OUTER_PAD = 0x36, 0x5C


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Whose requests these are."""

    access_key: str
    secret_key: str
    token: str | None = None


class Moment:
    """One moment's part of every signature for one service; AWS takes it for five minutes."""

    def __init__(self, credentials: Credentials, *, now_s: float, region: str, service: str) -> None:
        at = self.at = f"{datetime.fromtimestamp(now_s, UTC):%Y%m%dT%H%M%SZ}"
        scope = f"{at[:8]}/{region}/{service}/aws4_request"
        self.authorization = f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders="
        key = day_key(credentials.secret_key, scope)
        self._inner = hashlib.sha256(_padded(key, INNER_PAD) + f"{ALGORITHM}\n{at}\n{scope}\n".encode())
        self._outer = hashlib.sha256(_padded(key, OUTER_PAD))

    def sign(self, canonical: str) -> str:
        """Sign a request in canonical form."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(hashlib.sha256(canonical.encode()).hexdigest().encode())
        outer.update(inner.digest())
        return outer.hexdigest()


def _padded(key: bytes, pad: int) -> bytes:
    """Give a key's block of one of HMAC's two hashes, which the same key begins with every time (RFC 2104, 4)."""
    return bytes(one ^ pad for one in key.ljust(hashlib.sha256().block_size, b"\0"))


@lru_cache(maxsize=8)
def day_key(secret_key: str, scope: str) -> bytes:
    """Derive the key of a day."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
