"""
The one origin of dashboard and API: which paths are whose, the headers of every answer, how long files keep.

The distribution is declared from this and the local server answers by it, so both serve the same page under the
same policy. Nothing here knows of either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

#: What is the API's, as the distribution's patterns; everything else is a file.
API_PATTERNS = ("/datasources*", "/fleet", "/tickets", "/openapi.json")
INDEX, CONFIGURATION = "index.html", "config.json"
#: The build names these after their content, so they never change.
HASHED_FOLDER = "assets/"
IMMUTABLE, REVALIDATED = "public, max-age=31536000, immutable", "no-cache"


def content_security_policy(connect: Sequence[str]) -> str:
    """Let a page run its own code only, and talk to its own origin and to the given ones."""
    return "; ".join(
        [
            *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'"),
            " ".join(["connect-src 'self'", *connect]),
            *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
            *("require-trusted-types-for 'script'", "trusted-types 'none'"),
        ]
    )


def security_headers(connect: Sequence[str]) -> dict[str, str]:
    """Give the headers of every answer; `connect` are the origins of the socket and of the documents."""
    return {
        "Content-Security-Policy": content_security_policy(connect),
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """The issuer with which people sign in, and as what it knows the page."""

    issuer: str
    client_id: str
    audience: str
    scope: str

    @classmethod
    def read(cls, shown: Mapping[str, str] | None) -> "SignIn | None":
        """Read what `shown` says."""
        if shown is None:
            return None
        return cls(
            issuer=shown["issuer"], client_id=shown["clientId"], audience=shown["audience"], scope=shown["scope"]
        )

    @property
    def shown(self) -> Mapping[str, str]:
        """Say it as the page reads it."""
        return {"issuer": self.issuer, "clientId": self.client_id, "audience": self.audience, "scope": self.scope}


def configuration(web_socket_url: str, sign_in: SignIn | None) -> Mapping[str, Any]:
    """Say what one build of the page must know of the stack it runs in; the API is where the page came from."""
    told = {"apiUrl": "", "webSocketUrl": web_socket_url}
    return {**told, "signIn": sign_in.shown} if sign_in else told


def reached(web_socket_url: str, documents_origin: str, sign_in: SignIn | None) -> list[str]:
    """List the origins that the page talks to besides its own; the issuer gives it a token for a code."""
    return [origin_of(web_socket_url), documents_origin, *([origin_of(sign_in.issuer)] if sign_in else [])]


def cache_control(name: str) -> str:
    """Say how long a file may be kept unasked."""
    return IMMUTABLE if name.startswith(HASHED_FOLDER) else REVALIDATED


def origin_of(url: str) -> str:
    """Cut an address down to its scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
