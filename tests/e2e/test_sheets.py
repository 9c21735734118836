"""The spec's first monitor: somebody types into a spreadsheet, and every subscriber has it."""

from typing import Any

import aiohttp

from tests.e2e.outside import Api, Reader, until_true

INTERVAL_S = 10
#: At 10 s these alone are 72 reads a minute of an account's 60.
MANY = 12
#: A worker looks every 10 s whether the minute's summary is due.
SUMMED_UP_WITHIN_S = 120


async def typed(state: dict[str, Any], row: int, column: int, value: str) -> None:
    """Write a cell of the demo spreadsheet, as its page does."""
    form = {"book": "1-demo-spreadsheet-of-this-laptop", "gid": "0", "row": str(row), "column": str(column)}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{state['sheet']['editUrl']}cell", data=form | {"value": value}) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def test_what_is_typed_into_a_sheet_reaches_a_subscriber(state: dict[str, Any]):
    """By the real gspread and google-auth, the account's key out of Secrets Manager, and a patch of the one cell."""
    async with Api.of(state) as api, Reader.connected(state) as reader:
        source_id = await api.register(
            state["sheet"]["url"], type="googleSheet", keyColumn="Item", pollingInterval=INTERVAL_S
        )
        await reader.follow(source_id)
        await reader.until(lambda: reader.copies[source_id].document is not None, timeout_s=6 * INTERVAL_S)
        before = reader.copies[source_id].document
        await typed(state, 1, 1, "99.5")
        expected = {**before, "rows": {**before["rows"], "Amber": {"Item": "Amber", "Price": 99.5, "Left": 4}}}
        await reader.until_equal(source_id, expected, timeout_s=6 * INTERVAL_S)
        frame = reader.copies[source_id].frames[-1][1]
        _, source = await api.call("GET", f"/datasources/{source_id}")
        await api.delete(source_id)
    assert frame["steps"][-1][1] == [{"op": "replace", "path": "/rows/Amber/Price", "value": 99.5}]
    assert source["status"]["state"] == "healthy"


async def test_a_sheet_that_is_not_shared_says_with_whom(state: dict[str, Any]):
    """The one thing that a person can do about it."""
    async with Api.of(state) as api, Reader.connected(state) as reader:
        source_id = await api.register(
            "https://docs.google.com/spreadsheets/d/1-some-other-spreadsheet-of-nobody/edit",
            type="googleSheet",
            pollingInterval=INTERVAL_S,
        )
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until(lambda: any(frame["type"] == "status" for frame in reader.others), timeout_s=6 * INTERVAL_S)
        told = [frame for frame in reader.others if frame["type"] == "status"]
        await api.delete(source_id)
    assert "sheets-reader@laptop.iam.gserviceaccount.com" in told[-1]["why"]


async def test_a_sheet_is_looked_at_before_it_is_registered(state: dict[str, Any]):
    """What its rows are, or with whom to share it."""
    async with Api.of(state) as api:
        looked = {"type": "googleSheet", "url": state["sheet"]["url"], "keyColumn": "Item"}
        status, seen = await api.call("POST", "/datasources/preview", looked)
        elsewhere = looked | {"url": "https://docs.google.com/spreadsheets/d/1-some-other-spreadsheet-of-nobody/edit"}
        _, refused = await api.call("POST", "/datasources/preview", elsewhere)
    assert (status, seen["ok"], seen["document"]["at"]) == (200, True, "/rows")
    assert seen["document"]["columns"][:2] == ["Item", "Price"]
    assert (refused["ok"], refused["reason"]) == (False, "not_found")
    assert "sheets-reader@laptop.iam.gserviceaccount.com" in refused["why"]


async def test_more_sheets_than_google_grants_are_told_what_is_achievable(state: dict[str, Any]):
    """At once when they are registered; in the fleet and at each source once a worker has summed up."""
    async with Api.of(state) as api:
        made: list[dict[str, Any]] = []
        try:
            for number in range(MANY):
                url = f"https://docs.google.com/spreadsheets/d/1-spreadsheet-of-nobody-{number:04}/edit"
                body = {"name": url, "url": url, "type": "googleSheet", "pollingInterval": INTERVAL_S}
                made.append((await api.call("POST", "/datasources/register", body))[1])
            assert made[-1]["achievableInterval"] > INTERVAL_S
            assert [one["code"] for one in made[-1]["warnings"]] == ["google_quota"]

            async def is_summed_up() -> bool:
                _, fleet = await api.call("GET", "/fleet")
                return any(one["stretch"] > 1 for one in (fleet["google"] or {"accounts": []})["accounts"])

            await until_true(is_summed_up, SUMMED_UP_WITHIN_S)
            _, source = await api.call("GET", f"/datasources/{made[0]['id']}")
            _, listed = await api.call("GET", "/datasources?type=googleSheet")
        finally:
            for one in made:
                await api.delete(one["id"])
    assert source["achievableInterval"] > INTERVAL_S
    assert made[0]["id"] in {one["id"] for one in listed["items"] if one["achievableInterval"] > INTERVAL_S}
