"""
A source on its way between files and deployments: its fields, without anything that is a secret.

`id` says which it is, so that the same file again makes nothing twice; `needsKey` that it had a key, which no export
holds. An item without an id gets one made of what it says, so it is the same source every time.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from api import shown
from api.fields import hidden_headers, read_registration, refuse
from api.models import SOURCE_FIELDS, Registration, SourceFields
from api.problem import FieldError
from api.rows import SOURCE_ID
from contracts.addresses import Policy

ID_HEX = 8
FIELDS = frozenset(SOURCE_FIELDS.values())


@dataclass(frozen=True, kw_only=True)
class Portable:
    """One item of an import, read."""

    source_id: str
    registration: Registration
    needs_key: bool

    @classmethod
    def read(cls, item: Mapping[str, Any], policy: Policy) -> Self:
        """Read an item, or say which of its fields are wrong."""
        about = list(_wrong_beside(item))
        if about:
            raise refuse(*about)
        fields = {name: value for name, value in item.items() if name not in {"id", "needsKey"}}
        registration = read_registration(fields, policy)
        given = item.get("id")
        source_id = given if given is not None else _id_of(registration)
        return cls(source_id=source_id, registration=registration, needs_key=item.get("needsKey", False))

    def is_the_same_as(self, stored: Mapping[str, Any]) -> bool:
        """Tell whether a stored source says the same: a hidden header is what is stored, keys are not compared."""
        mine, its = _fields(self.registration), {name: stored[name] for name in FIELDS if name in stored}
        kept = stored.get("headers", {})
        headers = {
            name: kept.get(name, value) if value == shown.HIDDEN else value for name, value in mine["headers"].items()
        }
        return mine | {"headers": headers} == _fields(SourceFields.model_validate(its))

    def missing(self) -> Iterator[FieldError]:
        """Say what an export left out and a new source cannot do without."""
        yield from hidden_headers(self.registration.headers)
        if self.needs_key and not (self.registration.api_key or self.registration.api_key_secret_id):
            yield FieldError(field="apiKey", message="the source had a key, which no export holds: give it")


def _wrong_beside(item: Mapping[str, Any]) -> Iterator[FieldError]:
    source_id = item.get("id")
    if source_id is not None and not (isinstance(source_id, str) and SOURCE_ID.fullmatch(source_id)):
        yield FieldError(field="id", message="looks like external-1a2b3c4d; without one it is made of the fields")
    elif source_id is not None and source_id.partition("-")[0] != item.get("type", "external"):
        yield FieldError(field="id", message="begins with the source's type")
    if not isinstance(item.get("needsKey", False), bool):
        yield FieldError(field="needsKey", message="true or false")


def _id_of(registration: Registration) -> str:
    text = json.dumps(_fields(registration), sort_keys=True)
    return f"{registration.type.value}-{hashlib.sha256(text.encode()).hexdigest()[:ID_HEX]}"


def _fields(source: SourceFields) -> dict[str, Any]:
    return source.model_dump(mode="json", by_alias=True, include=set(SOURCE_FIELDS))
