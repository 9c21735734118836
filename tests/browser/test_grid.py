"""Tables as people work in them: wide and long ones, narrowed, sorted, resized, copied, held still."""

from typing import Any

from playwright.async_api import FloatRect, Locator, Page, expect

from tests.browser.screens import SLOW_MS
from tests.browser.test_dashboard import SCREENSHOTS
from tests.e2e.outside import Api, Feeds

ROWS, COLUMNS = 10_000, 12
WIDE_COLUMNS = 1_000
#: Elements of the whole page with a long table in it; what is not on the screen does not exist.
NODES_MAX = 900
#: What somebody waits for the first rows of a long table, on a machine that others share.
FIRST_ROWS_MS = 60_000
#: Somebody reads one far down in a table of so many.
LOOKED_AT_ROWS, LOOKED_AT, SCROLLED_PX = 150, 105, 2_800
#: Over once the rows that come into view are there.
SCROLL = "(one, px) => { one.scrollTop = px; return new Promise(requestAnimationFrame) }"


async def test_a_long_table_costs_what_is_seen_of_it(page: Page, state: dict[str, Any], expected: set[str]):
    """Ten thousand rows are counted, reached by one key, and are few elements."""
    expected.add("status of 404")  # the page asks for a document that takes a moment to be there
    rows = [{f"c{column}": row * column for column in range(COLUMNS)} for row in range(ROWS)]
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("long", rows)
        source_id = await api.register(feeds.url("long"), name="Long")
        grid = await _open(page, source_id)
        await expect(grid).to_have_attribute("aria-rowcount", str(ROWS + 1), timeout=FIRST_ROWS_MS)
        await grid.press("Control+End")
        await expect(grid.get_by_role("gridcell", name=str((ROWS - 1) * (COLUMNS - 1)), exact=True)).to_be_visible()

        assert await page.evaluate("document.querySelectorAll('*').length") <= NODES_MAX
        await _leave(page)
        await api.delete(source_id)


async def test_a_wide_table_holds_the_columns_in_view(page: Page, state: dict[str, Any]):
    """A thousand columns: the last is one key away, the frozen ones stay, and few cells exist."""
    rows = [{f"c{column:04}": f"{row}/{column}" for column in range(WIDE_COLUMNS)} for row in range(30)]
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("wide", rows)
        source_id = await api.register(feeds.url("wide"), name="Wide")
        grid = await _open(page, source_id)
        await expect(grid).to_have_attribute("aria-colcount", str(WIDE_COLUMNS + 1), timeout=FIRST_ROWS_MS)
        await page.get_by_label("Columns that stay in view").select_option("2")
        await grid.get_by_role("gridcell", name="0/0", exact=True).click()
        await grid.press("End")
        await expect(grid.get_by_role("gridcell", name=f"0/{WIDE_COLUMNS - 1}", exact=True)).to_be_visible()
        await expect(grid.get_by_role("gridcell", name="0/1", exact=True)).to_be_visible()
        await expect(grid.get_by_role("gridcell", name="0/500", exact=True)).to_have_count(0)
        await page.screenshot(path=SCREENSHOTS / "grid-wide.png")

        assert await page.evaluate("document.querySelectorAll('*').length") <= NODES_MAX
        await _leave(page)
        await api.delete(source_id)


