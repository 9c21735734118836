"""Many sources at once: each judged for itself, nothing made twice, no key in any file."""

import json
from functools import partial
from typing import Any

import pytest

from api import exports, imports
from api.delete import delete_source
from api.exports import export_sources
from api.imports import import_sources
from api.portable import FIELDS
from contracts.source import Source
from contracts.table.values import read_item
from tests.api.account import Answer, Aws, Caller, later, prices
from tests.api.breaking import Calls
from tests.api.stored import items

KEY = "s3cr3t-of-a-feed"


def bring(caller: Caller, *sources: Any, dry: bool = False, calls: Calls | None = None, **body: Any) -> Answer:
    """Import some sources."""
    aws = caller.aws
    wrapped = {"dynamodb": calls.client(aws.dynamodb), "secrets": calls.client(aws.secrets)} if calls else {}
    act = partial(import_sources, at=aws.registrar(**wrapped))
    query = {"dryRun": "true"} if dry else None
    text = json.dumps({"items": list(sources), **body})
    return caller.call(act, "POST /datasources/import", body=text, query=query)


def export(caller: Caller, **query: str) -> Answer:
    """Export one page."""
    act = partial(export_sources, dynamodb=caller.aws.dynamodb, tables=caller.aws.tables)
    return caller.call(act, "GET /datasources/export", query=query or None)


def outcomes(answer: Answer) -> list[str]:
    """Say what became of each item, in their order."""
    assert answer.status == 200, answer.body
    assert [item["index"] for item in answer.json["items"]] == list(range(len(answer.json["items"])))
    return [item["outcome"] for item in answer.json["items"]]


