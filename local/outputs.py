"""Find the outputs that a handler did not return, before a program reads None from one of them."""

import importlib
from collections.abc import Mapping
from typing import Any

from pulumi import _types
from pulumi.runtime import rpc

from local.props import missing


def with_markers(typ: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Fill every text output that the state lacks with a marker, which fails where it is used."""
    declared = _types.resource_types(_class_of(typ))
    absent = [prop for prop, kind in declared.items() if kind is str and state.get(prop) is None]
    return {**{prop: missing(typ, prop) for prop in absent}, **state}


def _class_of(typ: str) -> type:
    package, module, _ = typ.split(":")
    found: Any = rpc.get_resource_module(package, module, "")
    made: type = getattr(importlib.import_module(found.mod_info["fqn"]), found.mod_info["classes"][typ])
    return made
