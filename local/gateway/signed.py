"""
Checking Signature Version 4, written apart from what signs; boto3's requests must pass and altered ones must not.

AWS, "Create a signed AWS API request":
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from local.gateway.limits import SKEW_S

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/execute-api/aws4_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
MUST_SIGN = {"host", "x-amz-date"}


def is_signed(
    verb: str, path: str, headers: Mapping[str, str], body: bytes, *, secrets: Mapping[str, str], wall_s: float
) -> bool:
    """Tell whether a request, with header names in lower case, was signed with one of the secrets just now."""
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None or found[1] not in secrets:
        return False
    access_key, day, region, names, signature = found.groups()
    signed = names.split(";")
    at = headers.get("x-amz-date", "")
    if not set(signed) >= MUST_SIGN or not at.startswith(day) or abs(_when(at) - wall_s) > SKEW_S:
        return False
    if "x-amz-security-token" in headers and "x-amz-security-token" not in signed:
        return False
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed)
    body_hash = hashlib.sha256(body).hexdigest()
    canonical = f"{verb}\n{quote(path, safe='/~')}\n\n{lines}\n{names}\n{body_hash}"
    scope = f"{day}/{region}/execute-api/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(_key(secrets[access_key], day, region), text.encode(), "sha256").hexdigest()
    return hmac.compare_digest(expected, signature)


@lru_cache(maxsize=16)
def _when(at: str) -> float:
    try:
        return datetime.strptime(at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


@lru_cache(maxsize=16)
def _key(secret: str, day: str, region: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (day, region, "execute-api", "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