async def test_a_table_is_narrowed_sorted_resized_and_copied(page: Page, state: dict[str, Any]):
    """By keyboard and pointer; a block of cells is what a spreadsheet takes, and a look elsewhere undoes none of it."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    rows = [{"item": item, "price": price} for item, price in (("a", 30), ("b", 10), ("c", 20), ("d", 5))]
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("work", rows)
        source_id = await api.register(feeds.url("work"), name="Work")
        grid = await _open(page, source_id)
        await page.get_by_role("button", name="Filter columns").click(timeout=SLOW_MS)
        await page.get_by_label("Filter price").fill("> 30")
        await expect(page.get_by_text("No row matches.")).to_be_visible()
        await page.get_by_label("Filter price").fill("> 5")
        await expect(grid).to_have_attribute("aria-rowcount", "5")
        await grid.get_by_role("columnheader", name="price").click()
        await expect(_cells(grid, "3")).to_have_text(["10", "20", "30"])

        await grid.get_by_role("gridcell", name="b", exact=True).click()
        await page.keyboard.press("Shift+ArrowDown")
        await page.keyboard.press("Shift+ArrowRight")
        await expect(grid.locator("[aria-selected=true]")).to_have_count(4)
        await page.keyboard.press("Control+c")
        assert await page.evaluate("navigator.clipboard.readText()") == "b\t10\nc\t20"
        await page.screenshot(path=SCREENSHOTS / "grid-work.png")

        title = grid.get_by_role("columnheader", name="item")
        before = (await _box(title))["width"]
        edge = await _box(title.locator(".handle"))
        await page.mouse.move(edge["x"] + 2, edge["y"] + 5)
        await page.mouse.down()
        await page.mouse.move(edge["x"] + 82, edge["y"] + 5, steps=4)
        await page.mouse.up()
        assert (await _box(title))["width"] == before + 80

        await page.get_by_role("link", name="Charts", exact=True).click()
        await expect(page.locator(".chart svg")).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("link", name="Live", exact=True).click()
        await expect(_cells(grid, "3")).to_have_text(["10", "20", "30"])
        await expect(page.get_by_label("Filter price")).to_have_value("> 5")
        assert (await _box(title))["width"] == before + 80
        await _leave(page)
        await api.delete(source_id)


async def test_where_somebody_was_in_a_table_and_a_tree_they_are_again(page: Page, state: dict[str, Any]):
    """After a look at the charts: the same cell and the same row on top, though one came above; what was open is."""
    document: dict[str, Any] = {"rows": [{"n": n, "deep": {"er": n, "more": []}} for n in range(LOOKED_AT_ROWS)]}
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("back", document)
        source_id = await api.register(feeds.url("back"), name="Back")
        grid = await _open(page, source_id)
        await expect(grid).to_have_attribute("aria-rowcount", str(LOOKED_AT_ROWS + 1), timeout=FIRST_ROWS_MS)
        await grid.evaluate(SCROLL, SCROLLED_PX)
        await grid.locator("[data-kind=number]").get_by_text(str(LOOKED_AT), exact=True).click()
        cell = grid.locator(".cursor")
        stood = await _box(cell)
        await page.get_by_role("link", name="Charts", exact=True).click()
        await expect(page.locator(".chart svg")).to_be_visible(timeout=SLOW_MS)
        document["rows"].insert(0, {"n": -1, "deep": {"er": -1, "more": []}})
        feeds.set("back", document)
        version = page.locator("[data-fact=version]")
        await expect(version).to_have_text("2", timeout=SLOW_MS)
        await page.get_by_role("link", name="Live", exact=True).click()
        await expect(cell).to_have_text(str(LOOKED_AT))
        assert await _box(cell) == stood
        await expect(page.locator(".picked .path")).to_have_text(f"/rows/{LOOKED_AT + 1}/n")

        await page.get_by_role("button", name="Tree", exact=True).click()
        tree = page.get_by_role("tree")
        await tree.press("Home")
        for key in (*["ArrowDown"] * 4, "ArrowRight"):  # from the document to the third record
            await tree.press(key)
        await expect(tree.locator(".cursor")).to_have_attribute("aria-expanded", "true")
        await tree.evaluate(SCROLL, SCROLLED_PX)
        shown = await tree.get_by_role("treeitem").all_inner_texts()
        await page.screenshot(path=SCREENSHOTS / "tree-before.png")
        await page.get_by_role("link", name="Changes", exact=True).click()
        await expect(page.locator(".version").first).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("link", name="Live", exact=True).click()
        await expect(tree).to_be_visible()
        await page.screenshot(path=SCREENSHOTS / "tree-after.png")
        assert await tree.evaluate("(tree) => tree.scrollTop") == SCROLLED_PX
        assert sorted(await tree.get_by_role("treeitem").all_inner_texts()) == sorted(shown)
        await tree.evaluate("(tree) => { tree.scrollTop = 0 }")
        await expect(tree.locator(".cursor")).to_have_attribute("aria-expanded", "true")
        await page.get_by_role("button", name="Table", exact=True).click()
        await expect(cell).to_have_text(str(LOOKED_AT))
        assert await _box(cell) == stood
        await _leave(page)
        await api.delete(source_id)


async def test_an_order_is_held_still_for_who_is_in_it_until_they_ask(page: Page, state: dict[str, Any]):
    """Rows do not move from under a cursor; R orders them by what is true now."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("order", [{"item": "a", "price": 1}, {"item": "b", "price": 2}])
        source_id = await api.register(feeds.url("order"), name="Order")
        grid = await _open(page, source_id)
        await grid.get_by_role("columnheader", name="price").click(timeout=SLOW_MS)
        feeds.set("order", [{"item": "a", "price": 3}, {"item": "b", "price": 2}])
        await expect(_cells(grid, "3")).to_have_text(["3", "2"], timeout=SLOW_MS)
        await expect(page.get_by_role("button", name="sort again")).to_be_visible()
        await page.keyboard.press("r")
        await expect(_cells(grid, "3")).to_have_text(["2", "3"])
        await expect(page.get_by_role("button", name="sort again")).to_have_count(0)
        await _leave(page)
        await api.delete(source_id)


async def test_a_page_held_still_counts_what_waits(page: Page, state: dict[str, Any]):
    """Space holds what is shown and shows the newest again; changes are received all the while."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("held", [{"item": "a", "price": 1}])
        source_id = await api.register(feeds.url("held"), name="Held")
        grid = await _open(page, source_id)
        await grid.get_by_role("gridcell", name="a", exact=True).click(timeout=SLOW_MS)
        await page.keyboard.press("Space")
        await expect(page.get_by_text("Paused by you: 0 changes wait.")).to_be_visible()
        feeds.set("held", [{"item": "a", "price": 2}])
        await expect(page.get_by_text("Paused by you: 1 change waits.")).to_be_visible(timeout=SLOW_MS)
        await expect(_cells(grid, "3")).to_have_text(["1"])
        await page.screenshot(path=SCREENSHOTS / "held.png")
        await page.keyboard.press("Space")
        await expect(_cells(grid, "3")).to_have_text(["2"])
        await _leave(page)
        await api.delete(source_id)


async def _open(page: Page, source_id: str) -> Locator:
    await page.evaluate(f"location.hash = '#/sources/{source_id}'")
    return page.get_by_role("grid", name="Live data")


async def _leave(page: Page) -> None:
    """Look elsewhere before the source is gone: a page that still asks for it would be told so."""
    await page.evaluate("location.hash = '#/sources'")
    await expect(page.get_by_role("grid")).to_have_count(0)


def _cells(grid: Locator, column: str) -> Locator:
    """Give the cells of a column (by its number, from 1), from the top."""
    return grid.locator(f".rows .grid-row:not([hidden]) [aria-colindex='{column}']")


async def _box(locator: Locator) -> FloatRect:
    box = await locator.bounding_box()
    assert box is not None
    return box
