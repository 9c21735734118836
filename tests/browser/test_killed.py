"""The gateway's process is killed in the middle of a stream of changes, and comes back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from playwright.async_api import Page, ViewportSize, WebSocket, expect

from tests.browser.gateway import GatewayProcess
from tests.browser.screens import SLOW_MS
from tests.browser.test_dashboard import SCREENSHOTS
from tests.browser.test_disturbed import BACK_MS, SHOWN, dashboard
from tests.e2e.outside import Api, Feeds

KILLS = 2
#: Versions that the page sees before it loses its connection, and that it misses.
SEEN, MISSED = 3, 3
#: Every row of the stream is in view, so that each can be looked at.
TALL = ViewportSize(width=1280, height=2400)


class Frames:
    """What a page and its gateway said to each other since it was last asked."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        page.on("websocket", self._listen)

    def forget(self) -> None:
        """Begin anew."""
        self.sent.clear()
        self.received.clear()

    def positions(self, source_id: str) -> list[Any]:
        """Say which positions the page said that it has."""
        resumed = [frame["positions"][source_id] for frame in self.sent if frame["action"] == "resume"]
        subscribed = [frame.get("position") for frame in self.sent if frame["action"] == "subscribe"]
        return resumed + subscribed

    def kinds(self) -> set[str]:
        """Say which types of frames came."""
        return {frame["type"] for frame in self.received if "type" in frame}

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda text: self.sent.append(json.loads(text)))
        socket.on("framereceived", lambda text: self.received.append(json.loads(text)))


async def test_a_killed_gateway_is_said_so_and_resumed_from_where_the_page_is(page: Page, state: dict[str, Any]):
    """Stale while it is gone; then only what was missed comes, is applied once, and the document is the API's."""
    frames = Frames(page)
    async with (
        GatewayProcess.before(state) as gateway,
        Feeds.serving() as feeds,
        Api.of(state) as api,
        dashboard(state, gateway.port) as url,
    ):
        await page.set_viewport_size(TALL)
        feeds.set("stream", _rows(1))
        source_id = await api.register(feeds.url("stream"), name="Stream", pollingInterval=1)
        await page.goto(f"{url}#token={state['token']}")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await expect(page.get_by_role("gridcell", name="row 0", exact=True)).to_be_visible(timeout=SLOW_MS)
        async with _streaming(feeds) as stream:
            for kill in range(KILLS):
                await expect(page.get_by_role("gridcell", name=f"row {stream.count + SEEN}", exact=True)).to_be_visible(
                    timeout=SLOW_MS
                )
                await gateway.kill()
                await expect(page.locator(".pill:not([data-link=live])")).to_be_visible(timeout=SLOW_MS)
                await expect(page.get_by_text("cannot see changes")).to_be_visible()
                held = (await page.evaluate(SHOWN))["version"]
                await feeds.until(stream.reached(stream.count + MISSED))
                assert (await page.evaluate(SHOWN))["version"] == held
                await page.screenshot(path=SCREENSHOTS / f"killed-{kill}.png")

                frames.forget()
                await gateway.start()
                if await page.get_by_role("button", name="Try now").is_visible():
                    await page.get_by_role("button", name="Try now").click()
                await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=BACK_MS)
                await expect(page.get_by_text("Back: caught up by")).to_be_visible(timeout=SLOW_MS)
                assert [position[1] for position in frames.positions(source_id)] == [held]
                assert "snapshot" not in frames.kinds()
            last = stream.count

        await expect(page.get_by_role("gridcell", name=f"row {last}", exact=True)).to_be_visible(timeout=SLOW_MS)
        shown = await page.evaluate(SHOWN)
        _, source = await api.call("GET", f"/datasources/{source_id}")
        _, document = await api.call("GET", f"/datasources/{source_id}/data")
        assert document == _rows(last + 1)
        assert shown["version"] == source["head"]["version"]
        assert shown["rows"] == [[str(row["n"]), row["name"]] for row in document]
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


class _Stream:
    """Adds a row whenever the feed was looked at."""

    def __init__(self, feeds: Feeds) -> None:
        self.count = 0
        self._feeds = feeds

    def reached(self, count: int) -> Callable[[], bool]:
        """Say later whether so many rows came."""
        return lambda: self.count >= count

    async def flow(self) -> None:
        """Add rows until cancelled."""
        while True:
            looked = len(self._feeds.polls["stream"]) + 1
            await self._feeds.until(partial(self._was_looked_at, looked))
            self.count += 1
            self._feeds.set("stream", _rows(self.count + 1))

    def _was_looked_at(self, times: int) -> bool:
        return len(self._feeds.polls["stream"]) >= times


@asynccontextmanager
async def _streaming(feeds: Feeds) -> AsyncIterator[_Stream]:
    stream = _Stream(feeds)
    flowing = asyncio.create_task(stream.flow())
    try:
        yield stream
    finally:
        flowing.cancel()


def _rows(count: int) -> list[dict[str, Any]]:
    return [{"name": f"row {row}", "n": row} for row in range(count)]
