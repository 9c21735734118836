"""
Numbers that wobble: one within the tolerance of the last reported value stays what was reported.

The last reported value, not the last seen: a slow drift is a change once it has gone that far. So a document never
differs from what the source says by more than the tolerance, and its bytes, hash and steps are those of a document
that holds the reported values. Items of an ordered array are compared by their place; those of an unordered one as
wholes, each with one that differs from it in numbers only, and by no more than the tolerance.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from contracts.canonical import canonical
from fetching.select import ANY, segments

#: How many items of the last document an item of an unordered array is compared with before it counts as new.
CANDIDATES_MAX = 64

#: A text that spells a number, short enough that nothing about it is expensive.
_NUMBER = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
#: Differences keep more digits than doubles have; those of huge integers may be rounded, far beyond any tolerance.
_EXACT = Context(prec=400)

type Path = tuple[str, ...]


def settled(document: Any, last: Any, tolerance: float, *, unordered: Sequence[str] = (), texts: bool = False) -> Any:
    """
    Give the document with every number that did not move beyond the tolerance as it was; changed in place.

    With `texts` a text that spells a number is one: XML has no others.
    """
    scale = _Scale(tolerance=Decimal(repr(tolerance)), texts=texts)
    return scale.settled(document, last, [tuple(segments(pointer)) for pointer in unordered])


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """What is a number here, and how far it may move unreported."""

    tolerance: Decimal
    texts: bool

    def settled(self, new: Any, old: Any, unordered: Sequence[Path]) -> Any:
        if isinstance(new, dict) and isinstance(old, dict):
            for name in new.keys() & old.keys():
                new[name] = self.settled(new[name], old[name], _under(unordered, name))
        elif isinstance(new, list) and isinstance(old, list):
            if () in unordered:
                return sorted(self._paired(new, old), key=canonical)
            for index, (item, other) in enumerate(zip(new, old, strict=False)):
                new[index] = self.settled(item, other, _under(unordered, str(index)))
        elif self._within(new, old):
            return old
        return new

    def _paired(self, new: Sequence[Any], old: Sequence[Any]) -> Iterator[Any]:
        """Give each item as it was reported, equal ones first."""
        equal: dict[bytes, list[Any]] = defaultdict(list)
        for item in old:
            equal[canonical(item)].append(item)
        moved = []
        for item in new:
            same = equal.get(canonical(item))
            if same:
                yield same.pop()
            else:
                moved.append(item)
        candidates: dict[bytes, list[Any]] = defaultdict(list)
        for item in (one for rest in equal.values() for one in rest):
            candidates[self._form(item)].append(item)
        for item in moved:
            yield self._nearest(item, candidates[self._form(item)])

    def _nearest(self, item: Any, candidates: list[Any]) -> Any:
        numbers = list(self._numbers(item))
        for index, other in enumerate(candidates[:CANDIDATES_MAX]):
            if all(self._within(a, b) for a, b in zip(numbers, self._numbers(other), strict=True)):
                return candidates.pop(index)
        return item

    def _form(self, value: Any) -> bytes:
        """Write a value with every number alike: what two items must have in common to be compared."""
        return canonical(self._blank(value))

    def _blank(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._blank(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._blank(item) for item in value]
        return value if self._number(value) is None else 0

    def _numbers(self, value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for name in sorted(value):
                yield from self._numbers(value[name])
        elif isinstance(value, list):
            for item in value:
                yield from self._numbers(item)
        elif self._number(value) is not None:
            yield value

    def _within(self, new: Any, old: Any) -> bool:
        """Compare in decimal, as people read numbers: 1.1 and 1.0 differ by 0.1, which they do not as doubles."""
        a, b = self._number(new), self._number(old)
        return a is not None and b is not None and _EXACT.abs(_EXACT.subtract(a, b)) <= self.tolerance

    def _number(self, value: Any) -> Decimal | None:
        if isinstance(value, str):
            return Decimal(value) if self.texts and _NUMBER.fullmatch(value) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _under(places: Sequence[Path], segment: str) -> list[Path]:
    return [place[1:] for place in places if place and place[0] in (segment, ANY)]
