"""A page whose gateway dies under it: what it shows afterwards is what the API has."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from playwright.async_api import Page, WebSocketRoute, expect

from local.dashboard import Site, application
from tests.browser.screens import SLOW_MS
from tests.browser.test_dashboard import SCREENSHOTS
from tests.e2e.line import TcpLine
from tests.e2e.outside import Api, Feeds

ROOT = Path(__file__).parents[2]
ROWS, ROUNDS = 20, 3
#: Beyond the frames that a page holds back, so that one of the losses is more than it could catch up with.
MISSED = 5
#: A page waits up to half a minute between two tries, and is told here to try now.
BACK_MS = 60_000
#: Ten seconds behind, ten without an answer, and the pace at which the page asks the API.
FOUND_OUT_MS = 90_000
#: Reads version and cells in one go: between two reads the page could be changed.
SHOWN = """() => ({
  version: Number(document.querySelector("[data-fact=version]").textContent),
  rows: [...document.querySelectorAll(".rows .grid-row:not([hidden])")].map(
    (row) => [...row.querySelectorAll("[role=gridcell]")].slice(1).map((cell) => cell.textContent)),
})"""


async def test_a_gateway_that_dies_mid_stream_leaves_no_trace(page: Page, state: dict[str, Any]):
    """Cut again and again while values change, the page ends with the API's document at the API's version."""
    async with (
        Feeds.serving() as feeds,
        Api.of(state) as api,
        TcpLine.to(urlsplit(state["webSocketUrl"]).port or 0) as line,
        dashboard(state, line.port) as url,
    ):
        feeds.set("cut", _document(0))
        source_id = await api.register(feeds.url("cut"), name="Cut")
        await page.goto(f"{url}#token={state['token']}")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await expect(page.get_by_role("gridcell", name="n0-0", exact=True)).to_be_visible(timeout=SLOW_MS)
        value = 0
        for round_ in range(ROUNDS):
            line.cut()
            await expect(page.locator(".pill:not([data-link=live])")).to_be_visible(timeout=SLOW_MS)
            for _ in range(MISSED):
                value += 1
                feeds.set("cut", _document(value))
                await _polled_twice(feeds, "cut")
            await expect(page.get_by_text("cannot see changes")).to_be_visible()
            await expect(page.get_by_text(re.compile(r"Reconnecting in \d+ s"))).to_be_visible(timeout=SLOW_MS)
            await page.screenshot(path=SCREENSHOTS / f"cut-{round_}.png")
            line.mend()
            if await page.get_by_role("button", name="Try now").is_visible():
                await page.get_by_role("button", name="Try now").click()
            await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=BACK_MS)
            await expect(page.get_by_role("gridcell", name=f"n{value}-0", exact=True)).to_be_visible(timeout=SLOW_MS)
            await expect(page.get_by_text("Back: ").first).to_be_visible()

        shown = await page.evaluate(SHOWN)
        _, source = await api.call("GET", f"/datasources/{source_id}")
        _, document = await api.call("GET", f"/datasources/{source_id}/data")
        assert shown["version"] == source["head"]["version"]
        assert json.loads(json.dumps(document)) == _document(value)
        assert shown["rows"] == [[row["name"], str(row["value"])] for row in document]
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def test_a_step_that_does_not_fit_costs_the_reader_nothing(page: Page, state: dict[str, Any]):
    """The document is thrown away for a fresh copy; order, filter and cursor stay, over the API's values."""
    spoilt: list[str] = []

    def between(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            frame = json.loads(text)
            if frame["type"] == "patch" and not spoilt:
                spoilt.append(frame["sourceId"])
                frame["steps"][0][1] = [{"op": "remove", "path": "/nowhere"}]
            socket.send(json.dumps(frame))

        server.on_message(pass_on)

    await page.route_web_socket(re.compile("ticket="), between)
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("spoilt", [{"item": item, "price": price} for item, price in (("a", 1), ("b", 2), ("c", 3))])
        source_id = await api.register(feeds.url("spoilt"), name="Spoilt")
        await page.goto("about:blank")
        await page.goto(f"{state['dashboardUrl']}#token={state['token']}")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        grid = page.get_by_role("grid")
        await grid.get_by_role("columnheader", name="price").click(timeout=SLOW_MS, click_count=2)
        await page.get_by_role("button", name="Filter columns").click()
        await page.get_by_label("Filter price").fill("> 1")
        await grid.get_by_role("gridcell", name="b", exact=True).click()
        feeds.set("spoilt", [{"item": item, "price": price} for item, price in (("a", 1), ("b", 20), ("c", 3))])
        await expect(grid.get_by_role("gridcell", name="20", exact=True)).to_be_visible(timeout=SLOW_MS)

        assert spoilt == [source_id]
        await expect(grid.get_by_role("columnheader", name="price")).to_have_attribute("aria-sort", "descending")
        await expect(page.get_by_label("Filter price")).to_have_value("> 1")
        await expect(grid.locator(".cursor")).to_have_text("b")
        await expect(grid).to_have_attribute("aria-rowcount", "4")
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def test_a_connection_that_died_without_a_word_is_found_out(page: Page, state: dict[str, Any]):
    """The API tells of a version that nobody told this page: it asks its connection, and takes another."""
    async with (
        Feeds.serving() as feeds,
        Api.of(state) as api,
        TcpLine.to(urlsplit(state["webSocketUrl"]).port or 0) as line,
        dashboard(state, line.port) as url,
    ):
        feeds.set("dead", _document(1))
        source_id = await api.register(feeds.url("dead"), name="Dead line")
        await page.goto(f"{url}#token={state['token']}")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await expect(page.get_by_role("gridcell", name="n1-0", exact=True)).to_be_visible(timeout=SLOW_MS)
        line.hold()
        feeds.set("dead", _document(2))
        await expect(page.locator(".pill:not([data-link=live])")).to_be_visible(timeout=FOUND_OUT_MS)
        line.mend()
        await expect(page.get_by_role("gridcell", name="n2-0", exact=True)).to_be_visible(timeout=BACK_MS)
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def _polled_twice(feeds: Feeds, path: str) -> None:
    """Wait until what is served now was certainly taken."""
    before = len(feeds.polls[path])
    await feeds.until(lambda: len(feeds.polls[path]) > before + 1)


def _document(value: int) -> list[dict[str, Any]]:
    return [{"name": f"n{value}-{row}", "value": value * row} for row in range(ROWS)]


@asynccontextmanager
async def dashboard(state: dict[str, Any], port: int) -> AsyncIterator[str]:
    """Serve the dashboard once more, as it is, its socket over the line."""
    socket = urlsplit(state["webSocketUrl"])
    site = Site(
        files=ROOT / "web" / "dist",
        api_url=state["apiUrl"].rstrip("/"),
        web_socket_url=socket._replace(netloc=f"127.0.0.1:{port}").geturl(),
        documents_origin=state["awsEndpoint"],
        sign_in=None,
    )
    runner = web.AppRunner(application(site), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
