"""The dashboard, as a person uses it: Debian's Chromium, the real stack, the real content security policy."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.outside import Api, Feeds

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENSHOTS = Path(__file__).parent.parent / "screenshots"
SLOW_MS = 20_000


@pytest.fixture(scope="module", autouse=True)
def _chromium() -> None:
    """Fail with the reason where the tests cannot run."""
    assert Path(CHROMIUM).exists(), "Chromium is missing: apt-get install chromium"


@pytest.fixture
async def page(state: dict[str, Any]) -> AsyncIterator[Page]:
    """Open the address that `make up` prints; a policy violation or a page error fails the test."""
    wrong: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        await page.goto(f"{state['dashboardUrl']}#token={state['token']}")
        yield page
        await browser.close()
    assert not wrong


@pytest.fixture
async def source_id(state: dict[str, Any]) -> AsyncIterator[str]:
    """Watch the demo feed while a test looks."""
    async with Api.of(state) as api:
        source_id = await api.register(state["feeds"]["prices"]["url"], name="Prices")
        yield source_id
        await api.delete(source_id)


async def test_a_source_added_in_the_browser_is_watched_live(page: Page, state: dict[str, Any]):
    """Add it, see it, change it upstream, see the changed cell marked, remove it."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("stock", [{"sku": "a", "price": 10}, {"sku": "b", "price": 20}])
        await page.get_by_role("button", name=re.compile("add", re.IGNORECASE)).first.click()
        await page.locator("[name=url]").fill(feeds.url("stock"))
        await page.locator("[name=name]").fill("Stock of the browser test")
        await page.locator("[name=pollingInterval]").fill("1")
        await page.locator("form button[type=submit]").click()
        await page.get_by_role("link", name="Stock of the browser test").click(timeout=SLOW_MS)
        await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)
        await expect(page.get_by_role("gridcell", name="20", exact=True)).to_be_visible(timeout=SLOW_MS)

        feeds.set("stock", [{"sku": "a", "price": 10}, {"sku": "b", "price": 25}])
        marked = page.locator("[role=gridcell][data-mark=up]")
        await expect(marked).to_have_text(re.compile("25"), timeout=SLOW_MS)
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / "live.png")
        await expect(marked).to_have_count(0, timeout=SLOW_MS)

        await page.goto(f"{state['dashboardUrl']}#/")
        _, listed = await api.call("GET", "/datasources")
        source = next(item for item in listed["items"] if item["name"] == "Stock of the browser test")
        await api.delete(source["id"])


@pytest.mark.usefixtures("source_id")
async def test_nothing_of_the_token_stays_in_the_browser(page: Page, state: dict[str, Any]):
    """It is in memory only: not in the address, not in storage."""
    await expect(page.locator("table.list")).to_be_visible(timeout=SLOW_MS)
    kept = await page.evaluate(
        "JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie])"
    )

    assert state["token"] not in kept
    assert state["token"] not in json.dumps(await page.context.cookies())


async def test_every_screen_can_be_looked_at(page: Page, source_id: str):
    """Screenshots of each screen, theme and width are for people; that no page scrolls sideways is a rule."""
    SCREENSHOTS.mkdir(exist_ok=True)
    await expect(page.locator("table.list")).to_be_visible(timeout=SLOW_MS)
    screens = {"sources": "table.list", f"sources/{source_id}": "[role=grid], [role=tree]", "fleet": "section.fleet"}
    for theme in ("light", "dark"):
        for width in (1280, 390):
            await page.emulate_media(color_scheme=theme)
            await page.set_viewport_size({"width": width, "height": 800})
            for screen, shows in screens.items():
                await page.evaluate(f"location.hash = '#/{screen}'")
                await expect(page.locator(shows).first).to_be_visible(timeout=SLOW_MS)
                name = "source" if source_id in screen else screen
                await page.screenshot(path=SCREENSHOTS / f"{name}-{theme}-{width}.png")
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (screen, width)
