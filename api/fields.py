"""The fields of a source as a caller sends them: every wrong one is named, none is quoted."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from api import shown
from api.models import Registration, ValidationError
from api.problem import FieldError, Problem
from contracts.addresses import Policy
from contracts.kinds import POLLING_INTERVAL_MIN_S, SourceType
from contracts.rules import check_auth, check_destination, check_header, check_url, sendable
from contracts.source_rules import HEADERS_MAX, FieldRefused

ERRORS_MAX = 50
FIELD_LENGTH_MAX = 128
#: What would have no effect on how Google is asked.
NOT_FOR_SHEETS = ("headers", "apiKey", "apiKeySecretId")
#: An item of the table holds 400 KB (AWS). No text takes fewer characters as JSON than bytes there.
SOURCE_CHARACTERS_MAX = 200_000


def read_registration(
    document: Mapping[str, Any], policy: Policy, *, besides: Iterable[FieldError] = ()
) -> Registration:
    """Validate a registration, or say what is wrong with each field; `besides` is what is known to be wrong already."""
    errors = {error.field: error for error in (*besides, *_by_rules(document, policy))}
    registration = None
    try:
        registration = Registration.model_validate(document, by_alias=True, by_name=False)
    except ValidationError as refused:
        errors |= {error.field: error for error in _by_model(refused)}
    if errors or registration is None:
        raise refuse(*list(errors.values())[:ERRORS_MAX])
    _check_size(document)
    return registration


def _check_size(document: Mapping[str, Any]) -> None:
    """Refuse what is too large only in all, by its largest field."""
    sizes = {name: len(json.dumps(value)) for name, value in document.items()}
    if sum(sizes.values()) > SOURCE_CHARACTERS_MAX:
        message = f"all fields together have at most {SOURCE_CHARACTERS_MAX} characters of JSON"
        raise refuse(FieldError(field=max(sizes, key=sizes.__getitem__), message=message))


def hidden_headers(headers: object) -> Iterator[FieldError]:
    """Refuse what a caller was shown instead of a value: stored, it would be sent in the value's place."""
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if value == shown.HIDDEN:
            message = "it is shown hidden and not known here: give its value, or leave it out"
            yield FieldError(field=f"headers.{name[:64]}", message=message)


def not_shared() -> FieldError:
    """Refuse a secret that is none, or is bound to another origin."""
    return FieldError(field="apiKeySecretId", message="not a secret of a source of the same scheme, host and port")


def refuse(*errors: FieldError) -> Problem:
    """Say which fields are wrong."""
    names = ", ".join(error.field for error in errors)
    return Problem(status=HTTPStatus.UNPROCESSABLE_CONTENT, detail=f"wrong: {names}"[:512], errors=errors)


def _by_model(refused: ValidationError) -> Iterator[FieldError]:
    for error in refused.errors(include_url=False, include_input=False):
        cause = error.get("ctx", {}).get("error")
        field = cause.field if isinstance(cause, FieldRefused) else ".".join(map(str, error["loc"]))
        yield FieldError(field=field[:FIELD_LENGTH_MAX], message=error["msg"].removeprefix("Value error, "))


def _by_rules(document: Mapping[str, Any], policy: Policy) -> Iterator[FieldError]:
    """Check what the model checks only once every field is right in itself, and what it cannot know."""
    if document.get("type") == SourceType.GOOGLE_SHEET:
        for name in NOT_FOR_SHEETS:
            if document.get(name):
                yield FieldError(
                    field=name, message="a Google Sheet is read by the stack's service account: leave it out"
                )
    elif isinstance(url := document.get("url"), str) and url:
        yield from _named("url", lambda text: check_destination(check_url(text), policy), url.strip())
    interval_s, kind = document.get("pollingInterval"), document.get("type", SourceType.EXTERNAL)
    least_s = POLLING_INTERVAL_MIN_S.get(kind, 1) if isinstance(kind, str) else 1
    if type(interval_s) is int and interval_s < least_s:
        yield FieldError(field="pollingInterval", message=f"it is polled every {least_s} s at most often")
    headers = document.get("headers")
    for name, value in list(headers.items())[:HEADERS_MAX] if isinstance(headers, dict) else []:
        if isinstance(value, str):
            yield from _named(f"headers.{name[:64]}", check_header, name, value.strip())
    yield from _of_key(document)


def _of_key(document: Mapping[str, Any]) -> Iterator[FieldError]:
    """Check a key and how it is to travel."""
    if document.get("apiKey") and document.get("apiKeySecretId"):
        yield FieldError(field="apiKeySecretId", message="give either apiKey or apiKeySecretId")
    if isinstance(key := document.get("apiKey"), str) and not sendable(key):
        yield FieldError(field="apiKey", message="it holds characters that cannot be sent")
    auth = document.get("auth")
    if isinstance(auth, dict) and isinstance(name := auth.get("name"), str):
        yield from _named("auth.name", check_auth, auth.get("scheme", "header"), name.strip())


def _named(field: str, check: Callable[..., None], *values: str) -> Iterator[FieldError]:
    try:
        check(*values)
    except ValueError as error:
        yield FieldError(field=field, message=str(error))
