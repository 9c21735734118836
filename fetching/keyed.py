"""Where a source's key goes in a request: into the headers that name it, else where the source's auth says."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from yarl import URL

if TYPE_CHECKING:  # pydantic doubles the start of a Lambda
    from contracts.source import Auth

PLACEHOLDER = "{apiKey}"


def with_key(url: URL, headers: Mapping[str, str], key: str, auth: "Auth") -> tuple[URL, dict[str, str]]:
    """Give the url and headers that carry the key."""
    given = dict(headers)
    if any(PLACEHOLDER in text for text in given.values()):
        return url, {name: text.replace(PLACEHOLDER, key) for name, text in given.items()}
    match auth.scheme:
        case "query":
            return url.update_query({auth.name: key}), given
        case "bearer":
            return url, given | {"Authorization": f"Bearer {key}"}
        case "basic":
            return url, given | {"Authorization": f"Basic {basic(key)}"}
        case _:
            return url, given | {auth.name: key}


def basic(key: str) -> str:
    """Write a key as basic credentials (RFC 7617); a lone one is a user without a password."""
    pair = key if ":" in key else f"{key}:"
    return base64.b64encode(pair.encode()).decode()
