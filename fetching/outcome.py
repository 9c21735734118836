"""What one request to a source ended in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why a poll failed, for logs and counts; `Failed.why` says it to a person."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    CERTIFICATE = "certificate"
    TIMEOUT = "timeout"
    RESET = "reset"
    REFUSED = "refused"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    STATUS = "status"
    REDIRECT = "redirect"
    TOO_LARGE = "too_large"
    ENCODING = "encoding"
    PARSE = "parse"
    SELECTOR = "selector"
    KEY = "key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Validators:
    """
    What a server gave to ask again with, verbatim; good for `url` only, the one that answered.

    And for the key that asked: what it may read may be another document than what the next key may.
    """

    url: str
    etag: str = ""
    last_modified: str = ""
    #: The version of the secret whose key asked; empty where none did.
    key_version: str = ""

    @property
    def are_any(self) -> bool:
        """Say whether there is anything to ask with."""
        return bool(self.etag or self.last_modified)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer with a body, still as it came over the wire."""

    wire: bytes
    coding: str
    content_type: str
    validators: Validators
    status: int = 200
    #: All that the server said beside the body; only a preview looks at it.
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NotModified:
    """A 304: the server says that nothing changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The source did not give a document. `why` is for a person; it holds no key and no query string."""

    reason: Reason
    why: str
    retry_after_s: float | None = None
    #: Of the answer, where there was one.
    status: int | None = None


type Outcome = Reply | NotModified | Failed
