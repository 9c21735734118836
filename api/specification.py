"""
The API described in OpenAPI 3.1, made of the very models and parameters that requests are read by.

`python -m api.specification` writes `api/openapi.json`, which is served as it lies there; a test holds it to this.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api import answers
from api.operations import ALWAYS, NOT_FOUND, OPERATIONS, Operation
from api.parameters import Parameter
from api.problem import MEDIA_TYPE

FILE = Path(__file__).with_name("openapi.json")
JSON = "application/json"
_REF = "#/components/schemas/{model}"
#: What API Gateway answers by itself, in its own words.
_GATEWAYS = frozenset({400, 401, 403, 404, 413, 429, 500, 503})

type Document = dict[str, Any]


def document() -> Document:
    """Describe the API."""
    schemas = _schemas()
    paths: dict[str, Document] = {}
    for operation in OPERATIONS:
        method, _, path = operation.route.partition(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(operation, path, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sheet-monitor-fleet", "version": "1",
            "description": "Watches JSON and XML urls and pushes every change. Examples: docs/api.md.",
        },
        "servers": [{"url": "./"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def text() -> str:
    """Write the description."""
    return json.dumps(document(), indent=1) + "\n"


def _schemas() -> dict[str, Document]:
    models = {model for one in OPERATIONS for model in (one.body, one.found) if isinstance(model, type)}
    models |= {answers.Problem, answers.Refusal}
    ordered = sorted((model for model in models if issubclass(model, BaseModel)), key=lambda model: model.__name__)
    _, found = models_json_schema([(model, "validation") for model in ordered], by_alias=True, ref_template=_REF)
    schemas: dict[str, Document] = found["$defs"]
    return schemas


def _operation(operation: Operation, path: str, schemas: Mapping[str, Document]) -> Document:
    parameters = [*_of_path(path), *map(_parameter, operation.parameters), *_headers(operation)]
    body = {"requestBody": _body(operation, schemas)} if operation.body else {}
    return {
        "operationId": operation.verb, "summary": operation.about,
        **({"parameters": parameters} if parameters else {}), **body,
        "responses": dict(_responses(operation)),
    }  # fmt: skip


def _of_path(path: str) -> Iterator[Document]:
    if "{sourceId}" in path:
        yield {"name": "sourceId", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _parameter(parameter: Parameter) -> Document:
    required = {"required": True} if getattr(parameter, "required", False) else {}
    told = {"name": parameter.name, "in": "query", "description": parameter.about, "schema": parameter.schema}
    return told | required


def _headers(operation: Operation) -> Iterator[Document]:
    for header in operation.headers:
        yield {"name": header.name, "in": "header", "description": header.about, "schema": dict(header.schema)}


def _body(operation: Operation, schemas: Mapping[str, Document]) -> Document:
    assert operation.body
    name = operation.body.__name__
    schema: Document = {"$ref": _REF.format(model=name)}
    if operation.partial or operation.optional:
        whole = schemas[name]
        left_out = set(whole["required"]) if operation.partial else set(operation.optional)
        schema = whole | {"required": sorted(set(whole["required"]) - left_out)}
        if operation.partial:  # what is left out stays as it is: nothing is defaulted
            fields = whole["properties"].items()
            schema["properties"] = {
                field: {key: value for key, value in told.items() if key != "default"} for field, told in fields
            }
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _responses(operation: Operation) -> Iterator[tuple[str, Document]]:
    yield str(operation.status), _response(HTTPStatus(operation.status).phrase, _content(operation.found))
    for status, why in operation.more.items():
        yield str(status), _response(why, {})
    # A path parameter may hold what makes it no route's at all.
    refusals = {*ALWAYS, *operation.refusals, *([NOT_FOUND] if "{" in operation.route else [])}
    for refused in sorted(refusals):
        yield str(refused), _response(HTTPStatus(refused).phrase, _refusal(refused))


def _response(why: str, content: Document) -> Document:
    return {"description": why, **({"content": content} if content else {})}


def _content(found: Any) -> Document:
    if found is None:
        return {}
    is_model = isinstance(found, type) and issubclass(found, BaseModel)
    return {JSON: {"schema": {"$ref": _REF.format(model=found.__name__)} if is_model else {}}}


def _refusal(status: int) -> Document:
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return problem | ({JSON: {"schema": {"$ref": _REF.format(model="Refusal")}}} if status in _GATEWAYS else {})


if __name__ == "__main__":
    FILE.write_text(text())
