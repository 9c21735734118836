"""Pulumi's camelCase inputs as a botocore request: every name is found in the operation's own description."""

from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


class UnknownMemberError(LookupError):
    """An input is no member of the operation's request: it would silently have no effect."""


def shaped(shape: Shape, value: Any, path: str = "") -> Any:
    """Rename the members of a value to those of a shape, whatever their case."""
    match shape:
        case MapShape():  # before structures: its keys are the user's
            return {key: shaped(shape.value, inner, f"{path}.{key}") for key, inner in value.items()}
        case StructureShape():
            return _structure(shape, value, path)
        case ListShape():
            return [shaped(shape.member, inner, f"{path}[]") for inner in value]
        case _:
            return value


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> dict[str, Any]:
    names = {name.lower(): name for name in shape.members}
    unknown = [key for key in value if key.lower() not in names]
    if unknown:
        raise UnknownMemberError(f"{shape.name}{path} has no {', '.join(unknown)}")
    members = {names[key.lower()]: inner for key, inner in value.items()}
    return {name: shaped(shape.members[name], inner, f"{path}.{name}") for name, inner in members.items()}
