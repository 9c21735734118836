"""Editing: only what was seen, only what may be edited, and at once for the whole fleet."""

import json
from functools import partial
from typing import Any

import pytest

from api.update import update_source
from contracts.source import State, Status
from contracts.table import heads, sources
from contracts.table.heads import Head, Next, Ref
from tests.api.account import PREFIX, Answer, Aws, Caller, later, prices
from tests.api.breaking import Calls
from tests.api.stored import commit, items


def update(
    caller: Caller, source: dict[str, Any], seen: str | None = '"1"', *, at: Any = None, **fields: Any
) -> Answer:
    """Edit a source."""
    act = partial(update_source, at=at or caller.aws.registrar())
    headers = {"content-type": "application/json"} | ({"if-match": seen} if seen is not None else {})
    return caller.call(
        act, "PUT /datasources/{sourceId}/update", source_id=source["id"], headers=headers, body=json.dumps(fields)
    )


def key_of(aws: Aws, source_id: str, **asked: str) -> Any:
    """Read a source's secret. Once a stage was moved, moto gives the current version only to who names the stage."""
    return json.loads(aws.secrets.get_secret_value(SecretId=PREFIX + source_id, **asked)["SecretString"])


def test_an_edit_changes_what_it_names_and_nothing_else(aws: Aws, caller: Caller):
    """The rest stays, the revision moves, the answer is what is stored."""
    source = caller.register(prices(description="kept", tags=["a"])).json
    later(aws, 60)
    answer = update(caller, source, name="New", url="https://feeds.example.com/other.json", pollingInterval=5)
    changed = {
        "name": "New", "url": "https://feeds.example.com/other.json", "pollingInterval": 5, "revision": 2,
        "lastUpdated": "2026-11-18T11:07:40.000Z",
    }  # fmt: skip
    assert (answer.status, answer.json, answer.headers["etag"]) == (200, source | changed, '"2"')
    assert items(aws, aws.tables.data_sources) == [answer.json]


def test_the_line_of_an_edit_names_what_it_changed_and_no_value(caller: Caller, capsys: pytest.CaptureFixture[str]):
    """For whoever asks later who changed the url: names of fields, the key's among them; what stayed is not named."""
    source = caller.register(prices(apiKey="first-key")).json
    capsys.readouterr()
    update(caller, source, name=source["name"], url="https://feeds.example.com/hidden.json", apiKey="hidden-key")
    said = capsys.readouterr().out
    line = json.loads(said)
    assert (line["source"], line["fields"]) == (source["id"], ["url", "apiKey"])
    assert "hidden" not in said
    update(caller, source, '"2"', apiKey=None, tags=["hidden"])
    said = capsys.readouterr().out
    assert json.loads(said)["fields"] == ["tags", "apiKey"]
    assert "hidden" not in said


def test_an_edit_tells_the_fleet(aws: Aws, caller: Caller):
    """Membership, shard, counter and log, by one transaction."""
    source = caller.register().json
    update(caller, source, name="New")
    rows = {(row["pk"], row["sk"]): row for row in items(aws, aws.tables.fleet)}
    entry = rows["external#R", "000000000002"]
    assert (rows["external#R", "#"]["n"], entry["act"], entry["revision"]) == (2, "put", 2)
    assert rows[f"external#M#{source['shard']:05d}", source["id"]]["revision"] == 2
    assert [row["rev"] for key, row in rows.items() if "#S#" in key[0]] == [2]


def test_what_was_fetched_by_the_old_rules_cannot_land(aws: Aws, caller: Caller):
    """A poll in flight during the edit is refused by the fence."""
    source = caller.register().json
    get = heads.get(aws.tables.sheets_data, source["id"])
    head = Head.read(aws.dynamodb.get_item(**get)["Item"])
    update(caller, source, selector="prices")
    late = Next(version=1, hash="h", ref=Ref(id="x", encoding="json", bytes=2), at_ms=1)
    with pytest.raises(aws.dynamodb.exceptions.ConditionalCheckFailedException):
        aws.dynamodb.update_item(**heads.commit(aws.tables.sheets_data, head, late))
    commit(aws, source["id"], [1])


