"""Each state that a screen can be in says what it is, why, and what can be done; and none is taken for another."""

import asyncio
import json
import re
from typing import Any

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.hostile import PAYLOADS
from tests.browser.screens import SLOW_MS
from tests.browser.test_dashboard import SCREENSHOTS
from tests.conftest import Aws
from tests.e2e.outside import Api, Feeds

LIST = "**/datasources?*"
#: One byte more than a worker reads of an answer.
TOO_LARGE = b"[" + b" " * (10 << 20) + b"]"
UNAVAILABLE = 503
#: A machine that is ten minutes ahead.
FAST_MS = 600_000
KEYS = ("first-secret", "second-secret")


async def test_the_list_tells_loading_empty_unmatched_and_failed_apart(
    page: Page, state: dict[str, Any], expected: set[str]
):
    """What was there stays while the server fails, and its words are text, whatever is in them."""
    expected.add("status of 503")
    asked = asyncio.Event()

    async def wait(route: Route) -> None:
        await asked.wait()
        await route.continue_()

    await _anew(page, state, wait)
    await expect(page.get_by_role("status", name="Loading the sources")).to_be_visible(timeout=SLOW_MS)
    asked.set()
    await expect(page.get_by_text("No sources yet")).to_be_visible(timeout=SLOW_MS)
    await page.unroute(LIST)
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("fine", [{"n": 1}])
        fine = await api.register(feeds.url("fine"), name="Fine")
        gone = await api.register(feeds.url("gone"), name="Gone")
        await expect(_row(page, "Gone").get_by_text(re.compile("^The server answers 404"))).to_be_visible(
            timeout=SLOW_MS
        )
        await page.get_by_role("button", name="Failing 1").click()
        await expect(_row(page, "Fine")).to_have_count(0)
        await page.get_by_role("button", name="All", exact=True).click()
        await page.get_by_label("Search sources").fill("nothing of that name")
        await expect(page.get_by_text("No source matches")).to_be_visible()
        await page.get_by_role("button", name="Clear filters").click()
        await expect(_row(page, "Fine")).to_be_visible()

        await page.route(LIST, _refuse)
        await expect(page.get_by_role("alert")).to_contain_text(PAYLOADS[0], timeout=SLOW_MS)
        await expect(_row(page, "Fine")).to_be_visible()
        await page.screenshot(path=SCREENSHOTS / "list-failed.png")
        async with page.expect_response(lambda answer: answer.status == UNAVAILABLE, timeout=SLOW_MS):
            pass  # so that the page does not ask by itself for a while
        await page.unroute(LIST)
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("alert")).to_have_count(0, timeout=SLOW_MS)
        assert await page.evaluate("window.__xss") is None
        for source_id in (fine, gone):
            await api.delete(source_id)


async def test_many_sources_are_paused_resumed_and_removed_at_once(
    page: Page, state: dict[str, Any], expected: set[str]
):
    """Each for itself: what the server refuses is named, with its reason, and stops no other."""
    expected.add("status of 503")
    names = ("One", "Two", "Three")
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("many", [{"n": 1}])
        ids = [await api.register(feeds.url("many"), name=name) for name in names]
        for name in names:
            await expect(_row(page, name)).to_be_visible(timeout=SLOW_MS)
        await page.get_by_label("Choose all that match").check(timeout=SLOW_MS)
        await page.route(f"**/{ids[1]}/update", _refuse)
        await page.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text(f"“Two”: {PAYLOADS[0]}", timeout=SLOW_MS)
        await page.screenshot(path=SCREENSHOTS / "bulk-failed.png")
        await page.unroute(f"**/{ids[1]}/update")
        await page.get_by_role("button", name="Paused 2").click(timeout=SLOW_MS)
        await expect(_row(page, "Two")).to_have_count(0)
        await page.get_by_role("button", name="All", exact=True).click()
        await page.get_by_role("button", name="Resume", exact=True).click()
        await expect(page.get_by_role("button", name="Paused 2")).to_have_count(0, timeout=SLOW_MS)
        await page.get_by_role("button", name="Remove…").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("No sources yet")).to_be_visible(timeout=SLOW_MS)
        assert (await api.call("GET", "/datasources"))[1]["items"] == []


