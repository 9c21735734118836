"""Listing: pages without gaps or doubles, filters, and cursors that nobody can bend."""

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from api import list as listing
from api.exports import export_sources
from api.list import list_sources
from api.rows import BATCH_TRIES_MAX
from contracts.source import State, Status
from contracts.table import sources
from tests.api.account import Answer, Aws, Caller, prices
from tests.api.stored import commit

#: AWS, "Lambda quotas".
LAMBDA_ANSWER_BYTES_MAX = 6 * 1_024 * 1_024


def look(caller: Caller, **query: str) -> Answer:
    """List with a query."""
    act = partial(list_sources, dynamodb=caller.aws.dynamodb, tables=caller.aws.tables, quota=caller.aws.quota())
    return caller.call(act, "GET /datasources", query=query or None)


def export(caller: Caller, **query: str) -> Answer:
    """Export with a query."""
    act = partial(export_sources, dynamodb=caller.aws.dynamodb, tables=caller.aws.tables)
    return caller.call(act, "GET /datasources/export", query=query or None)


def every_page(caller: Caller, look: Callable[..., Answer] = look, /, **query: str) -> list[list[dict[str, Any]]]:
    """Follow `next` to the end."""
    pages = []
    answer = look(caller, **query).json
    while True:
        pages.append(answer["items"])
        if "next" not in answer:
            return pages
        answer = look(caller, **query | {"cursor": answer["next"]}).json


def set_state(aws: Aws, source: dict[str, Any], state: State) -> None:
    """Let a worker say how a source does."""
    status = Status(state=state, why="because", epoch=1)
    request = sources.set_status(aws.tables.data_sources, source["id"], status, incarnation=source["incarnation"])
    aws.dynamodb.update_item(**request)


def test_an_empty_list_is_a_list(caller: Caller):
    """And says that there is no more."""
    assert look(caller).json == {"items": []}


def test_a_summary_tells_where_the_data_stands(aws: Aws, caller: Caller):
    """A source that was never polled has version 0 and no time of change."""
    fresh, polled = caller.register().json, caller.register().json
    commit(aws, polled["id"], [1])
    shown = {item["id"]: item for item in look(caller).json["items"]}
    assert shown[fresh["id"]] == fresh | {"version": 0, "changedAt": None, "subscribers": 0}
    assert shown[polled["id"]] == polled | {"version": 1, "changedAt": "2026-11-18T11:06:40.000Z", "subscribers": 0}


@pytest.mark.parametrize(("leaves", "status"), [(1, 200), (BATCH_TRIES_MAX, 503)])
def test_what_aws_leaves_of_a_batch_is_asked_for_again(aws: Aws, caller: Caller, leaves: int, status: int):
    """A busy table answers in parts; one that stays so is the caller's to ask again, and never a list with holes."""
    sources = [caller.register().json for _ in range(3)]
    for source in sources:
        commit(aws, source["id"], [1])

    class Busy:
        left = leaves

        def __getattr__(self, name: str) -> Any:
            return self._half if name == "batch_get_item" and self.left else getattr(aws.dynamodb, name)

        def _half(self, **request: Any) -> Any:
            self.left -= 1
            ((table, asked),) = request["RequestItems"].items()
            first, *rest = asked["Keys"]
            found = aws.dynamodb.batch_get_item(RequestItems={table: asked | {"Keys": [first]}})
            return found | {"UnprocessedKeys": {table: asked | {"Keys": rest or [first]}}}

    busy: Any = Busy()
    act = partial(list_sources, dynamodb=busy, tables=aws.tables, quota=aws.quota())
    answer = caller.call(act, "GET /datasources")
    assert answer.status == status
    assert [item["version"] for item in answer.json.get("items", [])] == ([1] * 3 if status == 200 else [])


@pytest.mark.parametrize("limit", ["1", "2", "3", "7", "100"])
def test_pages_hold_every_source_once(caller: Caller, limit: str):
    """Whatever the size of a page."""
    made = {caller.register(prices(name=f"n{n}")).json["id"] for n in range(7)}
    pages = every_page(caller, limit=limit)
    assert all(len(page) <= int(limit) for page in pages)
    ids = [item["id"] for page in pages for item in page]
    assert (len(ids), set(ids)) == (7, made)


def test_filters_leave_out_what_does_not_fit(aws: Aws, caller: Caller):
    """By text in any case, tag, type and state; several at once narrow further."""
    made = {name: caller.register(prices(name=name, tags=[name[0]])).json for name in ("Apples", "Avocado", "Beets")}
    for name, state in (("Apples", State.FAILING), ("Beets", State.HEALTHY)):
        set_state(aws, made[name], state)

    def names(**query: str) -> set[str]:
        return {item["name"] for page in every_page(caller, **query) for item in page}

    assert names(q="APPL") == {"Apples"}
    assert names(q="feeds.example") == set(made)
    assert names(tag="A") == {"Apples", "Avocado"}
    assert names(type="googleSheet") == set()
    assert names(state="new") == {"Avocado"}
    assert names(state="failing") == {"Apples"}
    assert names(state="healthy") == {"Beets"}
    assert names(state="failing", tag="B") == set()
    for page in (every_page(caller, tag="A", limit="1"), every_page(caller, q="a", limit="1")):
        assert all(len(items) <= 1 for items in page)


def test_a_filtered_page_goes_on_where_it_stopped_looking(caller: Caller, monkeypatch: pytest.MonkeyPatch):
    """It may be short, even empty, as long as it says that there is more."""
    monkeypatch.setattr(listing, "LOOKED_AT_MAX", 2)
    wanted = {caller.register(prices(name=f"n{n}", tags=["x"] if n % 3 == 0 else [])).json["id"] for n in range(9)}
    found = [item["id"] for page in every_page(caller, tag="x") for item in page]
    assert len(found) == 3
    assert set(found) < wanted


def test_a_state_that_wants_attention_is_paged_too(aws: Aws, caller: Caller):
    """Its cursor goes on in the index."""
    made = [caller.register().json for _ in range(5)]
    for source in made:
        set_state(aws, source, State.DORMANT)
    pages = every_page(caller, state="dormant", limit="2")
    assert sorted(item["id"] for page in pages for item in page) == sorted(source["id"] for source in made)


def test_an_answer_ends_before_it_is_larger_than_a_lambdas(caller: Caller):
    """Sources of 40 KB, all of signs that an answer writes in seven: nobody can keep others from seeing the list."""
    pointers = [f"/{n}{chr(0) * 500}" for n in range(64)]
    made = {caller.register(prices(ignore=pointers)).json["id"] for _ in range(14)}
    first = look(caller)
    assert len(json.dumps(first.raw)) < LAMBDA_ANSWER_BYTES_MAX
    for found in (every_page(caller), every_page(caller, q="feeds"), every_page(caller, export)):
        assert len(found) == 2
        assert {item["id"] for page in found for item in page} == made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "٣"),
        ("limit", "9" * 5_000),
        ("limit", ""),
        ("cursor", ""),
        ("cursor", "%%%"),
        ("cursor", "AAAAA"),
        ("cursor", "é"),
        ("cursor", base64.urlsafe_b64encode(b"\xff\xff").decode()),
        ("cursor", base64.urlsafe_b64encode(b"external-00000000 OR 1").decode()),
        ("state", "happy"),
        ("type", "ftp"),
        ("page", "2"),
    ],
)
def test_a_wrong_parameter_is_named(caller: Caller, name: str, value: str):
    """Also one that nobody knows: a misspelt filter would show too much."""
    answer = look(caller, **{name: value})
    assert (answer.status, answer.fields) == (400, {name})