def test_an_edit_leaves_the_status_that_workers_write(aws: Aws, caller: Caller):
    """Both write to the same row at the same time."""
    source = caller.register().json

    class Reporting:
        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items":
                status = Status(state=State.FAILING, epoch=1)
                aws.dynamodb.update_item(
                    **sources.set_status(
                        aws.tables.data_sources, source["id"], status, incarnation=source["incarnation"]
                    )
                )
            return getattr(aws.dynamodb, name)

    assert update(caller, source, name="New", at=aws.registrar(dynamodb=Reporting())).status == 200
    (row,) = items(aws, aws.tables.data_sources)
    assert (row["name"], row["status"]["state"], row["attention"]) == ("New", "failing", "failing")


@pytest.mark.parametrize("seen", [None, "", "*"])
def test_an_edit_must_say_what_it_has_seen(caller: Caller, seen: str | None):
    """Else two people overwrite each other without knowing."""
    assert update(caller, caller.register().json, seen, name="New").status == 428


@pytest.mark.parametrize("seen", ['"2"', "1", 'W/"1"', "x"])
def test_a_stale_edit_gets_the_current_source(caller: Caller, seen: str):
    """So that it can be made again on what is there now."""
    source = caller.register().json
    answer = update(caller, source, seen, name="New")
    assert (answer.status, answer.json["current"], answer.headers["etag"]) == (412, source, '"1"')


def test_of_two_edits_at_once_one_is_stale(aws: Aws, caller: Caller):
    """The transaction decides, not the look before it."""
    source = caller.register().json

    class Overtaken:
        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items":
                assert update(caller, source, name="Quick").status == 200
            return getattr(aws.dynamodb, name)

    answer = update(caller, source, name="Slow", at=aws.registrar(dynamodb=Overtaken()))
    assert (answer.status, answer.json["current"]["name"]) == (412, "Quick")


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "external-00000000"},
        {"revision": 9},
        {"incarnation": "x"},
        {"shard": 1},
        {"owner": "eve"},
        {"status": {"state": "healthy"}},
        {"createdAt": "now"},
        {"attention": "x"},
        {"polling_interval_s": 5},
        {"color": 1},
        {"type": "googleSheet"},
        {"pollingInterval": 0},
        {"name": None},
        {"url": "ftp://feeds.example.com/"},
        {"id": "x", "color": 1, "type": "googleSheet", "apiKey": 3, "pollingInterval": 0, "tags": 7},
    ],
)
def test_what_cannot_be_edited_is_named(aws: Aws, caller: Caller, fields: dict[str, Any]):
    """Neither read-only nor unknown nor wrong fields get in, all are named at once, and nothing is written."""
    source = caller.register().json
    answer = update(caller, source, **fields)
    assert (answer.status, answer.fields) == (422, set(fields))
    assert items(aws, aws.tables.data_sources) == [source]


@pytest.mark.parametrize(
    "url", ["https://other.example.com/a", "http://feeds.example.com/a", "https://feeds.example.com:8443/a"]
)
def test_another_origin_is_another_source(aws: Aws, caller: Caller, url: str):
    """Else whoever may edit could have the key sent to a server of their own."""
    source = caller.register(prices(apiKey="secret")).json
    assert update(caller, source, url=url).status == 409
    assert update(caller, source, url=url, apiKey="mine").status == 409
    assert key_of(aws, source["id"])["apiKey"] == "secret"


