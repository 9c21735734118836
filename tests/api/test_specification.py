"""The description of the API: made of what validates, and true of what is answered."""

import json
from importlib import import_module
from typing import Any

import pytest

from api import specification
from api.fields import read_registration
from api.openapi import FILE
from api.operations import OPERATIONS
from api.problem import Problem
from contracts.addresses import Policy
from contracts.source import Registration
from tests.api.account import Aws, Caller, prices
from tests.api.stored import commit
from tests.api.test_changes import look as look_at_changes
from tests.api.test_get import look as look_at
from tests.api.test_imports import bring, export
from tests.api.test_list import look as look_at_all
from tests.api.test_poll import wish
from tests.api.test_series import look as look_at_series

OPERATION = {operation.verb: operation for operation in OPERATIONS}


def test_the_description_that_is_served_is_the_one_that_is_made():
    """`python -m api.specification` writes it; a handler that made it would start with pydantic."""
    assert FILE.read_text() == specification.text()


def test_every_route_has_its_file():
    """One file, one Lambda, one route; the stack's own list is held to this one by tests/stack."""
    for operation in OPERATIONS:
        assert callable(import_module(f"api.{operation.verb}").handler)


def test_answers_are_as_described(aws: Aws, caller: Caller):
    """Each answer of the verbs is an instance of the model that describes it."""
    made = caller.register(prices(apiKey="k", headers={"X-Token": "t"}))
    source_id = made.json["id"]
    commit(aws, source_id, {"n": 1})
    commit(aws, source_id, {"n": 2})
    found = {
        "register": made,
        "list": look_at_all(caller),
        "get": look_at(caller, source_id),
        "changes": look_at_changes(caller, source_id, path="/n"),
        "series": look_at_series(caller, source_id, path="/n"),
        "imports": bring(caller, prices(name="other"), 5),
        "exports": export(caller),
        "poll": wish(caller, source_id),
    }
    for verb, answer in found.items():
        operation = OPERATION[verb]
        assert answer.status == operation.status
        operation.found.model_validate(answer.json)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pollingInterval", True),
        ("pollingInterval", "5"),
        ("pollingInterval", 5.5),
        ("pollingInterval", None),
        ("pollingInterval", 10**30),
        ("tolerance", "0"),
        ("tolerance", False),
        ("enabled", "yes"),
        ("enabled", 1),
        ("header", 0),
        ("name", 7),
        ("tags", "prod"),
        ("headers", []),
        ("headers", {"X": 1}),
    ],
)
def test_nothing_is_taken_for_something_else(field: str, value: Any):
    """`true` is no number and "5" is no 5: what a caller did not mean is not stored."""
    with pytest.raises(Problem) as refused:
        read_registration(prices(**{field: value}), Policy())
    assert {error.field.partition(".")[0] for error in refused.value.errors} == {field}


def test_every_wrong_field_is_named_at_once():
    """Also what is only wrong together with another, beside fields that are wrong by themselves."""
    wrong = prices(
        name="", url="ftp://x", pollingInterval=0, headers={"Host": "x"}, selector="[", ignore=["x"],
        apiKey="a", apiKeySecretId="b", nonsense=1, auth={"scheme": "magic"},
    )  # fmt: skip
    with pytest.raises(Problem) as refused:
        read_registration(wrong, Policy())
    assert {error.field for error in refused.value.errors} == {
        "name", "url", "pollingInterval", "headers.Host", "selector", "ignore.0", "apiKeySecretId", "nonsense",
        "auth.scheme",
    }  # fmt: skip


def test_what_may_be_sent_is_what_the_model_says():
    """The description's fields are the model's, keys write only."""
    fields = json.loads(FILE.read_text())["components"]["schemas"]["Registration"]["properties"]
    assert set(fields) == {field.alias or name for name, field in Registration.model_fields.items()}
    assert "apiKey" not in json.loads(FILE.read_text())["components"]["schemas"]["Source"]["properties"]
