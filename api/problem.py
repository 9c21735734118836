"""What went wrong, as a caller is told it: RFC 9457 problem documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """What is wrong with one field, by the name that the caller gave it."""

    field: str
    message: str


@dataclass(kw_only=True)
class Problem(Exception):
    """The request is answered with an error: a status, a sentence, and which fields to mend."""

    status: HTTPStatus
    detail: str
    errors: Sequence[FieldError] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Give the problem document."""
        wrong = [{"field": error.field, "message": error.message} for error in self.errors]
        return {
            "type": "about:blank", "title": self.status.phrase, "status": self.status.value, "detail": self.detail,
            **({"errors": wrong} if wrong else {}), **self.more,
        }  # fmt: skip


def bad_request(detail: str) -> Problem:
    """Say that the request cannot be read."""
    return Problem(status=HTTPStatus.BAD_REQUEST, detail=detail)


def bad_parameter(name: str, message: str) -> Problem:
    """Say that a parameter of the query cannot be read."""
    errors = [FieldError(field=name, message=message)]
    return Problem(status=HTTPStatus.BAD_REQUEST, detail=f"the parameter {name} is wrong", errors=errors)


def no_such_source() -> Problem:
    """Say that there is no source of that id."""
    return Problem(status=HTTPStatus.NOT_FOUND, detail="there is no source of that id")


def try_again(detail: str) -> Problem:
    """Say that nothing is wrong with the request: the same one may succeed in a second."""
    return Problem(status=HTTPStatus.SERVICE_UNAVAILABLE, detail=detail, headers={"retry-after": "1"})
