"""
Fields that change by themselves: seen between two answers a moment apart.

Such a field makes every poll a change. What looks like a time or a random number is suggested to be ignored; what
looks like a value is named only: it may be the very thing to watch.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts.source_rules import POINTERS_MAX
from contracts.steps import Operation
from fetching.select import ANY

OPERATIONS_MAX = 2_000

_TIME_NAME = re.compile(
    r"time|date|stamp|updated|generated|modified|expires|(^|_)(at|age|now|ttl|uptime)$", re.IGNORECASE
)
_TIME_CAMEL = re.compile(r"[a-z](At|Age|Now)$")
_TIME_TEXT = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d")
_RANDOM_NAME = re.compile(r"nonce|request.?id|trace|span|session|csrf|uuid|guid|signature|etag|cursor", re.IGNORECASE)
_RANDOM_TEXT = re.compile(r"[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: Seconds and milliseconds since the epoch, from 2001 to 2286.
_EPOCHS = ((1e9, 1e10), (1e12, 1e13))


class Looks(StrEnum):
    """What kind of value changed."""

    TIME = "time"
    RANDOM = "random"
    VALUE = "value"


@dataclass(frozen=True, kw_only=True)
class Volatile:
    """A place, given as a pointer whose list indexes are `*`, and how many values changed there."""

    pointer: str
    looks: Looks
    count: int


def volatile(first: Any, step: Sequence[Operation]) -> list[Volatile]:
    """Name the places where single values were replaced, the most frequent first."""
    counts, looks = Counter[str](), dict[str, Looks]()
    for operation in step[:OPERATIONS_MAX]:
        value = operation.get("value")
        if operation["op"] != "replace" or not operation["path"] or isinstance(value, dict | list):
            continue
        pointer, name = _generalized(first, operation["path"])
        counts[pointer] += 1
        looks.setdefault(pointer, _looks(name, value))
    most = counts.most_common(POINTERS_MAX)
    return [Volatile(pointer=pointer, looks=looks[pointer], count=count) for pointer, count in most]


def _generalized(document: Any, path: str) -> tuple[str, str]:
    """Put `*` for every index of a list; and give the last name that is none."""
    segments, name = [], ""
    for segment, is_index in _walk(document, path.split("/")[1:]):
        segments.append(ANY if is_index else segment)
        name = name if is_index else segment
    return "/" + "/".join(segments), name


def _walk(document: Any, segments: Sequence[str]) -> Iterator[tuple[str, bool]]:
    at = document
    for segment in segments:
        if isinstance(at, list):
            yield segment, True
            at = at[int(segment)] if segment.isdigit() and int(segment) < len(at) else None
        else:
            yield segment, False
            at = at.get(segment.replace("~1", "/").replace("~0", "~")) if isinstance(at, dict) else None


def _looks(name: str, value: Any) -> Looks:
    if isinstance(value, bool) or value is None:
        return Looks.VALUE
    text = str(value)
    if _TIME_NAME.search(name) or _TIME_CAMEL.search(name) or _TIME_TEXT.search(text) or _is_epoch(value):
        return Looks.TIME
    if _RANDOM_NAME.search(name) or _RANDOM_TEXT.fullmatch(text):
        return Looks.RANDOM
    return Looks.VALUE


def _is_epoch(value: Any) -> bool:
    return isinstance(value, int | float) and any(low <= value < high for low, high in _EPOCHS)
