"""Polling now: a wish in the fleet's log, for what is there, and not more often than a source may be polled."""

from functools import partial

import pytest

from api.poll import Wishes, poll_source
from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.values import read_item
from tests.api.account import Answer, Aws, Caller, later, prices
from tests.api.breaking import Calls
from tests.api.stored import items


def wish(caller: Caller, source_id: str, *, dynamodb: object = None) -> Answer:
    """Ask for a poll."""
    aws = caller.aws
    client = dynamodb or aws.dynamodb
    registrar = aws.registrar(dynamodb=client)
    wishes = Wishes(
        dynamodb=registrar.dynamodb, tables=aws.tables, configuration=registrar.configuration, now_ms=aws.now_ms
    )
    return caller.call(partial(poll_source, at=wishes), "POST /datasources/{sourceId}/poll", source_id=source_id)


def log_of(aws: Aws) -> list[tuple[str, str]]:
    """Read the configuration log: what, of which source."""
    query = fleet.log_after(aws.tables.fleet, SourceType.EXTERNAL, 0)
    entries = map(read_item, aws.dynamodb.query(**query)["Items"])
    return [(entry["act"], entry["source"]) for entry in entries if "act" in entry]


def test_a_wish_is_an_entry_of_the_log_and_changes_nothing_else(aws: Aws, caller: Caller):
    """The source, its place in the fleet and its head stay as they are."""
    source_id = caller.register().json["id"]
    before = [items(aws, table) for table in (aws.tables.data_sources, aws.tables.sheets_data)]
    places = [row for row in items(aws, aws.tables.fleet) if "#R" not in row["pk"]]
    answer = wish(caller, source_id)
    assert (answer.status, answer.json) == (202, {"sourceId": source_id, "requestedAt": aws.at_ms})
    assert log_of(aws) == [("put", source_id), ("poll", source_id)]
    assert [items(aws, table) for table in (aws.tables.data_sources, aws.tables.sheets_data)] == before
    assert [row for row in items(aws, aws.tables.fleet) if "#R" not in row["pk"]] == places


def test_a_wish_too_soon_says_when_to_come_back(aws: Aws, caller: Caller):
    """Nobody may have a source polled faster than it could be configured to be."""
    source_id = caller.register().json["id"]
    other = caller.register(prices(name="other")).json["id"]
    assert wish(caller, source_id).status == 202
    again = wish(caller, source_id)
    assert (again.status, again.headers["retry-after"]) == (429, "1")
    assert wish(caller, other).status == 202
    later(aws, 1)
    assert wish(caller, source_id).status == 202
    assert len(log_of(aws)) == 2 + 3


def test_what_is_paused_or_gone_is_not_polled(aws: Aws, caller: Caller):
    """A paused source is a conflict; what is no source is none."""
    paused = caller.register(prices(enabled=False)).json["id"]
    assert wish(caller, paused).status == 409
    assert wish(caller, "external-00000000").status == 404
    assert wish(caller, "nonsense").status == 404
    assert log_of(aws) == [("put", paused)]


@pytest.mark.parametrize("lands", [False, True])
def test_a_wish_whose_answer_is_lost_may_be_made_again(aws: Aws, caller: Caller, lands: bool):
    """It landed or not: the next is at worst too soon."""
    source_id = caller.register().json["id"]
    calls = Calls(breaks_at=3, lands=lands)
    assert wish(caller, source_id, dynamodb=calls.client(aws.dynamodb)).status == 503
    assert calls.names == ["get_item", "get_item", "transact_write_items"]
    assert wish(caller, source_id).status == (429 if lands else 202)


def test_the_log_does_not_grow_for_ever(aws: Aws, caller: Caller):
    """An entry lives a day: by then every worker has read it, or has lost its shards and reads them anew."""
    caller.register()
    (entry,) = [row for row in items(aws, aws.tables.fleet) if row.get("act")]
    assert (entry["at"], entry["ttl"]) == (aws.at_ms, aws.at_ms // 1_000 + 86_400)
