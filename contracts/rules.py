"""What a url, a header, a selector, a pointer and a spreadsheet's address must look like. Each raises ValueError."""

import re
from collections.abc import Mapping
from math import prod
from typing import Any

import jmespath
from yarl import URL

from contracts.addresses import PORTS_ALLOWED, Policy, literal, why_refused

HEADER_VALUE_LENGTH_MAX = 4_096
SELECTOR_REPETITION_MAX = 1_000
#: DynamoDB holds no number between 0 and 1E-130.
TOLERANCE_MIN = 1e-100

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110 5.1: a token
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
#: Hop-by-hop (RFC 9110 7.6.1), or ours to say.
_HEADERS_REFUSED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f\\]")
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*", re.ASCII)
_POINTER = re.compile(r"(/([^~/]|~[01])*)*")  # RFC 6901; a segment `*` stands for any member


def check_url(url: str) -> URL:
    """Refuse what must never be requested: the same rules hold again at the socket, for every redirect."""
    if _CONTROL_OR_SPACE.search(url):
        raise ValueError("no spaces, control characters or backslashes")
    try:
        parsed = URL(url)
        port = parsed.port
    except ValueError as error:
        raise ValueError(f"not a url: {error}") from error
    if parsed.scheme not in {"http", "https"}:
        raise ValueError("the scheme must be http or https")
    if not parsed.host:
        raise ValueError("a host is missing")
    if parsed.user is not None or parsed.password is not None:
        raise ValueError("no user or password in the url: register an apiKey instead")
    _check_host(parsed.host)
    if port is None or not 0 < port < 2**16:
        raise ValueError("the port must be between 1 and 65535")
    return parsed


def _check_host(host: str) -> None:
    """Refuse spellings of addresses that programs read differently: `127.1`, `0x7f.1`, `2130706433`, `0177.0.0.1`."""
    if "%" in host:
        raise ValueError("no zone in the address")
    last = host.rstrip(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last) and literal(host) is None:
        raise ValueError("an address is written as four decimal numbers")


def check_destination(url: URL, policy: Policy) -> None:
    """Refuse ports and literal addresses that this deployment does not request."""
    port = url.port or 0
    if not policy.allow_private and port not in PORTS_ALLOWED:
        raise ValueError(f"port {port} is not one of {', '.join(map(str, sorted(PORTS_ALLOWED)))}")
    address = literal(url.host or "")
    why = why_refused(address, port, policy) if address else None
    if why:
        raise ValueError(why)


def origin(url: str | URL) -> str:
    """Name what a secret is bound to: scheme, host and port."""
    return str(URL(url).origin())


def sendable(key: str) -> bool:
    """Tell whether a key can be put into a request: one with a line break could add headers of its own."""
    return _HEADER_VALUE.fullmatch(key) is not None


def check_auth(scheme: str, name: str) -> None:
    """Refuse a key in a header that is not a source's to set."""
    if scheme == "header":
        check_header(name, "")


def check_header(name: str, value: str) -> None:
    """Refuse header names that are not tokens or not a source's to set, and values with line breaks."""
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("not a header name")
    if name.lower() in _HEADERS_REFUSED or name.lower().startswith("proxy-"):
        raise ValueError(f"{name} is set by the poller itself")
    if len(value) > HEADER_VALUE_LENGTH_MAX or not _HEADER_VALUE.fullmatch(value):
        raise ValueError(f"a value has no control characters and at most {HEADER_VALUE_LENGTH_MAX} characters")


def check_selector(selector: str) -> str:
    """Compile a JMESPath selector once, at save."""
    if not selector:
        return selector
    try:
        parsed = jmespath.compile(selector).parsed
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise ValueError(f"not a JMESPath expression: {error}") from error
    if repetition(parsed) > SELECTOR_REPETITION_MAX:
        raise ValueError(f"it may repeat a part of the document more than {SELECTOR_REPETITION_MAX} times")
    return selector


def repetition(node: Mapping[str, Any]) -> int:
    """
    Say how often an expression may repeat one part: `{a: @, b: @}` twice, and each one after it multiplies.

    `to_string` counts as twice: a text inside of a text has each of its quotes and backslashes doubled.
    """
    parts = [repetition(child) for child in node["children"] if isinstance(child, dict)]
    if node["type"] == "function_expression" and node["value"] == "to_string":
        return 2 * max(1, sum(parts))
    if node["type"] in {"multi_select_dict", "multi_select_list", "function_expression", "and_expression"}:
        return max(1, sum(parts))
    return prod(parts)


def check_tolerance(tolerance: float) -> float:
    """Refuse what is smaller than any number of the table, and means nothing."""
    if 0 < tolerance < TOLERANCE_MIN:
        raise ValueError(f"0, or at least {TOLERANCE_MIN}")
    return tolerance


def check_pointer(pointer: str) -> str:
    """Accept a JSON Pointer whose segments may be `*`."""
    if not pointer or not _POINTER.fullmatch(pointer):
        raise ValueError("not a JSON Pointer: it starts with / and escapes ~ as ~0 and / as ~1")
    return pointer


def check_place(pointer: str) -> str:
    """Accept what `check_pointer` does, and the empty pointer: the whole document."""
    return check_pointer(pointer) if pointer else pointer
