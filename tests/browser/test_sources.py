"""The list of sources: grouped, out of a file and into one, and what stands on the fleet page when one fails."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.screens import SLOW_MS
from tests.browser.test_dashboard import SCREENSHOTS
from tests.e2e.outside import Api, Feeds


async def test_sources_go_out_as_a_file_and_come_back(page: Page, state: dict[str, Any], tmp_path: Path):
    """What an export holds is there already; what was removed meanwhile is registered again, once it was shown."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("out", [{"n": 1}])
        source_id = await api.register(feeds.url("out"), name="Out and in", tags=["files"])
        await expect(page.get_by_role("link", name="Out and in")).to_be_visible(timeout=SLOW_MS)
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Export").click()
        path = tmp_path / "sources.json"
        await (await download.value).save_as(path)
        assert "Out and in" in [item["name"] for item in json.loads(path.read_text())["items"]]

        await api.delete(source_id)
        await page.get_by_role("button", name="Import…").click()
        await page.get_by_label("A file that “Export” wrote").set_input_files(path)
        await expect(page.get_by_text("would be added")).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("button", name="Add 1").click()
        await expect(page.get_by_text("1 added, 0 are there already")).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("button", name="Close").click()

        await page.get_by_role("button", name="Group by tag").click()
        group = page.get_by_role("button", name="files 1")
        await expect(group).to_have_attribute("aria-expanded", "true", timeout=SLOW_MS)
        await page.screenshot(path=SCREENSHOTS / "grouped.png")
        await group.click()
        await expect(page.get_by_role("link", name="Out and in")).to_have_count(0)
        await api.delete(source_id)


async def test_a_failing_source_stands_beside_its_worker(page: Page, state: dict[str, Any]):
    """The fleet page says which worker has it, why it fails, and whose polls failed; the list counts changes before."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("bad", [{"n": 1}])
        source_id = await api.register(feeds.url("bad"), name="Goes bad")
        row = page.get_by_role("row", name="Goes bad")
        await expect(row.get_by_text("Fresh")).to_be_visible(timeout=SLOW_MS)
        feeds.set("bad", [{"n": 2}])
        await expect(row.locator(".spark")).to_have_text(
            "1 in the last 5 min, as far as this page was open", timeout=SLOW_MS
        )
        await page.screenshot(path=SCREENSHOTS / "list.png")
        del feeds.documents["bad"]
        await page.evaluate("location.hash = '#/fleet'")
        await page.get_by_text("Failing sources: 1").click(timeout=SLOW_MS)
        await expect(page.get_by_role("link", name="Goes bad")).to_be_visible()
        failed = page.locator("[data-label='Failed polls']").filter(has_text=re.compile("^[1-9]"))
        await expect(failed.first).to_be_visible(timeout=SLOW_MS)
        await page.screenshot(path=SCREENSHOTS / "fleet-failing.png", full_page=True)
        await api.delete(source_id)
