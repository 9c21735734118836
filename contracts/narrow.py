"""
The step between two documents in canonical form that differ in values only: same members, same lengths, nothing moved.

That is what most changes are. Parts that are equal are compared as bytes and never decoded, which is most of the time
that a step of a large document costs. Canonical bytes differ where, and only where, the values do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from contracts.pointer import escaped

#: Of a container, so many parts may differ; beyond it, and this share of all, decoding the whole is quicker.
FEW = 64
SHARE = 0.25

type Operation = dict[str, Any]

#: An object of lists, as a sheet is: the elements are found by one scan instead of two.
_lists = msgspec.json.Decoder(dict[str, list[Raw]]).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_elements = msgspec.json.Decoder(list[Raw]).decode
_value = msgspec.json.Decoder().decode
_CONTAINERS = b"{["
_OBJECT = _CONTAINERS[0]


class TooWide(Exception):
    """More differs than some values: compare the documents whole."""


def step(old: bytes, new: bytes) -> list[Operation]:
    """Find the values to replace; raises TooWide."""
    found: list[Operation] = []
    if old == new:
        return found
    try:
        before, after = _lists(old), _lists(new)
    except msgspec.ValidationError:
        _look("", Raw(old), Raw(new), found)
        return found
    if before.keys() != after.keys():
        raise TooWide
    for name in after:
        _look_at_elements(f"/{escaped(name)}", before[name], after[name], found)
    return found


def _look(path: str, old: Raw, new: Raw, found: list[Operation]) -> None:
    """Look for differences in a place that has some."""
    first = memoryview(new)[0]
    if first not in _CONTAINERS or first != memoryview(old)[0]:
        found.append({"op": "replace", "path": path, "value": _value(new)})
    elif first == _OBJECT:
        _look_at_members(path, _members(old), _members(new), found)
    else:
        _look_at_elements(path, _elements(old), _elements(new), found)


def _look_at_members(path: str, old: Mapping[str, Raw], new: Mapping[str, Raw], found: list[Operation]) -> None:
    if old.keys() != new.keys():
        raise TooWide
    differ = [name for name, value in new.items() if value != old[name]]
    _check(len(differ), of=len(new))
    for name in differ:
        _look(f"{path}/{escaped(name)}", old[name], new[name], found)


def _look_at_elements(path: str, old: Sequence[Raw], new: Sequence[Raw], found: list[Operation]) -> None:
    if len(old) != len(new):
        raise TooWide
    differ = [at for at, value in enumerate(new) if value != old[at]]
    _check(len(differ), of=len(new))
    if not {bytes(old[at]) for at in differ}.isdisjoint(bytes(new[at]) for at in differ):
        raise TooWide  # what is found in another place may have moved there
    for at in differ:
        _look(f"{path}/{at}", old[at], new[at], found)


def _check(differ: int, *, of: int) -> None:
    if differ > FEW and differ > of * SHARE:
        raise TooWide
