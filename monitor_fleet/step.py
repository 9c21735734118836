"""The step between two documents in canonical form. Pure and picklable: large ones are made in another process."""

from dataclasses import dataclass

import msgspec

from contracts import steps
from contracts.steps import Summary
from contracts.table import changes

#: A patch this small is kept even where the whole document is smaller: it says which of its members changed.
SMALL_BYTES = 1_024

#: Numbers of a canonical text need no second look: its integers are written as such.
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A step as it is stored, how many bytes it is as JSON, and what it did, even where all of it is replaced."""

    packed: str | bytes | None
    bytes: int
    summary: Summary


def make(old: bytes, new: bytes) -> Made:
    """Make the step from one document to the next; all of it anew where a patch would not be smaller."""
    patch = steps.between(old, new)
    patch_size = len(_encode(patch))
    summary = Summary.of(patch)
    if patch_size < max(len(new), SMALL_BYTES):
        return Made(packed=changes.pack(patch), bytes=patch_size, summary=summary)
    return Made(packed=changes.pack(steps.replace_whole(_decode(new))), bytes=len(new), summary=summary)
