"""
Two demo feeds that change by themselves, and that anybody may replace: a JSON price list, an XML weather report.

They have the size of real ones, 15 and 9 KB, and change as those do: a few values at a time.
"""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from xml.sax.saxutils import quoteattr

from aiohttp import web

TICK_S = 1.0
BODY_BYTES_MAX = 16 * 1024 * 1024
NAMES = ("Amber", "Basalt", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Isle", "Juniper", "Kelp", "Lagoon")
GOODS = (
    "bench",
    "bowl",
    "candle",
    "chair",
    "clock",
    "desk",
    "frame",
    "lamp",
    "mirror",
    "rug",
    "shelf",
    "stool",
    "vase",
)
CITIES = ("Bergen", "Cadiz", "Delft", "Evora", "Faro", "Ghent", "Hamar", "Izmir", "Jaca", "Kotor", "Lugo", "Malmo")
SITES = ("airport", "bridge", "centre", "harbor", "hill", "park", "station")
PRICES_MOVED = 3
STATIONS_MOVED = 2


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a feed serves now."""

    body: bytes
    content_type: str
    changed_at: datetime

    @property
    def etag(self) -> str:
        """Name this very body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(kw_only=True)
class Feed:
    """A document with a rule how it changes, until somebody puts another one in its place."""

    document: Document
    tick: Callable[[Document, datetime], Document] | None
    reads: int = field(default=0)

    def serve(self, request: web.Request) -> web.Response:
        """Answer a GET, with 304 to whoever has it already."""
        self.reads += 1
        document = self.document
        headers = {
            "ETag": document.etag,
            "Last-Modified": format_datetime(document.changed_at, usegmt=True),
            "Cache-Control": "no-cache",
        }
        if _has_it_already(request.headers, document):
            return web.Response(status=304, headers=headers)
        return web.Response(body=document.body, headers={**headers, "Content-Type": document.content_type})

    def put(self, body: bytes, content_type: str, now: datetime) -> None:
        """Serve this from now on, verbatim; nothing changes by itself any more."""
        self.tick = None
        self.document = Document(body=body, content_type=content_type, changed_at=now)

    def advance(self, now: datetime) -> None:
        """Change by rule."""
        if self.tick:
            self.document = self.tick(self.document, now)


def demo_feeds(chance: random.Random, now: datetime) -> dict[str, Feed]:
    """Make both feeds."""
    prices = {f"{name} {good}": round(chance.uniform(10, 200), 2) for name in NAMES for good in GOODS}
    stock = {name: chance.randrange(500) for name in prices}
    degrees = {f"{city} {site}": round(chance.uniform(5, 25), 1) for city in CITIES for site in SITES}
    wind = {place: round(chance.uniform(0, 15), 1) for place in degrees}

    def next_prices(_: Document, at: datetime) -> Document:
        for name in chance.sample(list(prices), k=PRICES_MOVED):
            prices[name] = round(max(1.0, prices[name] * chance.uniform(0.98, 1.02)), 2)
        sold = chance.choice(list(stock))
        stock[sold] = stock[sold] - 1 if stock[sold] else 500
        rows = [
            {"sku": f"SKU-{number:05d}", "name": name, "price": price, "currency": "EUR", "stock": stock[name]}
            for number, (name, price) in enumerate(prices.items())
        ]
        return _json({"prices": rows}, at)

    def next_weather(_: Document, at: datetime) -> Document:
        for place in chance.sample(list(degrees), k=STATIONS_MOVED):
            degrees[place] = round(degrees[place] + chance.uniform(-0.5, 0.5), 1)
            wind[place] = round(max(0.0, wind[place] + chance.uniform(-1, 1)), 1)
        return _xml(degrees, wind, at)

    empty = Document(body=b"", content_type="text/plain", changed_at=now)
    return {
        "prices": Feed(document=next_prices(empty, now), tick=next_prices),
        "weather": Feed(document=next_weather(empty, now), tick=next_weather),
    }


def application(feeds: Mapping[str, Feed], now: Callable[[], datetime]) -> web.Application:
    """Serve feeds at `/<name>`; a PUT to `/set/<name>` replaces one."""

    async def read(request: web.Request) -> web.Response:
        return _find(feeds, request).serve(request)

    async def write(request: web.Request) -> web.Response:
        feed = _find(feeds, request)
        content_type = request.headers.get("Content-Type", "application/octet-stream")
        feed.put(await request.read(), content_type, now())
        return web.Response(status=204)

    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.router.add_get("/{name}", read)
    app.router.add_put("/set/{name}", write)
    return app


async def tick_forever(feeds: Mapping[str, Feed], now: Callable[[], datetime]) -> None:
    """Let the feeds change."""
    while True:
        await asyncio.sleep(TICK_S)
        for feed in feeds.values():
            feed.advance(now())


def utc_now() -> datetime:
    """Give the wall clock."""
    return datetime.now(UTC)


def _find(feeds: Mapping[str, Feed], request: web.Request) -> Feed:
    feed = feeds.get(request.match_info["name"])
    if feed is None:
        raise web.HTTPNotFound(text="no such feed\n")
    return feed


def _has_it_already(headers: Mapping[str, str], document: Document) -> bool:
    """Compare validators; a date counts only where no tag is given (RFC 9110 13.1.3)."""
    if "If-None-Match" in headers:
        return document.etag in headers["If-None-Match"] or headers["If-None-Match"].strip() == "*"
    since = headers.get("If-Modified-Since")
    return bool(since) and parsedate_to_datetime(str(since)) >= document.changed_at.replace(microsecond=0)


def _json(value: object, at: datetime) -> Document:
    return Document(body=json.dumps(value).encode(), content_type="application/json", changed_at=at)


def _xml(degrees: Mapping[str, float], wind: Mapping[str, float], at: datetime) -> Document:
    stations = "".join(
        f"<station name={quoteattr(place)} id={quoteattr(f'WX{number:04d}')}><celsius>{celsius}</celsius>"
        f'<wind unit="m/s">{wind[place]}</wind></station>\n'
        for number, (place, celsius) in enumerate(degrees.items())
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<weather>{stations}</weather>\n'
    return replace(_json(None, at), body=body.encode(), content_type="application/xml")
