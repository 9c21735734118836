"""An event of the HTTP API (payload format 2.0) as the endpoints read it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from api.problem import bad_parameter, bad_request
from contracts.access import Right


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request. Header names are lower case; `right` is what the authorizer found, None if it was not asked."""

    route_key: str = ""
    source_id: str = ""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    right: Right | None = None
    id: str = ""
    address: str = ""

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Self:
        """Read an event; only its body is the caller's to break."""
        context = event.get("requestContext") or {}
        return cls(
            route_key=event.get("routeKey", ""),
            source_id=(event.get("pathParameters") or {}).get("sourceId", ""),
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            body=_body(event),
            right=_right((context.get("authorizer") or {}).get("lambda") or {}),
            id=context.get("requestId", ""),
            address=(context.get("http") or {}).get("sourceIp", ""),
        )

    def allow_parameters(self, *names: str) -> None:
        """Refuse unknown parameters: a misspelt filter would silently filter nothing."""
        for name in self.query:
            if name not in names:
                raise bad_parameter(name[:64], f"unknown; known are {', '.join(names) or 'none'}")


def _body(event: Mapping[str, Any]) -> bytes:
    body: str = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            return base64.b64decode(body, validate=True)
        return body.encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise bad_request("the body cannot be read") from error


def _right(context: Mapping[str, Any]) -> Right | None:
    if not context.get("principal"):
        return None
    expiry = context.get("expiry")
    scopes = frozenset(str(context.get("scopes", "")).split())
    return Right(principal=context["principal"], scopes=scopes, expires_ms=int(expiry) if expiry else None)
