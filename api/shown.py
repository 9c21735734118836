"""What a caller is shown of a source: everything but what may open somebody's door."""

import re
from collections.abc import Mapping
from typing import Any

from contracts.table.heads import Head

#: Stands for the value of a header that looks like a credential; sent back in an update it keeps the stored value.
HIDDEN = "***"

#: The index's own copy of the state is no field of a source.
_NOT_SHOWN = frozenset({"attention"})
_CREDENTIAL = re.compile(
    r"auth|bearer|cookie|credential|jwt|key|pass|pwd|secret|session|signature|token", re.IGNORECASE
)
#: A value that says what it is, whatever its header is called (RFC 9110 11.4).
_SCHEME = re.compile(r"(?:basic|bearer|digest)\s", re.IGNORECASE)


def source(item: Mapping[str, Any]) -> dict[str, Any]:
    """Show a source, given as its plain item."""
    shown = {name: value for name, value in item.items() if name not in _NOT_SHOWN}
    return shown | {"headers": {name: _value(name, value) for name, value in item.get("headers", {}).items()}}


def summary(item: Mapping[str, Any], head: Mapping[str, Any] | None, *, subscribers: int) -> dict[str, Any]:
    """Show a source in a list, with where its data stands and how many follow it."""
    known = head or {}
    stands = {"version": known.get("version", 0), "changedAt": known.get("lastUpdated"), "subscribers": subscribers}
    return source(item) | stands


def detail(item: Mapping[str, Any], head: Head | None, *, subscribers: int) -> dict[str, Any]:
    """Show a source alone, with its head (null while it is being deleted)."""
    shown = head and {
        "incarnation": head.incarnation, "version": head.version, "hash": head.hash, "lastUpdated": head.last_updated,
    }  # fmt: skip
    return source(item) | {"head": shown, "subscribers": subscribers}


def revision_tag(item: Mapping[str, Any]) -> dict[str, str]:
    """Give the header by which an update says what it has seen."""
    return {"etag": f'"{item["revision"]}"'}


def _value(name: str, value: str) -> str:
    return HIDDEN if _CREDENTIAL.search(name) or _SCHEME.match(value) else value
