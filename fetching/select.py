"""Which part of a document is watched: a JMESPath selector, minus what ignore pointers name."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.parser import ParsedResult

ANY = "*"
COMPILED_MAX = 4_096


class SelectorFailed(ValueError):
    """The selector fits nothing in the document."""


def select(document: Any, selector: str) -> Any:
    """Take the part that a JMESPath expression names; everything if there is none."""
    if not selector:
        return document
    try:
        found = _compiled(selector).search(document)
    except jmespath.exceptions.JMESPathError as error:
        raise SelectorFailed(f"the selector cannot be used on this document: {error}") from error
    if found is None:
        raise SelectorFailed(f"the selector {selector[:100]!r} finds nothing in the document")
    return found


def ignore(document: Any, pointers: Sequence[str]) -> Any:
    """Remove what the pointers name, in place; a segment `*` is every member."""
    for pointer in pointers:
        _remove(document, [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]])
    return document


def unshared(value: Any) -> Any:
    """Copy a document so that no part of it stands in two places: a selector may take the same part twice."""
    if isinstance(value, dict):
        return {name: unshared(member) for name, member in value.items()}
    return [unshared(member) for member in value] if isinstance(value, list) else value


def _remove(holder: Any, path: Sequence[str]) -> None:
    first, rest = path[0], path[1:]
    for key in _keys(holder, first):
        if rest:
            _remove(holder[key], rest)
        else:
            del holder[key]


def _keys(holder: Any, segment: str) -> list[Any]:
    """Give the members a segment names; of a list from its end, so that removing one does not move the next."""
    if isinstance(holder, dict):
        return list(holder) if segment == ANY else [segment] if segment in holder else []
    if isinstance(holder, list):
        return list(range(len(holder) - 1, -1, -1)) if segment == ANY else _index(holder, segment)
    return []


def _index(holder: list[Any], segment: str) -> list[int]:
    fits = segment.isascii() and segment.isdigit() and int(segment) < len(holder)
    return [int(segment)] if fits else []


@lru_cache(maxsize=COMPILED_MAX)
def _compiled(selector: str) -> ParsedResult:
    return jmespath.compile(selector)