async def test_a_key_is_set_replaced_and_removed_and_never_shown(page: Page, state: dict[str, Any]):
    """The feed gets it; the page, once it was sent, does not have it any more.

    A worker that holds a key uses it for minutes, unless it is refused; a look at the source takes the newest.
    """
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("keyed", [{"n": 1}])
        source_id = await api.register(feeds.url("keyed"), name="Keyed")
        await page.evaluate(f"location.hash = '#/sources/{source_id}/settings'")
        await page.get_by_text("Access key, headers and what to watch").click(timeout=SLOW_MS)
        for key in KEYS:
            await page.get_by_label("Access key", exact=True).fill(key)
            await page.get_by_role("button", name="Save", exact=True).click()
            await expect(page.get_by_label("Access key", exact=True)).to_have_value("", timeout=SLOW_MS)
            await page.get_by_role("button", name=re.compile("^Try")).click()
            await feeds.until(lambda key=key: key in _sent(feeds, "keyed"))  # type: ignore[misc] # a default is no parameter
            await expect(page.get_by_text("A key is set.")).to_be_visible()
            # A worker may have been quicker; a look that is under way still needs the key that is removed below.
            await expect(page.get_by_role("button", name="Try again")).to_be_visible(timeout=SLOW_MS)
        shown = json.dumps([await page.content(), (await api.call("GET", f"/datasources/{source_id}"))[1]])
        assert not any(key in shown for key in KEYS)
        await page.get_by_role("button", name="Remove the key").click()
        await feeds.until(lambda: None in _sent(feeds, "keyed")[-1:])
        await expect(page.get_by_text("A key is set.")).to_have_count(0)
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def test_a_source_page_says_why_there_is_nothing_to_see(page: Page, state: dict[str, Any], expected: set[str]):
    """No data yet, too large, unknown, removed: four reasons, four texts."""
    expected.add("status of 404")
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.documents["huge"], feeds.types["huge"] = TOO_LARGE, "application/json"
        source_id = await api.register(feeds.url("huge"), name="Huge")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await expect(page.get_by_text("No data yet")).to_be_visible(timeout=SLOW_MS)
        await expect(page.get_by_text("The answer has more than 10 MiB")).to_be_visible(timeout=SLOW_MS)
        await page.screenshot(path=SCREENSHOTS / "no-data.png")
        feeds.set("huge", [{"n": 1}])
        await expect(page.get_by_role("gridcell", name="1", exact=True).last).to_be_visible(timeout=SLOW_MS)
        feeds.set("huge", [{"n": 1, "more": 2}])
        banner = page.get_by_text("Columns changed: added more.")
        await expect(banner).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("button", name="Dismiss").click()
        await expect(banner).to_have_count(0)
        await api.delete(source_id)
        await expect(page.get_by_text("This source was removed.")).to_be_visible(timeout=SLOW_MS)

        await page.evaluate("location.hash = '#/sources/external-00000000'")
        await expect(page.get_by_text("There is no source of this id.")).to_be_visible(timeout=SLOW_MS)
        await page.evaluate("location.hash = '#/sources/external-00000000/settings'")
        await expect(page.get_by_role("alert")).to_contain_text("The settings could not be read", timeout=SLOW_MS)
        await page.evaluate("location.hash = '#/sources'")