def test_a_key_is_rotated_removed_and_added_again(aws: Aws, caller: Caller):
    """It never shows; taken away it can come back within the recovery window."""
    source = caller.register(prices(apiKey="first")).json
    assert "second" not in update(caller, source, apiKey="second").body
    current = key_of(aws, source["id"], VersionStage="AWSCURRENT")
    assert current == {"apiKey": "second", "origin": "https://feeds.example.com"}
    removed = update(caller, source, '"2"', apiKey=None)
    assert "apiKeySecretId" not in removed.json
    assert aws.secret_names() == []
    assert "apiKeySecretId" not in items(aws, aws.tables.data_sources)[0]
    again = update(caller, source, '"3"', apiKey="third")
    assert again.json["apiKeySecretId"] == PREFIX + source["id"]
    assert key_of(aws, source["id"])["apiKey"] == "third"


def test_a_source_without_a_key_can_be_given_one(aws: Aws, caller: Caller):
    """Its secret is made then; an edit of something else leaves it alone."""
    source = caller.register().json
    update(caller, source, apiKey="first")
    answer = update(caller, source, '"2"', name="New")
    assert answer.json["apiKeySecretId"] == PREFIX + source["id"]
    assert key_of(aws, source["id"])["apiKey"] == "first"


def test_a_hidden_header_sent_back_keeps_its_value(aws: Aws, caller: Caller):
    """A form shows `***` and sends all it shows."""
    source = caller.register(prices(headers={"X-Token": "secret", "Accept": "a/b"})).json
    update(caller, source, headers=source["headers"] | {"Accept": "c/d"})
    assert items(aws, aws.tables.data_sources)[0]["headers"] == {"X-Token": "secret", "Accept": "c/d"}


def test_a_hidden_header_under_another_name_is_asked_for(aws: Aws, caller: Caller):
    """Whose value it was nobody can tell; stored as it is shown it would be sent in its place."""
    source = caller.register(prices(headers={"X-Token": "secret"})).json
    assert update(caller, source, headers={"x-token": "***"}).fields == {"headers.x-token"}
    assert items(aws, aws.tables.data_sources)[0]["headers"] == {"X-Token": "secret"}


def test_edits_do_not_add_up_to_more_than_the_table_takes(caller: Caller):
    """Each is small enough, what they make together is not: the largest field is named."""
    source = caller.register(prices(headers={f"X-{n}": "x" * 4_000 for n in range(30)})).json
    pointers = [f"/{n:02}{'x' * 700}" for n in range(64)]
    assert update(caller, source, ignore=pointers).status == 200
    assert update(caller, source, '"2"', unordered=pointers).fields == {"headers"}
    assert update(caller, source, '"2"', unordered=pointers, headers={}).status == 200


def test_an_edit_that_breaks_at_any_call_is_whole_or_changes_nothing(aws: Aws, caller: Caller):
    """Read, counter, transaction: whatever breaks, source and log agree."""
    source = caller.register().json
    for breaks_at in (1, 2, 3):
        calls = Calls(breaks_at=breaks_at)
        assert update(caller, source, name="New", at=aws.registrar(dynamodb=calls.client(aws.dynamodb))).status == 503
        assert items(aws, aws.tables.data_sources) == [source]
    assert max(row.get("n", 0) for row in items(aws, aws.tables.fleet)) == 1


def test_what_is_not_there_cannot_be_edited(caller: Caller):
    """Whatever the revision."""
    assert update(caller, {"id": "external-00000000"}, name="New").status == 404


def test_another_spreadsheet_is_another_source(caller: Caller):
    """Its history would be somebody else's; another tab of it, or another form of its address, is an edit."""
    sheet = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"
    source = caller.register({"name": "Prices", "type": "googleSheet", "url": sheet}).json
    assert update(caller, source, url=sheet.replace("1B", "2B")).status == 409
    edited = update(caller, source, url=f"https://docs.google.com/spreadsheets/d/{sheet}/edit#gid=3", ranges=["A1:C"])
    assert (edited.status, edited.json["revision"], edited.json["shard"]) == (200, 2, source["shard"])
