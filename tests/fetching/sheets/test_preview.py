"""What a registration of a sheet would see, asked of a Google on loopback by the real client."""

from collections.abc import Sequence
from typing import Any

from contracts.source import Registration
from fetching.document import Reading
from fetching.sheets.account import Account, in_order
from fetching.sheets.preview import SheetWorld, preview
from fetching.sheets.target import SheetTarget
from tests.fetching.sheets.google import BOOK, Stand, standing

ROWS: Sequence[list[Any]] = (["Name", "Price"], ["Amber", 1.5], ["Basalt", "#N/A"])


async def look(stand: Stand, turns: list[str], **fields: Any) -> dict[str, Any]:
    """Preview the sheet."""
    told = {"name": "Prices", "type": "googleSheet", "url": BOOK, "pollingInterval": 60} | fields
    registration = Registration.model_validate(told)

    async def turn(account: Account) -> None:
        turns.append(account.email)

    world = SheetWorld(google=stand.google, accounts=stand.accounts, turn=turn, clock=lambda: 0.0)
    return await preview(SheetTarget.of(registration), Reading.of(registration), world)


async def test_every_read_has_its_turn():
    """One for the rows, one more for the title of a tab that the address names."""
    async with standing(*ROWS) as stand:
        turns: list[str] = []
        plain = await look(stand, turns)
        assert (plain["ok"], plain["document"]["count"], len(turns)) == (True, 2, 1)
        tab = await look(stand, turns, url=f"https://docs.google.com/spreadsheets/d/{BOOK}/edit#gid=0")
        assert tab["document"] == plain["document"]
        assert len(turns) == len(stand.service.requests) == 3


async def test_cells_that_are_being_computed_are_a_warning():
    """Whoever sees them should know what becomes of them."""
    async with standing(*ROWS) as stand:
        assert [one["code"] for one in (await look(stand, []))["warnings"]] == ["computing"]


async def test_of_several_ranges_the_longest_is_shown():
    """By its own name, escaped as a pointer wants it."""
    async with standing(*ROWS) as stand:
        seen = await look(stand, [], ranges=["Sheet1!A1:B2", "'Sheet1'!A1:B"])
        assert (seen["document"]["at"], seen["document"]["count"]) == ("/'Sheet1'!A1:B/rows", 2)


async def test_columns_stand_in_the_order_of_the_sheet():
    """Not in that of their names, as a document has them."""
    async with standing(["Zinc", "Amber"], [1, 2]) as stand:
        assert (await look(stand, []))["document"]["columns"] == ["Zinc", "Amber"]


async def test_a_selector_shows_what_it_makes():
    """As for any other source."""
    async with standing(*ROWS) as stand:
        seen = await look(stand, [], selector="rows[].Name")
        assert seen["document"]["rows"] == ["Amber", "Basalt"]


async def test_any_account_it_is_shared_with_will_do():
    """Tried in the order in which workers try them; if none may, the first one is named."""
    async with standing(*ROWS, accounts=3) as stand:
        first, _, last = in_order(stand.accounts, BOOK)
        stand.service.books[BOOK].readers = {last.email}
        turns: list[str] = []
        assert (await look(stand, turns))["ok"] is True
        assert turns == [account.email for account in in_order(stand.accounts, BOOK)]
        stand.service.books[BOOK].readers = set()
        assert first.email in (await look(stand, []))["why"]


async def test_a_range_that_is_none_is_said():
    """In words that name it."""
    async with standing(*ROWS) as stand:
        seen = await look(stand, [], ranges=["Nowhere!A1:B2"])
        assert (seen["ok"], seen["reason"], "Nowhere!A1:B2" in seen["why"]) == (False, "selector", True)
