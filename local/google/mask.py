"""Field masks: `fields=sheets.properties(sheetId,title)` (Google Workspace, "Use partial responses")."""

from typing import Any

type Mask = dict[str, "Mask"]


def read_mask(text: str) -> Mask:
    """Read a mask; ValueError if it is none."""
    mask, rest = _members(text)
    if rest:
        raise ValueError(f"unexpected {rest!r}")
    return mask


def masked(value: Any, mask: Mask) -> Any:
    """Keep what a mask names; an empty one keeps all."""
    if not mask:
        return value
    if isinstance(value, list):
        return [masked(member, mask) for member in value]
    if not isinstance(value, dict):
        return value
    return {name: masked(value[name], inner) for name, inner in mask.items() if name in value}


def _members(text: str) -> tuple[Mask, str]:
    mask: Mask = {}
    while True:
        end = next((at for at, letter in enumerate(text) if letter in ",()./"), len(text))
        name, text = text[:end], text[end:]
        if not name:
            raise ValueError("a field's name is missing")
        inner: Mask = {}
        if text[:1] in (".", "/"):
            inner, text = _one_member(text[1:])
        elif text[:1] == "(":
            inner, text = _members(text[1:])
            if text[:1] != ")":
                raise ValueError("a ) is missing")
            text = text[1:]
        mask[name] = inner
        if text[:1] != ",":
            return mask, text
        text = text[1:]


def _one_member(text: str) -> tuple[Mask, str]:
    """Read what follows a dot: one path, not a list."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth < 0 or (letter == "," and depth == 0):
            return _members(text[:at])[0], text[at:]
    return _members(text)[0], ""
