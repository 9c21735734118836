"""Arrays whose order says nothing: put into one order, that of their items' canonical bytes."""

from collections.abc import Iterator, Sequence
from typing import Any

from contracts.canonical import canonical
from fetching.select import keys, segments


def ordered(document: Any, pointers: Sequence[str]) -> Any:
    """Sort, in place, every array that a pointer names; inner ones first, because outer ones compare them."""
    for path in sorted(map(segments, pointers), key=len, reverse=True):
        for found in _at(document, path):
            if isinstance(found, list):
                found.sort(key=canonical)
    return document


def _at(holder: Any, path: Sequence[str]) -> Iterator[Any]:
    if not path:
        yield holder
        return
    for key in keys(holder, path[0]):
        yield from _at(holder[key], path[1:])
