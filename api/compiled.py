"""
Write down how pydantic compiled the models of a source, for `api.thin`.

`python -m api.compiled` after every change of `contracts.source`, or of pydantic's version.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from pydantic import BaseModel

from api.thin import FILE, MODELS, NAMED
from contracts import source

#: For schemas of JSON, and addresses of this process: a validator needs neither.
_LEFT_OUT = frozenset({"metadata", "ref"})


def text() -> str:
    """Write the file."""
    models = {name: _plain(getattr(source, name).__pydantic_core_schema__) for name in MODELS}
    fields = {name: field.alias or name for name, field in source.SourceFields.model_fields.items()}
    return json.dumps({"fields": fields, "models": models}, indent=1) + "\n"


def _plain(value: Any) -> Any:
    """Name what JSON cannot hold."""
    if isinstance(value, Enum):
        return {"$": _name(type(value)), "of": value.value}
    if isinstance(value, BaseModel):
        return {"$": _name(type(value)), "of": value.model_dump(mode="json")}
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items() if key not in _LEFT_OUT}
    if isinstance(value, str | int | float | None):
        return value
    return [_plain(part) for part in value] if isinstance(value, Sequence) else {"$": _name(value)}


def _name(value: type | Callable[..., Any]) -> str:
    name = value.__name__
    if name not in NAMED:
        raise TypeError(f"api.thin does not know {name}: add it to NAMED")
    return name


if __name__ == "__main__":
    FILE.write_text(text())
