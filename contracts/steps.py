"""
A step: the RFC 6902 operations that lead from one version of a document to the next.

Both documents must hold numbers as `contracts.canonical.number` reads them, so that `1` and `1.0` are one value.
"""

from typing import Any

import fastjsonpatch

type Operation = dict[str, Any]
type Step = list[Operation]

#: Replaces the whole document: the step where a patch would not be smaller.
WHOLE_PATH = ""


class StepFailed(ValueError):
    """An operation does not fit the document: the holder must drop the document and take a snapshot."""


def make(old: Any, new: Any) -> Step:
    """Find operations that turn `old` into `new`; empty if they are equal."""
    return [dict(operation) for operation in fastjsonpatch.make_patch(old, new).patch]


def apply(step: Step, document: Any) -> Any:
    """Apply a step and return the new document; the old one is left as it was."""
    try:
        return fastjsonpatch.apply_patch(document, step)
    except (fastjsonpatch.JsonPatchException, fastjsonpatch.JsonPointerException, TypeError, ValueError) as error:
        raise StepFailed(f"the step does not fit the document: {error}") from error


def replace_whole(document: Any) -> Step:
    """Make the step that replaces everything."""
    return [{"op": "replace", "path": WHOLE_PATH, "value": document}]
