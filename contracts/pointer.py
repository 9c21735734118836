"""JSON Pointers (RFC 6901): the name of one place in a document."""

import re
from dataclasses import dataclass
from typing import Any

type Path = tuple[str, ...]

POINTER = r"(/([^~/]|~[01])*)*"

_POINTER = re.compile(POINTER)
_INDEX = re.compile(r"0|[1-9][0-9]*")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a place holds; `value` means nothing where the place is not there."""

    exists: bool
    value: Any = None


NOT_THERE = Cell(exists=False)


def split(pointer: str) -> Path:
    """Read a pointer; ValueError if it is none. The whole document is `""`."""
    if not _POINTER.fullmatch(pointer):
        raise ValueError("not a JSON Pointer: it is empty or starts with /, and escapes ~ as ~0 and / as ~1")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def find(document: Any, path: Path) -> Cell:
    """Look a place up."""
    for token in path:
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and is_index(token) and int(token) < len(document):
            document = document[int(token)]
        else:
            return NOT_THERE
    return Cell(exists=True, value=document)


def escaped(name: str) -> str:
    """Write a name as a segment of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def is_index(token: str) -> bool:
    """Tell whether a token may name an element of an array; it may name a member of an object as well."""
    return len(token) <= 9 and _INDEX.fullmatch(token) is not None  # noqa: PLR2004 - no array has a thousand million elements