async def test_history_names_its_gaps_and_a_chart_goes_on(page: Page, state: dict[str, Any], aws: Aws):
    """A version that is not kept is a line of its own; each new value is a point more."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("gap", [{"price": 0}])
        source_id = await api.register(feeds.url("gap"), name="Gap")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        version = page.locator("[data-fact=version]")
        await expect(version).to_have_text("1", timeout=SLOW_MS)
        for price in (1, 2, 3):
            feeds.set("gap", [{"price": price}])
            await expect(version).to_have_text(str(price + 1), timeout=SLOW_MS)
        key = {"sheetId": {"S": source_id}, "version": {"N": "3"}}
        aws.dynamodb.delete_item(TableName=aws.tables["Changes"], Key=key)
        await page.evaluate(f"location.hash = '#/sources/{source_id}/changes'")
        await expect(page.get_by_text("Version 3 is not kept.")).to_be_visible(timeout=SLOW_MS)
        await page.screenshot(path=SCREENSHOTS / "gap.png")

        await page.evaluate(f"location.hash = '#/sources/{source_id}/charts'")
        await page.get_by_role("button", name="5 min").click(timeout=SLOW_MS)
        await page.get_by_text("As a table").click(timeout=SLOW_MS)
        points = page.get_by_role("region", name="The chart as a table").locator("tbody tr")
        before = await points.count()
        feeds.set("gap", [{"price": 7}])
        await expect(page.locator("[data-fact=latest]")).to_have_text("Now 7", timeout=SLOW_MS)
        await expect(points.first.locator("td").nth(3)).to_have_text("7", timeout=SLOW_MS)
        assert await points.count() > before
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def test_a_machine_whose_clock_is_wrong_sees_ages_and_charts_all_the_same(page: Page, state: dict[str, Any]):
    """Every moment on the page is the server's, and is held against the server's time."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("clock", [{"price": 1}])
        source_id = await api.register(feeds.url("clock"), name="Clock")
        await page.goto("about:blank")
        await page.add_init_script(f"const now = Date.now; Date.now = () => now() + {FAST_MS}")
        await page.goto(f"{state['dashboardUrl']}#token={state['token']}")
        await expect(_row(page, "Clock").get_by_text("Fresh", exact=True)).to_be_visible(timeout=SLOW_MS)
        await expect(_row(page, "Clock").locator("[data-label='Last change']")).to_have_text(
            re.compile(r"^(just now|\d+ s ago)$")
        )
        await page.evaluate(f"location.hash = '#/sources/{source_id}/charts'")
        await page.get_by_role("button", name="5 min").click(timeout=SLOW_MS)
        await page.get_by_text("As a table").click(timeout=SLOW_MS)
        points = page.get_by_role("region", name="The chart as a table").locator("tbody tr")
        await expect(points.first).to_be_visible(timeout=SLOW_MS)
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def test_a_machine_that_is_offline_is_no_source_that_fails(page: Page, source_id: str, expected: set[str]):
    """The pill says it, the source's state does not change, and coming back is said too."""
    expected.add("ERR_INTERNET_DISCONNECTED")
    await page.evaluate(f"location.hash = '#/sources/{source_id}'")
    await expect(page.get_by_role("grid")).to_be_visible(timeout=SLOW_MS)
    await expect(page.locator(".source-head .badge[data-standing=healthy]")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.locator(".pill[data-link=offline]")).to_have_text(re.compile("^Offline"), timeout=SLOW_MS)
    await expect(
        page.get_by_text("This machine is offline and cannot see changes: what is shown is as of")
    ).to_be_visible()
    await expect(page.locator(".source-head .badge[data-standing=healthy]")).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "offline.png")
    await page.context.set_offline(False)
    await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)
    await expect(page.get_by_text(re.compile(r"^Back[.:]")).first).to_be_visible(timeout=SLOW_MS)


async def _anew(page: Page, state: dict[str, Any], wait: Any) -> None:
    """Open the page once more, its list asked for as the test wants it."""
    await page.goto("about:blank")
    await page.route(LIST, wait)
    await page.goto(f"{state['dashboardUrl']}#token={state['token']}")


async def _refuse(route: Route) -> None:
    """Fail as the API does, in words that would be harmful as markup."""
    body = json.dumps({"title": "Service Unavailable", "detail": PAYLOADS[0]})
    await route.fulfill(status=UNAVAILABLE, content_type="application/problem+json", body=body)


def _row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def _sent(feeds: Feeds, path: str) -> list[str | None]:
    """Give the key of each request, in order."""
    return [headers.get("X-API-Key") for headers in feeds.headers[path]]
