"""
A step: the RFC 6902 operations that lead from one version of a document to the next.

Both documents must hold numbers as `contracts.canonical.number` reads them, so that `1` and `1.0` are one value.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import fastjsonpatch
import msgspec

from contracts import narrow, toil

type Operation = dict[str, Any]
type Step = list[Operation]

#: Numbers of a canonical text need no second look: its integers are written as such.
_decode = msgspec.json.Decoder().decode

#: Replaces the whole document: the step where a patch would not be smaller.
WHOLE_PATH = ""


#: What a summary shows of the places that changed.
SUMMARY_PATHS_MAX = 5
SUMMARY_PATH_LENGTH_MAX = 256


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a step did, in numbers: how many places were added, removed and changed, and the first of them."""

    added: int
    removed: int
    changed: int
    paths: tuple[str, ...]

    @classmethod
    def of(cls, step: "Step") -> Self:
        """Count the operations."""
        kinds = Counter(operation["op"] for operation in step)
        first = dict.fromkeys(operation["path"] for operation in step[: SUMMARY_PATHS_MAX * 2])
        return cls(
            added=kinds["add"],
            removed=kinds["remove"],
            changed=len(step) - kinds["add"] - kinds["remove"],
            paths=tuple(path[:SUMMARY_PATH_LENGTH_MAX] for path in list(first)[:SUMMARY_PATHS_MAX]),
        )

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `row` gave."""
        return cls(**{**row, "paths": tuple(row["paths"])})

    def row(self) -> dict[str, Any]:
        """Give the plain map that the table and the API show."""
        return {"added": self.added, "removed": self.removed, "changed": self.changed, "paths": list(self.paths)}


class StepFailed(ValueError):
    """An operation does not fit the document: the holder must drop the document and take a snapshot."""


def make(old: Any, new: Any) -> Step:
    """Find operations that turn `old` into `new`; empty if they are equal."""
    return [dict(operation) for operation in fastjsonpatch.make_patch(old, new).patch]


def between(old: bytes, new: bytes) -> Step:
    """Find operations that turn one document in canonical form into another; all anew where that takes too long."""
    try:
        return narrow.step(old, new)
    except narrow.TooWide:
        before, after = _decode(old), _decode(new)
        is_toil = toil.may_be(old, new) and toil.is_toil(before, after)
        return replace_whole(after) if is_toil else make(before, after)


def apply(step: Step, document: Any) -> Any:
    """Apply a step and return the new document; the old one is left as it was."""
    try:
        return fastjsonpatch.apply_patch(document, step)
    except (fastjsonpatch.JsonPatchException, fastjsonpatch.JsonPointerException, TypeError, ValueError) as error:
        raise StepFailed(f"the step does not fit the document: {error}") from error


def replace_whole(document: Any) -> Step:
    """Make the step that replaces everything."""
    return [{"op": "replace", "path": WHOLE_PATH, "value": document}]
