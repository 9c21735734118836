"""What a source's fields must be beside each other, and its key on the way in: without pydantic, for any model."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from contracts.kinds import POLLING_INTERVAL_MIN_S, SourceType
from contracts.rules import check_auth, check_header, check_url
from contracts.sheet_address import read_address, read_range

HEADERS_MAX = 32
POINTERS_MAX = 64
API_KEY_LENGTH_MAX = 8_192


class FieldRefused(ValueError):
    """A rule over several fields was broken; `field` is the one to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Secret:
    """A key that no log, error or dump shows by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        """Give the key: who calls this means to send or keep it."""
        return self._value

    def __repr__(self) -> str:
        return "**********"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        text = {"type": "str", "min_length": 1, "max_length": API_KEY_LENGTH_MAX}
        return {
            "type": "function-after", "function": {"type": "no-info", "function": cls}, "schema": text,
            "serialization": {"type": "to-string"},
        }  # fmt: skip

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> Any:
        return {**handler(core_schema["schema"]), "format": "password", "writeOnly": True}


class Auth(Protocol):
    """How a key travels."""

    @property
    def scheme(self) -> str: ...  # noqa: D102 - as in contracts.source
    @property
    def name(self) -> str: ...  # noqa: D102 - as there


class Fields(Protocol):
    """The fields that say something about each other."""

    @property
    def type(self) -> SourceType: ...  # noqa: D102 - as in contracts.source
    @property
    def polling_interval_s(self) -> int: ...  # noqa: D102 - as there
    @property
    def url(self) -> str: ...  # noqa: D102 - as there
    @property
    def ranges(self) -> list[str]: ...  # noqa: D102 - as there
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102 - as there
    @property
    def auth(self) -> Auth: ...  # noqa: D102 - as there


def fits_its_type[F: Fields](fields: F) -> F:
    """Refuse intervals, addresses, ranges and headers that the source's type does not take."""
    least_s = POLLING_INTERVAL_MIN_S[fields.type]
    if fields.polling_interval_s < least_s:
        raise FieldRefused("pollingInterval", f"a {fields.type} source is polled every {least_s} s at most often")
    if fields.type is SourceType.EXTERNAL:
        _named("url", check_url, fields.url)
    else:
        _named("url", read_address, fields.url)
        for number, text in enumerate(fields.ranges):
            _named(f"ranges.{number}", read_range, text)
    for name, value in fields.headers.items():
        _named(f"headers.{name[:64]}", check_header, name, value)
    _named("auth.name", check_auth, fields.auth.scheme, fields.auth.name)
    return fields


def one_key[R: Any](registration: R) -> R:
    """Refuse a key beside the secret of another source."""
    if registration.api_key and registration.api_key_secret_id:
        raise FieldRefused("apiKeySecretId", "give either apiKey or apiKeySecretId")
    return registration


def _named(field: str, check: Callable[..., Any], *values: str) -> None:
    try:
        check(*values)
    except ValueError as error:
        raise FieldRefused(field, str(error)) from error
