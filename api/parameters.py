"""Parameters of a query: one list says what an endpoint takes, and is what its requests are read by."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Protocol

from api.problem import FieldError, Problem
from api.request import Request
from contracts import pointer

NAME_LENGTH_MAX = 64


class Parameter(Protocol):
    """One parameter: its name, its JSON Schema and words, and how its text is read (ValueError says what is wrong)."""

    name: str
    about: str

    @property
    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the value."""

    def read(self, text: str | None) -> Any:
        """Read the text; None where the caller gave none."""


@dataclass(kw_only=True)
class Whole:
    """A whole number within bounds."""

    name: str
    about: str
    least: int
    most: int
    default: int | None = None

    @property
    def schema(self) -> dict[str, Any]:
        """Give its schema."""
        default = {} if self.default is None else {"default": self.default}
        return {"type": "integer", "minimum": self.least, "maximum": self.most, **default}

    def read(self, text: str | None) -> int | None:
        """Read it."""
        if text is None:
            return self.default
        digits = text.isascii() and text.isdecimal() and len(text) <= len(str(self.most))
        if not (digits and self.least <= int(text) <= self.most):
            raise ValueError(f"a whole number from {self.least} to {self.most}")
        return int(text)


@dataclass(kw_only=True)
class Choice:
    """One of some words."""

    name: str
    about: str
    of: type[StrEnum]

    @property
    def schema(self) -> dict[str, Any]:
        """Give its schema."""
        return {"type": "string", "enum": [choice.value for choice in self.of]}

    def read(self, text: str | None) -> StrEnum | None:
        """Read it."""
        if text is None:
            return None
        if text not in self.of:
            raise ValueError(f"one of {', '.join(self.of)}")
        return self.of(text)


@dataclass(kw_only=True)
class Text:
    """Any text of a bounded length."""

    name: str
    about: str
    most: int

    @property
    def schema(self) -> dict[str, Any]:
        """Give its schema."""
        return {"type": "string", "maxLength": self.most}

    def read(self, text: str | None) -> str | None:
        """Read it."""
        if text is not None and len(text) > self.most:
            raise ValueError(f"at most {self.most} characters")
        return text


@dataclass(kw_only=True)
class Flag:
    """True or false; false if it is not given."""

    name: str
    about: str

    @property
    def schema(self) -> dict[str, Any]:
        """Give its schema."""
        return {"type": "boolean", "default": False}

    def read(self, text: str | None) -> bool:
        """Read it."""
        if text not in {None, "true", "false"}:
            raise ValueError("true or false")
        return text == "true"


@dataclass(kw_only=True)
class Place:
    """A JSON Pointer."""

    name: str
    about: str
    most: int = 1_024
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Give its schema."""
        return {"type": "string", "maxLength": self.most, "pattern": f"^{pointer.POINTER}$"}

    def read(self, text: str | None) -> pointer.Path | None:
        """Read it."""
        if text is None and self.required:
            raise ValueError("is missing")
        if text is not None and len(text) > self.most:
            raise ValueError(f"at most {self.most} characters")
        return None if text is None else pointer.split(text)


def read(request: Request, parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Read all of them by name, or name all that are wrong; an unknown one is wrong: it would silently do nothing."""
    known = {parameter.name: parameter for parameter in parameters}
    wrong = [
        FieldError(field=name[:NAME_LENGTH_MAX], message=f"unknown; known are {', '.join(known) or 'none'}")
        for name in request.query
        if name not in known
    ]
    values: dict[str, Any] = {}
    for name, parameter in known.items():
        try:
            values[name] = parameter.read(request.query.get(name))
        except ValueError as error:
            wrong.append(FieldError(field=name, message=str(error)))
    if wrong:
        raise refuse(*wrong)
    return values


def refuse(*wrong: FieldError) -> Problem:
    """Say which parameters are wrong."""
    names = ", ".join(error.field for error in wrong)
    return Problem(status=HTTPStatus.BAD_REQUEST, detail=f"wrong parameters: {names}"[:512], errors=wrong)
