"""History: nothing left out, nothing of another life, and of one place only what touched it."""

from functools import partial
from typing import Any

import pytest

from api import changes as listing
from api import history
from api.changes import list_changes
from api.documents import Documents
from contracts.table import changes, heads
from contracts.table.changes import Change
from tests.api.account import NOW_MS, Answer, Aws, Caller, later
from tests.api.stored import commit


def documents(aws: Aws) -> Documents:
    """Say where documents are."""
    return Documents(dynamodb=aws.dynamodb, s3=aws.s3, table=aws.tables.sheets_data, bucket=aws.bucket)


def look(caller: Caller, source_id: str, **query: str) -> Answer:
    """List a source's changes."""
    act = partial(list_changes, documents=documents(caller.aws), tables=caller.aws.tables)
    return caller.call(act, "GET /datasources/{sourceId}/changes", source_id=source_id, query=query or None)


def every_item(caller: Caller, source_id: str, **query: str) -> list[dict[str, Any]]:
    """Follow `next` to the end."""
    items, answer = [], look(caller, source_id, **query).json
    while True:
        items += answer["items"]
        if "next" not in answer:
            return items
        answer = look(caller, source_id, **query | {"cursor": answer["next"]}).json


def written(caller: Caller, *states: Any, bucket: bool = False) -> str:
    """Register a source and let it have been each of these, a second apart."""
    source_id: str = caller.register().json["id"]
    for state in states:
        commit(caller.aws, source_id, state, bucket=bucket)
        later(caller.aws, 1)
    return source_id


def rows(*prices: Any) -> dict[str, Any]:
    """Make a document with a row for each price."""
    return {"rows": [{"price": price} for price in prices]}


def test_changes_come_newest_first_with_their_operations(caller: Caller):
    """The first version has no step: there was nothing before it."""
    source_id = written(caller, rows(1), rows(2))
    answer = look(caller, source_id).json
    incarnation = answer["incarnation"]
    operation = {"op": "replace", "path": "/rows/0/price", "value": 2}
    assert answer == {
        "incarnation": incarnation,
        "items": [
            {"incarnation": incarnation, "version": 2, "at": NOW_MS + 1_000, "bytes": 56, "ops": [operation],
             "summary": {"added": 0, "removed": 0, "changed": 1, "paths": ["/rows/0/price"]}},
            {"incarnation": incarnation, "version": 1, "at": NOW_MS, "bytes": 2, "ops": None, "summary": None},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("limit", ["1", "2", "3", "100"])
def test_pages_hold_every_change_once(caller: Caller, limit: str):
    """Whatever the size of a page, of all and of one place."""
    source_id = written(caller, *(rows(n, n // 2) for n in range(7)))
    assert [item["version"] for item in every_item(caller, source_id, limit=limit)] == [7, 6, 5, 4, 3, 2, 1]
    found = every_item(caller, source_id, limit=limit, path="/rows/1/price")
    assert [(item["version"], item["after"]["value"]) for item in found] == [(7, 3), (5, 2), (3, 1), (1, 0)]


def test_the_history_of_a_place_says_what_it_held_after_each_change(caller: Caller):
    """Also where an array moved below it, which only the document can tell."""
    states = [rows(1, 2), rows(1, 3), rows(9, 1, 3), rows(9, 1), rows(9)]
    source_id = written(caller, *states)
    found = {item["version"]: item for item in every_item(caller, source_id, path="/rows/1/price")}
    assert {version: item["after"] for version, item in found.items()} == {
        1: {"exists": True, "value": 2},
        2: {"exists": True, "value": 3},
        3: {"exists": True, "value": 1},
        5: {"exists": False},
    }
    assert found[2]["ops"] == [{"op": "replace", "path": "/rows/1/price", "value": 3}]


def test_documents_in_the_bucket_are_read_too(caller: Caller):
    """A large document has a history as well."""
    source_id = written(caller, rows(5), bucket=True)
    assert look(caller, source_id, path="/rows/0/price").json["items"][0]["after"] == {"exists": True, "value": 5}


def test_what_a_place_held_is_not_guessed(aws: Aws, caller: Caller):
    """Its document is gone, and the operations do not say: it is not known."""
    source_id = written(caller, rows(1, 2), rows(0, 1, 2), rows(0, 1, 5))
    for row in aws.rows(aws.tables.sheets_data):
        if f"{source_id}@2@" in row["id"]["S"]:
            aws.dynamodb.delete_item(**heads.delete(aws.tables.sheets_data, row["id"]["S"]))
    items = look(caller, source_id, path="/rows/1/price").json["items"]
    assert [(item["version"], item["after"]) for item in items] == [(2, None), (1, {"exists": True, "value": 2})]


def test_what_an_earlier_incarnation_left_is_not_told(aws: Aws, caller: Caller):
    """After a restore the same versions are other states."""
    source_id = written(caller, rows(1), rows(2))
    for version in (1, 7):
        stray = Change(source_id=source_id, incarnation="old", version=version, step=[], bytes=2, at_ms=1)
        aws.dynamodb.put_item(**changes.put(aws.tables.changes, stray, history_days=7))
    assert [item["version"] for item in every_item(caller, source_id, limit="1")] == [2]


def test_an_answer_is_bounded(caller: Caller, monkeypatch: pytest.MonkeyPatch):
    """By bytes, by documents it may read: each time it goes on where it stopped; too large a step is told without."""
    source_id = written(caller, *(rows(n, *["x" * n * 10] * n) for n in range(8)))
    monkeypatch.setattr(listing, "ANSWER_BYTES_MAX", 600)
    monkeypatch.setattr(history, "DOCUMENTS_MAX", 2)
    page = look(caller, source_id).json
    assert len(page["items"]) < 8
    found = every_item(caller, source_id)
    assert [item["version"] for item in found] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert all(item["ops"] is None for item in found if item["bytes"] > 600)
    assert [item["version"] for item in every_item(caller, source_id, path="/rows")] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_a_source_without_data_has_no_history_and_none_has_no_source(caller: Caller):
    """Which are two answers."""
    source_id = caller.register().json["id"]
    assert look(caller, source_id).json["items"] == []
    assert look(caller, "external-00000000").status == 404
    assert look(caller, "nonsense").status == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", "rows"),
        ("path", "/~"),
        ("path", "/" * 1_025),
        ("cursor", "ZXh0ZXJuYWw"),
        ("cursor", "MA"),
        ("cursor", "x" * 65),
        ("limit", "0"),
        ("since", "1"),
    ],
)
def test_a_wrong_parameter_is_named(caller: Caller, name: str, value: str):
    """Also one that nobody knows."""
    answer = look(caller, written(caller, 1), **{name: value})
    assert (answer.status, answer.fields) == (400, {name})


def test_every_wrong_parameter_is_named_at_once(caller: Caller):
    """Nobody should have to ask three times."""
    assert look(caller, "external-00000000", path="x", limit="y", z="1").fields == {"path", "limit", "z"}
