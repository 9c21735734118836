"""What a source may be, field by field."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.source import Registration, Source, SourceType
from contracts.source_rules import FieldRefused

GOOD: dict[str, Any] = {"name": "Prices", "url": "https://example.com/prices.json"}
SHEET = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


def refused_field(**fields: Any) -> str:
    """Register and say which field was refused first."""
    with pytest.raises(ValidationError) as refused:
        Registration.model_validate(GOOD | fields)
    error = refused.value.errors()[0]
    cause = error.get("ctx", {}).get("error")
    return cause.field if isinstance(cause, FieldRefused) else ".".join(map(str, error["loc"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("type", "ftp"),
        ("dataFormat", "csv"),
        ("pollingInterval", 0),
        ("pollingInterval", 86_401),
        ("pollingInterval", "soon"),
        ("tags", [""]),
        ("tags", ["t"] * 21),
        ("tolerance", -1),
        ("tolerance", float("nan")),
        ("selector", "a[?"),
        ("selector", " | ".join(["{a: @, b: @}"] * 40)),
        ("selector", "to_string([" * 12 + "@" + "])" * 12),
        ("unordered", ["a"]),
        ("ignore", [""]),
        ("tolerance", 1e16),
        ("apiKey", ""),
        ("surprise", 1),
        ("shard", 3),
        ("revision", 1),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any):
    """The person mends the field that the error names; unknown and read-only fields are refused too."""
    assert refused_field(**{field: value}).startswith(field)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "file:///etc/passwd", "http://", "https://user:pw@example.com/",
        "https://example.com/a b", "https://example.com\\@evil.example/", "https://example.com/\r\nX: y",
        "https://example.com:0/", "https://example.com:99999/", "javascript:alert(1)", "https://[::1",
    ],
)  # fmt: skip
def test_a_url_that_must_never_be_requested_is_refused(url: str):
    """One parser, the request's own, reads the url here and at the socket."""
    assert refused_field(url=url) == "url"


@pytest.mark.parametrize(
    ("name", "value"),
    [("Host", "x"), ("X Y", "x"), ("", "x"), ("X-A", "a\r\nB: c"), ("X-A", "x" * 4_097), ("Proxy-Authorization", "x")],
)
def test_a_header_that_would_split_or_steer_the_request_is_refused(name: str, value: str):
    """CR/LF splits requests; hop-by-hop and conditional headers are the poller's own."""
    assert refused_field(headers={name: value}).startswith("headers")


def test_a_sheet_is_polled_every_ten_seconds_at_most_often():
    """Google's quota is 60 reads a minute and account."""
    assert refused_field(type="googleSheet", url=SHEET, pollingInterval=9) == "pollingInterval"


def test_the_whole_document_may_be_unordered():
    """An answer that is a list is the most frequent case."""
    assert Registration.model_validate(GOOD | {"unordered": [""], "tolerance": 0.5}).unordered == [""]


@pytest.mark.parametrize(
    "url",
    [
        SHEET,
        f"https://docs.google.com/spreadsheets/d/{SHEET}",
        f"https://docs.google.com/spreadsheets/d/{SHEET}/edit?usp=sharing#gid=5",
        f"https://docs.google.com/spreadsheets/u/0/d/{SHEET}/edit",
    ],
)
def test_any_form_of_a_sheets_address_is_understood(url: str):
    """People paste what the browser shows."""
    assert Registration.model_validate(GOOD | {"type": "googleSheet", "url": url}).type is SourceType.GOOGLE_SHEET


def test_a_key_never_appears_when_a_registration_is_printed():
    """Whatever logs or shows the model must not show the key."""
    registration = Registration.model_validate(GOOD | {"apiKey": "top-secret"})

    assert "top-secret" not in repr(registration)
    assert "top-secret" not in registration.model_dump_json()


def test_a_source_survives_its_item():
    """What the table holds reads back as the same source."""
    source = Source.model_validate(
        GOOD
        | {"id": "external-1a2b3c4d", "incarnation": "ab", "shard": 3, "createdAt": "x", "lastUpdated": "y"}
        | {"headers": {"X-A": "b"}, "ignore": ["/a/*"], "tags": ["t"], "apiKeySecretId": "dev/source/1"}
    )

    assert source == Source.from_item(source.item() | {"attention": "failing"})