def many(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Describe some sources, each at an address of its own."""
    return [prices(name=f"n{n}", url=f"https://feeds.example.com/{n}.json", **fields) for n in range(count)]


def log_of(aws: Aws) -> dict[str, Any]:
    """Read the configuration log: its counter, and which sources it names in order."""
    rows = {row["sk"]: row for row in items(aws, aws.tables.fleet) if row["pk"] == "external#R"}
    counter = rows.pop("#", {"n": 0})["n"]
    return {"n": counter, "sources": [rows[sk]["source"] for sk in sorted(rows)]}


@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_an_import_is_registered_whole(aws: Aws, caller: Caller, count: int):
    """However many transactions it takes: sources, heads, places in the fleet and one log without a gap."""
    answer = bring(caller, *many(count))
    assert outcomes(answer) == ["created"] * count
    assert (answer.json["created"], answer.json["unchanged"], answer.json["refused"]) == (count, 0, 0)
    ids = {item["id"] for item in answer.json["items"]}
    stored = {row["id"]: Source.from_item(row) for row in items(aws, aws.tables.data_sources)}
    assert set(stored) == ids == {row["id"] for row in items(aws, aws.tables.sheets_data)}
    places = {row["sk"] for row in items(aws, aws.tables.fleet) if "#M#" in row["pk"]}
    assert (places, log_of(aws)["n"]) == (ids, count)
    assert set(log_of(aws)["sources"]) == ids


def test_an_import_that_takes_long_ends_by_itself_and_its_repeat_does_the_rest(
    aws: Aws, caller: Caller, capsys: pytest.CaptureFixture[str]
):
    """Before its Lambda is ended: the caller is told to come again, and what landed stays, by name in the log."""

    class Slow:
        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items":
                later(aws, 10)
            return getattr(aws.dynamodb, name)

    text = json.dumps({"items": many(40)})
    act = partial(import_sources, at=aws.registrar(dynamodb=Slow()))
    capsys.readouterr()
    answer = caller.call(act, "POST /datasources/import", body=text)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    stored = {row["id"] for row in items(aws, aws.tables.data_sources)}
    assert len(stored) == 32
    *parts, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert {source_id for line in parts for source_id in line["sources"]} == stored
    assert {(line["what"], line["principal"], line["from"]) for line in parts} == {("imported", "ada", "198.51.100.7")}
    assert {line["request"] for line in parts} == {last["request"]}
    again = bring(caller, *many(40))
    assert (again.json["unchanged"], again.json["created"]) == (32, 8)


def test_the_same_import_again_makes_nothing_new(aws: Aws, caller: Caller):
    """With ids and without: an item without one is known by what it says."""
    given = [*many(3), prices(name="named", id="external-0000000a")]
    first = bring(caller, *given)
    again = bring(caller, *given)
    assert outcomes(again) == ["unchanged"] * 4
    assert [item["id"] for item in again.json["items"]] == [item["id"] for item in first.json["items"]]
    assert first.json["items"][3]["id"] == "external-0000000a"
    assert log_of(aws)["n"] == 4


def test_a_dry_run_says_what_would_be_and_does_nothing(aws: Aws, caller: Caller):
    """The real one then does just that."""
    given = [*many(2, apiKey=KEY), prices(url="ftp://x"), 5]
    dry = bring(caller, *given, dry=True)
    assert dry.json["dryRun"] is True
    assert [aws.rows(getattr(aws.tables, table)) for table in ("data_sources", "sheets_data", "fleet")] == [[], [], []]
    assert aws.secret_names() == []
    real = bring(caller, *given)
    assert real.json == dry.json | {"dryRun": False}
    assert outcomes(real) == ["created", "created", "refused", "refused"]


def test_each_wrong_item_names_its_wrong_fields_and_the_others_are_registered(caller: Caller):
    """All of them at once, as a registration does."""
    good, *_ = many(1)
    answer = bring(
        caller,
        good,
        prices(name="", pollingInterval="5"),
        prices(id="mine"),
        prices(id="googleSheet-00000001"),
        prices(needsKey="yes", nonsense=1),
        dict(good),
        {"name": "no url"},
        prices(apiKeySecretId="somebody-elses"),
        None,
    )
    assert outcomes(answer) == ["created", *["refused"] * 8]
    wrong = [{error["field"] for error in item["errors"]} for item in answer.json["items"]]
    assert wrong == [
        set(), {"name", "pollingInterval"}, {"id"}, {"id"}, {"needsKey"}, {"id"}, {"url"}, {"apiKeySecretId"}, {"item"},
    ]  # fmt: skip


def test_a_source_that_differs_is_not_written_over(aws: Aws, caller: Caller):
    """An import adds; an edit is an update, under the revision that somebody has seen."""
    source_id = caller.register().json["id"]
    answer = bring(caller, prices(id=source_id, name="Other"))
    assert outcomes(answer) == ["refused"]
    assert [row["name"] for row in items(aws, aws.tables.data_sources)] == ["Prices"]


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": {}},
        {"items": [prices()] * 101},
        {"items": [prices()], "sources": []},
    ],
)
def test_a_body_that_is_no_import_is_refused_whole(caller: Caller, body: dict[str, Any]):
    """Its fields are named."""
    answer = bring(caller, **body)
    assert answer.status == 422
    assert answer.fields == {"sources"} if "sources" in body else {"items"}


def test_an_export_is_an_import_elsewhere(aws: Aws, caller: Caller):
    """All that a person set comes back under the same id, page by page."""
    made = many(5, tags=["x"], description="d", selector="rows", ignore=["/at"], pollingInterval=7, headers={"A": "b"})
    bring(caller, *made)
    page = export(caller, limit="3").json
    exported = [*page["items"], *export(caller, limit="3", cursor=page["next"]).json["items"]]
    assert sorted(item["name"] for item in exported) == [f"n{n}" for n in range(5)]
    assert outcomes(bring(caller, *exported)) == ["unchanged"] * 5
    before = {row["id"]: {name: row[name] for name in FIELDS if name in row} for row in items(aws, "the-data_sources")}
    for item in exported:
        gone = partial(delete_source, at=aws.remover())
        assert caller.call(gone, "DELETE /datasources/{sourceId}/delete", source_id=item["id"]).status == 204
    assert outcomes(bring(caller, *exported)) == ["created"] * 5
    assert before == {
        row["id"]: {name: row[name] for name in FIELDS if name in row} for row in items(aws, "the-data_sources")
    }


def test_an_export_holds_the_models_fields_and_nothing_else(caller: Caller):
    """A field that is added to sources is exported, or is named as this deployment's own."""
    caller.register(prices(apiKey=KEY))
    (item,) = export(caller).json["items"]
    assert set(item) == FIELDS | {"id", "needsKey"}
    fields = {field.alias or name for name, field in Source.model_fields.items()}
    assert fields - FIELDS == exports._NOT_PORTABLE - {"attention"}


def test_keys_are_never_exported_and_asked_for_again(aws: Aws, caller: Caller):
    """Nor values of headers that look like one; where the source is still there, nothing is missing."""
    caller.register(prices(apiKey=KEY, headers={"X-Token": "hush", "Accept": "a/b"}))
    answer = export(caller)
    assert KEY not in answer.body
    assert "hush" not in answer.body
    (item,) = answer.json["items"]
    assert (item["headers"], item["needsKey"]) == ({"X-Token": "***", "Accept": "a/b"}, True)
    assert outcomes(bring(caller, item)) == ["unchanged"]
    gone = partial(delete_source, at=aws.remover())
    caller.call(gone, "DELETE /datasources/{sourceId}/delete", source_id=item["id"])
    answer = bring(caller, item)
    assert {error["field"] for error in answer.json["items"][0]["errors"]} == {"headers.X-Token", "apiKey"}
    whole = item | {"headers": {"X-Token": "hush"}, "apiKey": KEY}
    assert outcomes(bring(caller, whole)) == ["created"]
    (row,) = items(aws, aws.tables.data_sources)
    assert row["apiKeySecretId"] in aws.secret_names()


def test_a_key_that_an_import_brings_back_belongs_to_the_address_that_it_comes_with(aws: Aws, caller: Caller):
    """Its secret is restored, and whoever shares it is asked for the same address."""
    source = caller.register(prices(apiKey=KEY)).json
    gone = partial(delete_source, at=aws.remover())
    caller.call(gone, "DELETE /datasources/{sourceId}/delete", source_id=source["id"])
    moved = "https://moved.example.com/prices.json"
    assert outcomes(bring(caller, prices(id=source["id"], url=moved, apiKey=KEY))) == ["created"]
    shared = source["apiKeySecretId"]
    assert caller.register(prices(apiKeySecretId=shared)).fields == {"apiKeySecretId"}
    assert caller.register(prices(url=moved, apiKeySecretId=shared)).status == 201


def test_two_sources_of_one_shared_secret_are_both_counted(aws: Aws, caller: Caller):
    """One transaction may move a count only once."""
    shared = caller.register(prices(apiKey=KEY)).json["apiKeySecretId"]
    answer = bring(caller, *many(3, apiKeySecretId=shared))
    assert outcomes(answer) == ["created"] * 3
    (row,) = [row for row in items(aws, aws.tables.fleet) if row["pk"] == "secrets"]
    assert row["uses"] == 4


def test_an_import_that_is_overtaken_looks_again(aws: Aws, caller: Caller):
    """Somebody else's import of the same file lands first: nothing is made twice, and its keys are taken back."""
    given = many(3, apiKey=KEY)
    calls = Calls(overtaken_at=8, by=lambda: bring(caller, given[1]))
    assert outcomes(bring(caller, *given, calls=calls)) == ["created", "unchanged", "created"]
    assert calls.names.count("transact_write_items") == 2
    assert log_of(aws)["n"] == 3
    used = {row["apiKeySecretId"] for row in items(aws, aws.tables.data_sources)}
    assert used <= set(aws.secret_names())


GIVEN = [*many(17), prices(name="keyed", apiKey=KEY)]
CALLS = 8


def test_the_calls_of_an_import(caller: Caller):
    """What the next test breaks one by one is all there is."""
    calls = Calls()
    assert outcomes(bring(caller, *GIVEN, calls=calls)) == ["created"] * 18
    assert len(calls.names) == CALLS, calls.names


@pytest.mark.parametrize("lands", [False, True])
@pytest.mark.parametrize("breaks_at", range(1, CALLS + 1))
def test_an_import_that_breaks_at_any_call_is_finished_by_its_repetition(swift: Aws, breaks_at: int, lands: bool):
    """Each part is whole or not there at all, and what is there is found again."""
    caller = Caller(aws=swift)
    assert bring(caller, *GIVEN, calls=Calls(breaks_at=breaks_at, lands=lands, for_good=True)).status == 503
    sources, heads = (
        {row["id"] for row in items(swift, table)} for table in (swift.tables.data_sources, swift.tables.sheets_data)
    )
    places = {row["sk"] for row in items(swift, swift.tables.fleet) if "#M#" in row["pk"]}
    assert sources == heads == places == set(log_of(swift)["sources"])
    assert len(sources) in {0, 2, 16, 18}
    assert set(outcomes(bring(caller, *GIVEN))) <= {"created", "unchanged"}
    rows = items(swift, swift.tables.data_sources)
    assert (len(rows), log_of(swift)["n"]) == (18, 18)
    (keyed,) = [row for row in rows if "apiKeySecretId" in row]
    assert keyed["apiKeySecretId"] in swift.secret_names()


def test_keys_are_taken_back_where_it_is_certain_that_nothing_landed(aws: Aws, caller: Caller):
    """Endless contention registers nothing and leaves no secret."""

    class Contended:
        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items":
                caller.register()
            return getattr(aws.dynamodb, name)

    act = partial(import_sources, at=aws.registrar(dynamodb=Contended()))
    body = json.dumps({"items": many(2, apiKey=KEY)})
    assert caller.call(act, "POST /datasources/import", body=body).status == 503
    assert aws.secret_names() == []
    assert not any("n0" in read_item(row)["name"] for row in aws.rows(aws.tables.data_sources))


def test_the_bounds_of_a_transaction_hold_at_their_worst():
    """AWS refuses more than a hundred actions: each source with a key and a shard of its own."""
    per_source = len(["source", "head", "use of its secret", "place", "log entry", "shard"])
    assert imports.SOURCES_PER_TRANSACTION * per_source + 1 <= 100
