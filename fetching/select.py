"""Which part of a document is watched: a JMESPath selector, minus what ignore pointers name."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.parser import ParsedResult

from contracts.rules import repetition

ANY = "*"
COMPILED_MAX = 4_096
#: Characters and members together, of what a selector puts together anew.
SELECTED_MAX = 16 * 1_024 * 1_024


class SelectorFailed(ValueError):
    """The selector fits nothing in the document."""


def select(document: Any, selector: str) -> Any:
    """Take the part that a JMESPath expression names; everything if there is none."""
    if not selector:
        return document
    try:
        found = compiled(selector).search(document)
    except (jmespath.exceptions.JMESPathError, RecursionError) as error:
        raise SelectorFailed(f"the selector cannot be used on this document: {error}") from error
    if found is None:
        raise SelectorFailed(f"the selector {selector[:100]!r} finds nothing in the document")
    if repeats(selector) > 1:
        _check_size(found)
    return found


@lru_cache(maxsize=COMPILED_MAX)
def repeats(selector: str) -> int:
    """Say how often a selector may repeat a part of a document; one that cannot be compiled makes nothing of it."""
    try:
        return repetition(compiled(selector).parsed) if selector else 1
    except SelectorFailed:
        return 1


@lru_cache(maxsize=COMPILED_MAX)
def compiled(selector: str) -> ParsedResult:
    """Compile a selector; registration has refused those that cannot be."""
    try:
        return jmespath.compile(selector)
    except jmespath.exceptions.JMESPathError as error:
        raise SelectorFailed(f"the selector is no JMESPath expression: {error}") from error


def ignore(document: Any, pointers: Sequence[str]) -> Any:
    """Remove what the pointers name, in place; a segment `*` is every member."""
    for pointer in pointers:
        _remove(document, segments(pointer))
    return document


def segments(pointer: str) -> list[str]:
    """Split a JSON Pointer (RFC 6901)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def unshared(value: Any) -> Any:
    """Copy a document so that no part of it stands in two places: a selector may take the same part twice."""
    if isinstance(value, dict):
        return {name: unshared(member) for name, member in value.items()}
    return [unshared(member) for member in value] if isinstance(value, list) else value


def keys(holder: Any, segment: str) -> list[Any]:
    """Give the members a segment names; of a list from its end, so that removing one does not move the next."""
    if isinstance(holder, dict):
        return list(holder) if segment == ANY else [segment] if segment in holder else []
    if isinstance(holder, list):
        return list(range(len(holder) - 1, -1, -1)) if segment == ANY else _index(holder, segment)
    return []


def _remove(holder: Any, path: Sequence[str]) -> None:
    first, rest = path[0], path[1:]
    for key in keys(holder, first):
        if rest:
            _remove(holder[key], rest)
        else:
            del holder[key]


def _index(holder: list[Any], segment: str) -> list[int]:
    fits = segment.isascii() and segment.isdigit() and int(segment) < len(holder)
    return [int(segment)] if fits else []


def _check_size(found: Any) -> None:
    """Bound what a selector made of a document: `{a: @, b: @}` doubles it each time, in memory that both share."""
    level, size = [found], 0
    while level:
        size += sum(len(value) if isinstance(value, str | dict | list) else 1 for value in level)
        if size > SELECTED_MAX:
            raise SelectorFailed("the selector makes far more of the document than there is in it")
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
