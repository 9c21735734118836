"""Whoever registers, edits or looks at a sheet is told how often Google's quota lets it be read."""

import json
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api.answers import Detail, Source, Sources
from api.fleet import Sight, show_fleet
from api.get import get_source
from api.imports import import_sources
from api.list import list_sources
from api.update import update_source
from contracts.kinds import SourceType
from contracts.table import google_demand
from contracts.table.google_demand import Demand, Summary
from tests.api.account import ENVIRON, NOW_MS, Aws, Caller

EMAIL = "reader@example.iam.gserviceaccount.com"
URL = "https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit#gid=0"


def sheet(**fields: Any) -> dict[str, Any]:
    """Describe a sheet as a caller would."""
    return {"name": "Stock", "type": "googleSheet", "url": URL, "pollingInterval": 60} | fields


def wish(aws: Aws, reads_per_minute: float) -> None:
    """Let a worker have summed up."""
    demand = Demand(email=EMAIL, wished=reads_per_minute, granted=57.9)
    aws.dynamodb.update_item(**google_demand.sum_up(aws.tables.budget, [demand], seen=known(aws), at_ms=aws.at_ms))


def known(aws: Aws) -> Summary:
    """Read the summary."""
    return Summary.read(aws.dynamodb.get_item(**google_demand.get(aws.tables.budget)).get("Item"))


def look(caller: Caller, source_id: str) -> dict[str, Any]:
    """Get a source."""
    aws = caller.aws
    act = partial(get_source, dynamodb=aws.dynamodb, tables=aws.tables, quota=aws.quota())
    answer = caller.call(act, "GET /datasources/{sourceId}", source_id=source_id)
    Detail.model_validate(answer.json)
    found: dict[str, Any] = answer.json
    return found


def test_while_all_wishes_fit_the_interval_is_what_was_asked_for(caller: Caller):
    """And there is nothing to warn of."""
    answer = caller.register(sheet())
    Source.model_validate(answer.json)
    assert (answer.status, answer.json["achievableInterval"], answer.json["warnings"]) == (201, 60, [])
    assert look(caller, answer.json["id"])["achievableInterval"] == 60


def test_a_registration_beyond_the_quota_is_told_what_is_achievable(caller: Caller):
    """What is there already and the new one wish for twice of what Google grants."""
    wish(caller.aws, 2 * 57.9 - 6)
    answer = caller.register(sheet(pollingInterval=10))
    assert answer.json["achievableInterval"] == 20
    (warned,) = answer.json["warnings"]
    assert warned["code"] == "google_quota"
    for said in ("116 reads a minute of 58", "about every 20 s instead of 10 s", "docs/google-sheets.md"):
        assert said in warned["message"]


def test_the_hundredth_registration_is_told_what_all_come_to_before_any_worker_looked(caller: Caller):
    """One at 10 s is six reads a minute: ten of them are more than an account's sixty."""
    told = [caller.register(sheet(pollingInterval=10)).json["achievableInterval"] for _ in range(20)]
    assert told[:9] == [10] * 9
    assert told[19] == 21
    wish(caller.aws, 30)
    assert caller.register(sheet(pollingInterval=10)).json["achievableInterval"] == 10


def test_an_edit_counts_by_what_it_changes(caller: Caller):
    """Less often is less; a paused source wishes for nothing."""
    made = caller.register(sheet(pollingInterval=10)).json
    for revision, (fields, added) in enumerate([({"pollingInterval": 60}, 1), ({"enabled": False}, 0)], start=1):
        answer = caller.call(
            partial(update_source, at=caller.aws.registrar()), "PUT /datasources/{sourceId}/update",
            source_id=made["id"], body=json.dumps(fields),
            headers={"content-type": "application/json", "if-match": f'"{revision}"'},
        )  # fmt: skip
        Source.model_validate(answer.json)
        assert answer.json["achievableInterval"] == 60
        assert known(caller.aws).added == added


def test_imported_sheets_count_together(caller: Caller):
    """With hints a slow one counts by the sweep."""
    registrar = caller.aws.registrar(environ={"GOOGLE_HINTS": "1"})
    items = [sheet(name=f"n{n}", pollingInterval=seconds) for n, seconds in enumerate([10, 30, 600])]
    body = json.dumps({"items": [*items, {"name": "x", "url": "https://feeds.example.com/x.json"}]})
    answer = caller.call(partial(import_sources, at=registrar), "POST /datasources/import", body=body)
    assert answer.json["created"] == 4
    assert known(caller.aws).added == 6 + 2 + 0.05


def test_a_list_tells_it_of_sheets_only(caller: Caller):
    """Other sources have no such quota."""
    wish(caller.aws, 3 * 57.9)
    caller.register()
    caller.register(sheet())
    aws = caller.aws
    act = partial(list_sources, dynamodb=aws.dynamodb, tables=aws.tables, quota=aws.quota())
    answer = caller.call(act, "GET /datasources")
    Sources.model_validate(answer.json)
    told = {item["type"]: item.get("achievableInterval") for item in answer.json["items"]}
    assert told == {"external": None, "googleSheet": 182}
    assert "warnings" not in next(item for item in answer.json["items"] if item["type"] == "external")


def test_the_fleet_shows_what_is_wished_for(caller: Caller):
    """By account, and what came since."""
    wish(caller.aws, 115.8)
    caller.register(sheet(pollingInterval=10))
    aws = caller.aws
    not_asked: Any = None  # ECS: there is no service
    sight = Sight(
        dynamodb=aws.dynamodb, ecs=not_asked, tables=aws.tables, shards={SourceType.EXTERNAL: 8}, services={},
        now_ms=aws.now_ms,
    )  # fmt: skip
    answer = caller.call(partial(show_fleet, sight=sight), "GET /fleet")
    assert answer.json["google"] == {
        "at": "2026-11-18T11:06:40.000Z",
        "accounts": [{"email": EMAIL, "wishedPerMinute": 115.8, "grantedPerMinute": 57.9, "stretch": 2.0}],
        "addedPerMinute": 6,
    }
    assert aws.at_ms == NOW_MS


class NoBudget:
    """A client whose Budget table refuses writes."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def update_item(self, **request: Any) -> Any:
        """Refuse what is for Budget."""
        if request["TableName"] == ENVIRON["TABLE_BUDGET"]:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return self._dynamodb.update_item(**request)


def test_a_source_is_registered_even_if_its_wish_cannot_be_noted(caller: Caller, capsys: pytest.CaptureFixture[str]):
    """It is there: an error would make its owner register it twice."""
    answer = caller.register(sheet(), at=caller.aws.registrar(dynamodb=NoBudget(caller.aws.dynamodb)))
    assert (answer.status, answer.json["achievableInterval"]) == (201, None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["error"] for line in lines if line.get("event") == "wish_not_added"] == ["ClientError"]
