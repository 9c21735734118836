"""The dashboard, as a person uses it: Debian's Chromium, the real stack, the real content security policy."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.hostile import PAYLOADS
from tests.browser.screens import DIALOGS, SEEN, SLOW_MS, WIDER, close_dialog, name_of, open_dialog, routes, visit
from tests.e2e.outside import Api, Feeds

SCREENSHOTS = Path(__file__).parent.parent / "screenshots"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: A worker starts, joins, and the page asks at its own pace.
SCALED_MS = 60_000


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

        marked = "[role=gridcell][data-mark=up]"
        seen = asyncio.create_task(page.evaluate(SEEN, marked))
        feeds.set("stock", [{"sku": "a", "price": 10}, {"sku": "b", "price": 25}])
        assert "25" in await seen
        SCREENSHOTS.mkdir(exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / "live.png")
        await expect(page.locator(marked)).to_have_count(0, timeout=SLOW_MS)

        await page.goto(f"{state['dashboardUrl']}#/")
        _, listed = await api.call("GET", "/datasources")
        source = next(item for item in listed["items"] if item["name"] == "Stock of the browser test")
        await api.delete(source["id"])


async def test_a_source_is_tried_added_and_understood(page: Page, state: dict[str, Any]):
    """Try it, add it; a change is in the cell's history, in Changes (with keys, letters or none) and in the chart."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("tried", {"items": [{"sku": "a", "price": 10}, {"sku": "b", "price": 20}]})
        await page.get_by_role("button", name=re.compile("add", re.IGNORECASE)).first.click()
        await page.locator("[name=url]").fill(feeds.url("missing"))
        await page.get_by_role("button", name="Try it").click()
        await expect(page.locator("#field-url-error")).to_be_visible(timeout=SLOW_MS)
        await page.locator("[name=url]").fill(feeds.url("tried"))
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_text("JSON: 2 rows at /items.")).to_be_visible(timeout=SLOW_MS)
        await page.locator("[name=name]").fill("Tried")
        await page.locator("[name=pollingInterval]").fill("1")
        await page.locator("[name=name]").press("Control+Enter")
        await page.get_by_role("link", name="Tried").click(timeout=SLOW_MS)
        await page.get_by_role("gridcell", name="20", exact=True).click(timeout=SLOW_MS)

        feeds.set("tried", {"items": [{"sku": "a", "price": 10}, {"sku": "b", "price": 25}]})
        history = page.get_by_role("region", name="History of this value")
        await expect(history.get_by_text("25", exact=True)).to_be_visible(timeout=SLOW_MS)
        await expect(history.get_by_text("20", exact=True)).to_be_visible(timeout=SLOW_MS)

        await page.get_by_role("link", name="Changes", exact=True).click()
        version = page.locator(".version").first
        await expect(version.get_by_role("link", name="/items/1/price")).to_be_visible(timeout=SLOW_MS)
        await expect(version.locator("ins")).to_have_text("25")
        await expect(version.locator("del")).to_have_text("20")  # no change before it tells: the page saw it
        await version.focus()
        await page.keyboard.press("j")
        older = page.locator(".version").nth(1)
        await expect(older).to_be_focused()
        await page.keyboard.press("?")
        await page.get_by_label("Single letters are keys").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("k")
        await expect(older).to_be_focused()
        await page.keyboard.press("ArrowLeft")
        await expect(version).to_be_focused()

        await page.get_by_role("link", name="Charts", exact=True).click()
        await page.get_by_label("Which number").fill("/items/1/price")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-fact=latest]")).to_have_text("Now 25", timeout=SLOW_MS)
        await expect(page.locator(".chart svg")).to_be_visible(timeout=SLOW_MS)
        await api.delete(await _id_of(page))


