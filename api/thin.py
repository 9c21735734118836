"""
The models of `contracts.source` as pydantic compiled them, read from a file: what a Lambda validates by.

`python -m api.compiled` writes the file; a test holds it to the models, and these classes to those.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from api.core import SchemaSerializer, SchemaValidator
from contracts.kinds import SourceType, State
from contracts.rules import check_place, check_pointer, check_selector, check_tolerance
from contracts.source_rules import Secret, fits_its_type, one_key

FILE = Path(__file__).with_name("models.json")


class Model:
    """What pydantic's core fills: the slots are those it sets."""

    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")
    validator: ClassVar[Any]
    serializer: ClassVar[Any]

    def __init__(self, **fields: Any) -> None:
        self.validator.validate_python(fields, self_instance=self)

    @classmethod
    def model_validate(cls, document: Any, **how: Any) -> Self:
        """Validate a document: `by_alias`, `by_name` as pydantic means them."""
        made: Self = cls.validator.validate_python(document, **how)
        return made

    def model_dump(self, **how: Any) -> dict[str, Any]:
        """Give the fields: `mode`, `by_alias`, `include`, `exclude`, `exclude_none` as pydantic means them."""
        fields: dict[str, Any] = self.serializer.to_python(self, **how)
        return fields


class Auth(Model):
    """As in `contracts.source`."""


class Status(Model):
    """As in `contracts.source`."""


class SourceFields(Model):
    """As in `contracts.source`."""


class Registration(SourceFields):
    """As in `contracts.source`."""


class Source(SourceFields):
    """As in `contracts.source`."""

    def item(self) -> dict[str, Any]:
        """Give the item of the DataSources table, and the body the API answers with."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Read an item of the DataSources table (`attention` is the index's copy of the state)."""
        return cls.model_validate({name: value for name, value in item.items() if name != "attention"})


#: In this order: those above stand in those below.
MODELS: Mapping[str, type[Model]] = {
    model.__name__: model for model in (Auth, Status, SourceFields, Registration, Source)
}
#: What a compiled schema names instead of holding it.
NAMED: Mapping[str, Any] = {
    **MODELS,
    **{one.__name__: one for one in (SourceType, State, Secret, fits_its_type, one_key, dict, list)},
    **{one.__name__: one for one in (check_place, check_pointer, check_selector, check_tolerance)},
}


def _revive(value: Any) -> Any:
    """Put what is named back: `{"$": name}` itself, with `of` an instance made of that."""
    if isinstance(value, list):
        return [_revive(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "$" not in value:
        return {key: _revive(part) for key, part in value.items()}
    named = NAMED[value["$"]]
    if "of" not in value:
        return named
    return named(**value["of"]) if isinstance(value["of"], dict) else named(value["of"])


def fill() -> Mapping[str, str]:
    """Give each class its validator; give the attributes of `SourceFields` with their JSON names."""
    compiled = json.loads(FILE.read_text())
    for name, model in MODELS.items():
        schema = _revive(compiled["models"][name])
        model.validator, model.serializer = SchemaValidator(schema), SchemaSerializer(schema)
    fields: dict[str, str] = compiled["fields"]
    return fields
