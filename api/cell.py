"""
What a step does to one place in a document, told from its operations alone wherever they say it.

An operation says nothing for sure where it moves a neighbour within an array, or changes something below the place:
then only the document itself can tell.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts import pointer
from contracts.pointer import NOT_THERE, Cell, Path
from contracts.steps import Operation, Step


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Whether a place was touched, and what it holds then; `cell` is None where the operations do not say."""

    touched: bool
    cell: Cell | None = None


UNTOUCHED, UNKNOWN = Effect(touched=False), Effect(touched=True)


def effect(step: Step, path: Path) -> Effect:
    """Tell what a whole step does."""
    last = UNTOUCHED
    for found in (_effect(operation, path) for operation in step):
        last = found if found.touched else last
    return last


def touching(step: Step, path: Path) -> Iterator[Operation]:
    """Give the operations that touch a place."""
    return (operation for operation in step if _effect(operation, path).touched)


def _effect(operation: Operation, path: Path) -> Effect:
    verb, own = operation["op"], pointer.split(operation["path"])
    if verb == "test":
        return UNTOUCHED
    if verb == "move" and _is_near(pointer.split(operation["from"]), path):
        return UNKNOWN
    if own == path[: len(own)]:
        return _at_or_above(operation, own, path)
    if verb == "replace":
        return UNKNOWN if own[: len(path)] == path else UNTOUCHED
    return UNKNOWN if _is_near(own, path) else UNTOUCHED


def _at_or_above(operation: Operation, own: Path, path: Path) -> Effect:
    last = own[-1] if own else ""
    if operation["op"] in {"add", "replace"} and last != "-":
        return Effect(touched=True, cell=pointer.find(operation["value"], path[len(own) :]))
    if operation["op"] == "remove" and not pointer.is_index(last):
        return Effect(touched=True, cell=NOT_THERE)
    return UNKNOWN


def _is_near(own: Path, path: Path) -> bool:
    """Tell whether adding or removing at `own` may change what is at, above or below a place, or which that is."""
    shared = min(len(own), len(path))
    if own[:shared] == path[:shared]:
        return True
    parent = len(own) - 1
    if not own or parent >= len(path) or own[:parent] != path[:parent] or not pointer.is_index(path[parent]):
        return False
    return own[parent] == "-" or (pointer.is_index(own[parent]) and int(own[parent]) < int(path[parent]))