async def test_a_chart_is_read_with_a_pointer_with_keys_and_line_by_line(page: Page, state: dict[str, Any]):
    """What it says at a moment stands below it; the newest where nobody points. Lines go; number and window stay."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("charted", {"first": 0, "n": 1})
        source_id = await api.register(feeds.url("charted"), name="Charted")
        await page.evaluate(f"location.hash = '#/sources/{source_id}/charts'")
        await expect(page.locator("[data-fact=latest]")).to_have_text("Now 0", timeout=SLOW_MS)
        await page.get_by_label("Which number").fill("/n")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-fact=latest]")).to_have_text("Now 1", timeout=SLOW_MS)
        await page.get_by_role("button", name="5 min").click()
        feeds.set("charted", {"first": 0, "n": 40})
        chart = page.get_by_role("slider", name="/n over time, now 40")
        most = page.get_by_role("button", name="Most")
        await expect(most).to_have_text("Most 40", timeout=SLOW_MS)

        await chart.focus()
        await page.keyboard.press("Home")
        await expect(chart).to_have_attribute("aria-valuenow", "0")
        await expect(chart).to_have_attribute("aria-valuetext", re.compile("Mean 1, Least 1, Most 1$"))
        await expect(page.locator(".chart .read")).to_be_attached()
        await expect(page.locator(".chart circle")).to_have_count(3)
        await page.keyboard.press("ArrowRight")
        await expect(chart).to_have_attribute("aria-valuenow", "1")
        await page.evaluate("document.activeElement.blur()")
        await expect(page.locator(".chart .read")).to_have_count(0)
        await expect(most).to_have_text("Most 40")
        box = await page.locator(".chart svg").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        await expect(most).to_have_text("Most 1")
        await page.screenshot(path=SCREENSHOTS / "chart-read.png")

        await most.click()
        await expect(most).to_have_attribute("aria-pressed", "false")
        await expect(page.locator(".chart path")).to_have_count(2)
        finger = {"pointerType": "touch", "clientX": box["x"] + box["width"] / 4}
        await page.locator(".chart svg").dispatch_event("pointerdown", finger)
        await chart.dispatch_event("pointerleave", finger)
        await expect(page.locator(".chart .read")).to_be_attached()

        await page.get_by_role("link", name="Live", exact=True).click()
        await page.get_by_role("link", name="Charts", exact=True).click()
        await expect(page.get_by_role("button", name="5 min")).to_have_attribute("aria-pressed", "true")
        await expect(chart).to_be_visible()
        await api.delete(source_id)


async def test_two_edits_of_one_source_are_shown_side_by_side(page: Page, state: dict[str, Any], source_id: str):
    """Who comes second sees both, and what they save changes only what they changed. A pause is no conflict."""
    async with Api.of(state) as api:
        await page.evaluate(f"location.hash = '#/sources/{source_id}/settings'")
        await page.locator("[name=pollingInterval]").fill("7", timeout=SLOW_MS)
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".source-head .badge[data-standing=paused]")).to_be_visible(timeout=SLOW_MS)
        _, source = await api.call("GET", f"/datasources/{source_id}")
        revision = f'"{source["revision"]}"'
        status, _ = await api.call(
            "PUT", f"/datasources/{source_id}/update", {"name": "Renamed"}, **{"If-Match": revision}
        )
        assert status == 200
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("row", name="Name Prices Renamed")).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("button", name="Save what I changed").click()
        await expect(page.locator(".conflict")).to_have_count(0, timeout=SLOW_MS)
        _, source = await api.call("GET", f"/datasources/{source_id}")

    assert (source["name"], source["pollingInterval"], source["enabled"]) == ("Renamed", 7, False)


async def test_the_fleet_page_follows_its_scale(page: Page, scale: Callable[[int], None]):
    """While one watches, the desired count and the workers that are up become what was asked for."""
    await page.evaluate("location.hash = '#/fleet'")
    await expect(page.locator("[data-fact=up]").first).to_have_text("2", timeout=SLOW_MS)
    await asyncio.to_thread(scale, 3)
    await expect(page.locator("[data-fact=desired]").first).to_have_text("3", timeout=SCALED_MS)
    await expect(page.locator("[data-fact=up]").first).to_have_text("3", timeout=SCALED_MS)
    owners = page.locator(".fleet").first.locator("details", has_text="Which shard is whose")
    await owners.locator("summary").press("Enter")  # the map needs a mouse and eyes
    await expect(owners.get_by_role("listitem")).to_have_count(3, timeout=SCALED_MS)
    await page.screenshot(path=SCREENSHOTS / "fleet-owners.png")


async def test_hostile_feeds_stay_text(page: Page, state: dict[str, Any]):
    """As values, keys and a name, before and after a change, on every tab: text, and never a report of the policy."""
    document: dict[str, Any] = {
        "rows": [{"n": number, "text": text, text: number} for number, text in enumerate(PAYLOADS)]
    }
    await page.evaluate("document.addEventListener('securitypolicyviolation', () => { window.__xss = 2 })")
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("hostile", document)
        source_id = await api.register(feeds.url("hostile"), name=PAYLOADS[1])
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await expect(page.get_by_role("heading", name=PAYLOADS[1])).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("gridcell", name=PAYLOADS[0], exact=True).click(timeout=SLOW_MS)
        await expect(page.locator(".picked pre")).to_have_text(PAYLOADS[0])
        document["rows"][2] = {"n": 2, **dict.fromkeys(PAYLOADS, PAYLOADS[3])}
        feeds.set("hostile", document)
        await page.get_by_role("button", name="Tree").click()
        await expect(page.get_by_role("treeitem").first).to_be_visible()
        for tab, shows in (("changes", ".version ins"), ("charts", ".chart svg"), ("settings", ".settings form")):
            await page.evaluate(f"location.hash = '#/sources/{source_id}/{tab}'")
            await expect(page.locator(shows).first).to_be_visible(timeout=SLOW_MS)
        await page.evaluate("location.hash = '#/sources'")
        await expect(page.get_by_role("link", name=PAYLOADS[1])).to_be_visible(timeout=SLOW_MS)

        assert await page.evaluate("window.__xss") is None
        assert await page.evaluate("({}).n") is None
        await api.delete(source_id)


@pytest.mark.usefixtures("source_id")
async def test_nothing_of_the_token_stays_in_the_browser(page: Page, state: dict[str, Any]):
    """It is in memory only: not in the address, not in storage."""
    await expect(page.locator("table.list")).to_be_visible(timeout=SLOW_MS)
    kept = await page.evaluate(
        "JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie])"
    )

    assert state["token"] not in kept
    assert state["token"] not in json.dumps(await page.context.cookies())


async def test_every_screen_and_dialog_can_be_looked_at(page: Page, source_id: str):
    """Pictures of each, by theme and width, are for people; that none scrolls sideways or fails axe is a rule."""
    SCREENSHOTS.mkdir(exist_ok=True)
    await expect(page.locator("table.list")).to_be_visible(timeout=SLOW_MS)
    await page.evaluate(f"{AXE.read_text()};0")
    for theme, width in LOOKS:
        await page.emulate_media(color_scheme=theme)
        await page.set_viewport_size({"width": width, "height": 800})
        for route, shows in routes(source_id).items():
            await visit(page, route, shows)
            await _look(page, f"{name_of(route)}-{theme}-{width}")
        for dialog in DIALOGS:
            await open_dialog(page, dialog)
            await _look(page, f"{dialog}-{theme}-{width}")
            await close_dialog(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API token")).to_be_visible()
    for theme, width in LOOKS:
        await page.emulate_media(color_scheme=theme)
        await page.set_viewport_size({"width": width, "height": 800})
        await _look(page, f"sign-in-{theme}-{width}")


async def _look(page: Page, name: str) -> None:
    await page.screenshot(path=SCREENSHOTS / f"{name}.png")
    assert await page.evaluate(WIDER) == [], name
    assert await page.evaluate(_FINDINGS) == [], name


LOOKS: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390),
)  # fmt: skip
_FINDINGS = """axe.run({resultTypes: ["violations"]})
  .then(({violations}) => violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)]))"""


async def _id_of(page: Page) -> str:
    hash_ = await page.evaluate("location.hash")
    return str(hash_).split("/")[2]
