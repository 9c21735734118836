"""Rules of the Google stand-in: its answers are those that Google's own discovery documents describe."""

import json
from importlib.resources import files
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from local.google.book import NoSuchRange
from local.google.drive import LAG_MS, Changes
from local.google.mask import masked, read_mask
from local.google.read_quota import ReadQuota, Window
from tests.fetching.sheets.google import BOOK, Stand, a_book, standing

DOCUMENTS = files("googleapiclient.discovery_cache.documents")
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "object": dict,
    "array": list,
    "number": (int, float),
}


def fits(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str = "") -> None:
    """Hold a value to a schema of a discovery document: every member known, of its type, of its enumeration."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if kind != "any":
        assert isinstance(value, TYPES[kind]), f"{where} is no {kind}"
    assert "enum" not in schema or value in schema["enum"], where
    for name, member in value.items() if kind == "object" and "properties" in schema else ():
        assert name in schema["properties"], f"{where}.{name} is unknown to Google"
        fits(member, schema["properties"][name], schemas, f"{where}.{name}")
    for at, member in enumerate(value) if kind == "array" else ():
        fits(member, schema["items"], schemas, f"{where}[{at}]")


async def asked(stand: Stand, path: str) -> tuple[int, Any]:
    """Ask with a token."""
    assertion_made = await stand.google.values(stand.accounts[0], BOOK, ["A1"])
    assert assertion_made
    token = stand.google._tokens[stand.accounts[0].email].token
    async with TestClient(TestServer(stand.service.application())) as client:
        answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
        return answer.status, json.loads(await answer.text())


@pytest.mark.parametrize(
    ("api", "path", "schema"),
    [
        ("sheets.v4", f"/v4/spreadsheets/{BOOK}/values:batchGet?ranges=A1:B2&ranges=Sheet1", "BatchGetValuesResponse"),
        ("sheets.v4", f"/v4/spreadsheets/{BOOK}/values/'Sheet1'!A1:B", "ValueRange"),
        ("sheets.v4", f"/v4/spreadsheets/{BOOK}", "Spreadsheet"),
        ("drive.v3", "/drive/v3/changes/startPageToken", "StartPageToken"),
        ("drive.v3", "/drive/v3/changes?pageToken=0", "ChangeList"),
    ],
)
async def test_answers_are_those_of_the_discovery_documents(api: str, path: str, schema: str):
    """A field that Google does not have would only work here."""
    described = json.loads((DOCUMENTS / f"{api}.json").read_text())
    async with standing(["Name", "Price"], ["Amber", 1.5]) as stand:
        stand.service.changes.lag_ms = 0
        stand.service.edit(BOOK, 0, 1, 1, 2)
        status, told = await asked(stand, path)
    assert status == 200
    fits(told, {"$ref": schema}, described["schemas"], schema)
    assert len(told) >= 2


async def test_a_request_without_a_good_token_is_refused():
    """Nobody reads a sheet unasked."""
    async with standing() as stand, TestClient(TestServer(stand.service.application())) as client:
        answer = await client.get(f"/v4/spreadsheets/{BOOK}", headers={"Authorization": "Bearer ya29.no"})
        assert answer.status == 401
        assert (await answer.json())["error"]["status"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("a1", "name", "rows"),
    [
        ("A1:B2", "Sheet1!A1:B2", [["a", "b"], [1]]),
        ("Sheet1", "Sheet1!A1:Z1000", [["a", "b"], [1], [], [2, "", 3]]),
        ("A:A", "Sheet1!A1:A1000", [["a"], [1], [], [2]]),
        ("C2:C", "Sheet1!C2:C1000", [[], [], [3]]),
        ("2:2", "Sheet1!A2:Z2", [[1]]),
        ("B2:A1", "Sheet1!A1:B2", [["a", "b"], [1]]),
        ("'It''s other'!A1:B2", "'It''s other'!A1:B2", []),
        ("total", "Sheet1!A4:C4", [[2, "", 3]]),
    ],
)
def test_a_range_is_answered_as_sheets_does(a1: str, name: str, rows: list[Any]):
    """Without what is empty at an end, and with the name that Sheets gives it."""
    book = a_book(["a", "b"], [1, ""], [], [2, "", 3])
    book.named_ranges["total"] = "Sheet1!A4:C4"
    assert book.read(a1) == (name, rows)


def test_a_range_that_names_nothing_is_refused():
    """By its name, as Sheets does."""
    for a1 in ("Nowhere", "Nowhere!A1", "A9999:B9999", "!"):
        with pytest.raises(NoSuchRange):
            a_book(["a"]).read(a1)


def test_a_mask_keeps_what_it_names():
    """Partial answers are what every request of ours asks for."""
    told = {"a": [{"b": 1, "c": {"d": 2, "e": 3}}], "f": 4}
    assert masked(told, read_mask("a(b,c/d)")) == {"a": [{"b": 1, "c": {"d": 2}}]}
    assert masked(told, read_mask("a.c(e),f")) == {"a": [{"c": {"e": 3}}], "f": 4}
    for wrong in ("a(", "a(b", ",a", "a)b"):
        with pytest.raises(ValueError, match=r".+"):
            read_mask(wrong)


def test_fixed_minutes_let_two_meet_at_their_border_and_sliding_ones_do_not():
    """Who cannot tell which it is must pass both."""
    expected: dict[Window, bool] = {"fixed": True, "sliding": False}
    for window, allowed in expected.items():
        quota = ReadQuota(window=window)
        assert all(quota.allow("a", 59_000 + at) for at in range(60))
        assert not quota.allow("a", 59_999)
        assert quota.allow("a", 60_000) is allowed
        assert quota.allow("a", 119_100)


def test_a_project_has_its_own_quota_beside_its_accounts():
    """Six accounts of one project read no more than five."""
    quota = ReadQuota()
    assert sum(quota.allow(f"account-{number % 6}", number) for number in range(360)) == 300


def test_drive_lists_an_edit_late_and_once():
    """Edits of one spreadsheet within the lag are one change."""
    changes = Changes()
    token = changes.start(0)
    changes.edited(BOOK, 0)
    changes.edited(BOOK, 1_000)
    assert changes.since(token, LAG_MS - 1) == ([], token)
    edited, after = changes.since(token, LAG_MS)
    assert edited == [BOOK]
    assert changes.since(after, LAG_MS + 1) == ([], after)
