"""
What AWS's own description of a request asks beyond names, types and least sizes, which botocore checks by itself.

AWS refuses a value that is none of its own words, a text of other characters, and what is too long; the embedded AWS
takes them all, and what was deployed on a laptop would fail in the middle of a deploy in the cloud.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape


class OutOfLimitsError(ValueError):
    """AWS would refuse a request; the text says which of its members, and why."""


def refuse_beyond(params: Any, model: OperationModel, **_: Any) -> None:
    """Raise OutOfLimitsError for a request that AWS would refuse; to be registered for `provide-client-params`."""
    if model.input_shape and (wrong := list(_wrong(model.input_shape, params, model.name))):
        raise OutOfLimitsError("; ".join(wrong))


def _wrong(shape: Shape, value: Any, path: str) -> Iterator[str]:
    yield from _too_much(shape, value, path)
    match shape:
        case MapShape():
            for key, inner in value.items():
                yield from _wrong(shape.key, key, f"{path}.{key}")
                yield from _wrong(shape.value, inner, f"{path}.{key}")
        case StructureShape():
            for name, inner in value.items():
                if name in shape.members:  # else botocore says so
                    yield from _wrong(shape.members[name], inner, f"{path}.{name}")
        case ListShape():
            for number, inner in enumerate(value):
                yield from _wrong(shape.member, inner, f"{path}[{number}]")
        case _ if isinstance(value, str):
            yield from _no_word(shape, value, path)


def _too_much(shape: Shape, value: Any, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    size = len(value) if isinstance(value, str | list | dict) else value
    if most is not None and isinstance(size, int | float) and size > most:
        yield f"{path} is {size}, at most {most}"


def _no_word(shape: Shape, value: str, path: str) -> Iterator[str]:
    words, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if words and value not in words:
        yield f"{path} is {value}, none of {', '.join(words)}"
    if pattern and (known := _compiled(pattern)) and not known.fullmatch(value):
        yield f"{path} is {value}, which {pattern} does not match"


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Read a pattern; None for one of those that only Java understands."""
    try:
        return re.compile(pattern)
    except re.error:
        return None
