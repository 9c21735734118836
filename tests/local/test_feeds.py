"""The demo feeds: they tick until somebody replaces them, and answer as a well-behaved server does."""

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import xmltodict
from aiohttp import test_utils

from local.feeds import CITIES, GOODS, NAMES, PRICES_MOVED, SITES, Feed, application, demo_feeds

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class Served:
    """Feeds behind a server, and a clock to set."""

    client: test_utils.TestClient[aiohttp.web.Request, aiohttp.web.Application]
    feeds: dict[str, Feed]
    now: datetime = NOON

    def tick(self) -> None:
        """Let a second pass."""
        self.now += timedelta(seconds=1)
        for feed in self.feeds.values():
            feed.advance(self.now)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """Serve the demo feeds on a loopback port."""
    feeds = demo_feeds(random.Random(7), NOON)
    clock: list[Served] = []
    app = application(feeds, lambda: clock[0].now)
    async with test_utils.TestClient(test_utils.TestServer(app)) as client:
        clock.append(Served(client=client, feeds=feeds))
        yield clock[0]


async def test_prices_are_json_and_weather_is_xml(served: Served):
    """One of each format the product reads."""
    prices = await served.client.get("/prices")
    weather = await served.client.get("/weather")

    assert len((await prices.json())["prices"]) == len(NAMES) * len(GOODS)
    assert len(xmltodict.parse(await weather.read())["weather"]["station"]) == len(CITIES) * len(SITES)
    assert weather.content_type == "application/xml"


async def test_each_tick_changes_a_little(served: Served):
    """A price list of which few prices move is what patches are for."""
    before = await (await served.client.get("/prices")).json()
    served.tick()
    after = await (await served.client.get("/prices")).json()

    changed = [a["name"] for a, b in zip(after["prices"], before["prices"], strict=True) if a != b]
    assert 1 <= len(changed) <= PRICES_MOVED + 1


async def test_whoever_has_it_already_gets_304(served: Served):
    """By tag, or by date where no tag is given; a tag that differs beats a date that fits."""
    answer = await served.client.get("/prices")
    tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]

    async def status(**headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await served.client.get("/prices", headers=named)).status

    assert await status(If_None_Match=tag) == 304
    assert await status(If_Modified_Since=date) == 304
    assert await status(If_None_Match='"other"', If_Modified_Since=date) == 200
    served.tick()
    assert await status(If_None_Match=tag) == 200
    assert await status(If_Modified_Since=date) == 200


async def test_a_put_is_served_verbatim_from_then_on(served: Served):
    """Body and type, byte by byte; the feed no longer ticks."""
    body, content_type = b'{"a": 1.0}\n', "application/vnd.mine+json; charset=utf-8"

    put = await served.client.put("/set/prices", data=body, headers={"Content-Type": content_type})
    served.tick()
    answer = await served.client.get("/prices")

    assert put.status == 204
    assert (await answer.read(), answer.headers["Content-Type"]) == (body, content_type)
    assert json.loads(body) == {"a": 1}


async def test_only_known_feeds_can_be_read_or_replaced(served: Served):
    """The state file lists them all."""
    assert (await served.client.get("/nothing")).status == 404
    assert (await served.client.put("/set/nothing", data=b"x")).status == 404
