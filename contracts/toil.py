"""
Lists so long and so different that finding the operations between them takes minutes, whatever finds them.

`fastjsonpatch` takes seconds for 100,000 elements of which each is another, and twenty times that for five times as
many. How long it will take is told from how many neighbours are neighbours no more: a list that only rolls on keeps
nearly all of them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

#: Any two lists up to here take four seconds at most.
LENGTH_SAFE = 80_000
#: Longer ones: their length by the places at which they part; as much time for 3,000 places of 100,000 elements.
TOIL_MAX = 300_000_000

_CONTAINERS = frozenset({dict, list})
_encode = msgspec.json.Encoder().encode


def may_be(old: bytes, new: bytes) -> bool:
    """Say whether there are commas enough for such a list; most documents need no second look."""
    return max(old.count(b","), new.count(b",")) >= LENGTH_SAFE


def is_toil(old: Any, new: Any) -> bool:
    """Say whether there are lists at one place of both documents that take too long to compare."""
    pairs = [(old, new)]
    while pairs:
        before, after = pairs.pop()
        if type(before) is list and type(after) is list and _takes_long(before, after):
            return True
        pairs += ((a, b) for a, b in _members(before, after) if type(a) in _CONTAINERS and type(a) is type(b))
    return False


def _members(old: Any, new: Any) -> Iterator[tuple[Any, Any]]:
    if type(old) is dict and type(new) is dict:
        yield from ((value, new[name]) for name, value in old.items() if name in new)
    elif type(old) is list and type(new) is list:
        yield from zip(old, new, strict=False)


def _takes_long(old: Sequence[Any], new: Sequence[Any]) -> bool:
    longest = max(len(old), len(new))
    return longest > LENGTH_SAFE and longest * _partings(old, new) > TOIL_MAX


def _partings(old: Sequence[Any], new: Sequence[Any]) -> int:
    """Count the neighbours that are new, and elements that are less."""
    known = set(pairwise(map(_encode, old)))
    apart = sum(each not in known for each in pairwise(map(_encode, new)))
    return apart + max(0, len(old) - len(new))
