"""The grid and the tree alone, on a page that holds nothing else: where things are while the document changes."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from bench.dashboard import build, opened, serving

ROWS = 6_000
FAR_PX = 2_800
#: The row that is first in view there, with rows of 28 px.
FAR_ROW = 100
_ACTIVE = (
    "document.getElementById(document.querySelector('[aria-activedescendant]')?.getAttribute('aria-activedescendant'))"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the page once."""
    folder = tmp_path_factory.mktemp("islands")
    build(folder)
    return folder


@pytest.fixture
async def island(built: Path) -> AsyncIterator[Page]:
    """Open the page; an error of it fails the test."""
    wrong: list[str] = []
    async with serving(built) as url, opened(url) as (page, _):
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
    assert not wrong


async def test_what_is_read_stays_where_it_is_while_rows_come_above_it(island: Page):
    """But at the top, what is new is seen."""
    await island.evaluate(f"bench.grid({ROWS})")
    grid = island.get_by_role("grid")
    await grid.evaluate("(grid, px) => { grid.scrollTop = px }", FAR_PX)
    read = _last_of(grid, FAR_ROW)
    await expect(read).to_be_visible()
    before = await read.bounding_box()
    await island.evaluate("bench.insert()")
    assert await read.bounding_box() == before
    assert await grid.evaluate("(grid) => grid.scrollTop") == FAR_PX + 28

    await grid.evaluate("(grid) => { grid.scrollTop = 0 }")
    await island.evaluate("bench.insert()")
    await expect(grid.get_by_role("gridcell", name="1", exact=True).first).to_be_visible()
    assert await grid.evaluate("(grid) => grid.scrollTop") == 0


async def test_a_cell_is_the_active_one_only_while_it_exists(island: Page):
    """Scrolled away, no element bears its name; scrolled back, it does again."""
    await island.evaluate(f"bench.grid({ROWS})")
    grid = island.get_by_role("grid")
    await _last_of(grid, 5).click()
    assert await island.evaluate(f"{_ACTIVE}.textContent") == "55"
    await grid.evaluate("(grid, px) => { grid.scrollTop = px }", FAR_PX)
    await expect(island.locator("[aria-activedescendant]")).to_have_count(0)
    await grid.evaluate("(grid) => { grid.scrollTop = 0 }")
    await expect(island.locator("[aria-activedescendant]")).to_have_count(1)
    assert await island.evaluate(f"{_ACTIVE}.textContent") == "55"


async def test_a_long_tree_is_all_there_when_it_is_open(island: Page):
    """51,503 rows by its height, few elements; shut by one key, three are left, and opened again all are back."""
    rows = await island.evaluate("bench.tree()")
    tree = island.get_by_role("tree")
    assert rows == 51_503
    await island.evaluate("bench.press('Enter')")
    await expect(tree.locator("[role=treeitem]:not([hidden])")).to_have_count(3)
    await island.evaluate("bench.press('Enter', 'End')")
    await expect(tree.get_by_role("treeitem", name="one 1")).to_be_visible()
    assert await tree.locator(".rows").evaluate("(rows) => rows.offsetHeight") == 28 * rows


def _last_of(grid: Locator, row: int) -> Locator:
    """Find the last cell of a row, by its value: no other row has it in that column."""
    return grid.locator("[aria-colindex='13']", has_text=re.compile(f"^{row * 11}$"))
