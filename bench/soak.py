"""
Whether the dashboard grows while somebody looks at it for long: heap, nodes and listeners, not speed.

The dashboard itself, as it is built and under its own policy, signed in at a stand-in for API and gateway that changes
a table of 10,000 rows 500 times a second, all in view, and sends it as the gateway does. A cell is selected, so that
its history is asked for; every minute the reader looks at Changes and at Charts, and comes back.

It takes ten minutes, so it is part of `make soak` and not of `make bench`: `python -m bench.soak [--minutes M]`.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from playwright.async_api import CDPSession, Page, expect

from bench.claim import Claim, report
from bench.dashboard import KB, MB, build, opened
from contracts import canonical, frames
from stack.origin import INDEX, security_headers

SOURCE_ID, NAME, INCARNATION = "external-50ac50ac", "Soaked", "1-a"
ROWS, COLUMNS, VISIBLE = 10_000, 12, 20
MESSAGES_PER_S, CHANGES_PER_S = 10, 500
HISTORY = 20
MINUTES, MINUTES_MIN, MINUTE_S = 10, 3, 60
SLOW_MS = 30_000
GROWN_MAX = 1.1


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the browser holds of the page after a collection; nodes also of what is not on the page any more."""

    heap_mb: float
    elements: int
    nodes: int
    listeners: int


def main() -> None:
    """Build the page, look at it for so many minutes, and say what grew."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=MINUTES)
    asked, rest = parser.parse_known_args()
    if asked.minutes < MINUTES_MIN:
        parser.error(f"--minutes: at least {MINUTES_MIN}, of which the first is not counted")
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), "vite.config.ts")
        report(asyncio.run(soaked(Path(folder), asked.minutes)), rest)


async def soaked(folder: Path, minutes: int) -> list[Claim]:
    """Look for so many minutes, and compare the second half of them with the first."""
    async with StandIn().serving(folder) as url, opened(url) as (page, devtools):
        await page.get_by_role("link", name=NAME).click(timeout=SLOW_MS)
        await page.get_by_role("grid").get_by_role("gridcell").nth(COLUMNS).click(timeout=SLOW_MS)
        held = []
        for minute in range(minutes):
            await _minute(page)
            held.append(await _held(page, devtools))
            print(f"minute {minute + 1}: {held[-1]}", flush=True)
        version = int(await page.locator("[data-fact=version]").inner_text())
    # What is shown in the first minute is compiled in it.
    half = (minutes + 1) // 2
    return _claims(_least(held[1:half]), _least(held[half:]), version)


def _least(held: Sequence[Held]) -> Held:
    """Give the least of a time: code that the browser compiles comes and goes, and what leaks never goes."""
    return Held(
        heap_mb=min(one.heap_mb for one in held),
        elements=min(one.elements for one in held),
        nodes=min(one.nodes for one in held),
        listeners=min(one.listeners for one in held),
    )


def _claims(warm: Held, last: Held, version: int) -> list[Claim]:
    changes = version * CHANGES_PER_S // MESSAGES_PER_S
    how = f"real, headless Chromium, {changes:,} changes in {version:,} versions of {ROWS:,} x {COLUMNS}"
    heap = f"{how}; least of a minute's {warm.heap_mb:.3g} MB in the first half, {last.heap_mb:.3g} in the second"
    nodes = f"{how}; {warm.nodes} and {last.nodes} with what is not on the page any more"
    listeners = f"{how}; {warm.listeners} and {last.listeners}"
    return [
        Claim(claim="heap", value=last.heap_mb / warm.heap_mb, unit="times", op="<=", bar=GROWN_MAX, how=heap),
        Claim(claim="elements of the page", value=last.elements - warm.elements, unit="more", op="<=", bar=0, how=how),
        Claim(claim="nodes", value=last.nodes / warm.nodes, unit="times", op="<=", bar=GROWN_MAX, how=nodes),
        Claim(
            claim="listeners", value=last.listeners - warm.listeners, unit="more", op="<=", bar=0, how=listeners
        ),
    ]  # fmt: skip


async def _minute(page: Page) -> None:
    """Read the live table for most of a minute, and look at the other parts of the page once."""
    begun_s = time.monotonic()
    for tab, shows in (("Changes", ".version"), ("Charts", ".chart svg"), ("Live", "[role=grid]")):
        await page.get_by_role("link", name=tab, exact=True).click()
        await expect(page.locator(shows).first).to_be_visible(timeout=SLOW_MS)
    await asyncio.sleep(MINUTE_S - (time.monotonic() - begun_s))


async def _held(page: Page, devtools: CDPSession) -> Held:
    await devtools.send("HeapProfiler.collectGarbage")
    answer = await devtools.send("Performance.getMetrics")
    metrics = {one["name"]: one["value"] for one in answer["metrics"]}
    return Held(
        heap_mb=metrics["JSHeapUsedSize"] / MB,
        elements=await page.evaluate("document.querySelectorAll('*').length"),
        nodes=int(metrics["Nodes"]),
        listeners=int(metrics["JSEventListeners"]),
    )


class StandIn:
    """API and gateway of one source whose table changes all the time."""

    def __init__(self) -> None:
        self._rows = [{f"c{column}": row * column for column in range(COLUMNS)} for row in range(ROWS)]
        self._version = 1
        self._numbers = itertools.count(ROWS * COLUMNS)
        self._newest: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._sockets: dict[web.WebSocketResponse, frozenset[str]] = {}
        self._origin = ""

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[str]:
        """Serve the page and change the table until the block ends; give the address that signs in."""
        app = web.Application()
        app.on_response_prepare.append(self._add_headers)
        source = f"/datasources/{SOURCE_ID}"
        app.add_routes(
            [
                web.get("/config.json", self._config),
                web.get("/ws", self._socket),
                web.post("/tickets", _answering(lambda _: {"ticket": "soaked"})),
                web.get("/fleet", _answering(lambda _: {"kinds": {}})),
                web.get("/datasources", _answering(lambda _: {"items": [self._summary()]})),
                web.get(source, _answering(lambda _: self._summary())),
                web.get(f"{source}/changes", _answering(self._changes)),
                web.get(f"{source}/series", _answering(self._series)),
                web.static("/", folder),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._origin = f"127.0.0.1:{runner.addresses[0][1]}"
        changing = asyncio.create_task(self._change())
        try:
            yield f"http://{self._origin}/{INDEX}#token=soaked"
        finally:
            changing.cancel()
            with suppress(asyncio.CancelledError):
                await changing
            await runner.cleanup()

    async def _change(self) -> None:
        every_s = 1 / MESSAGES_PER_S
        for due_s in itertools.count(time.monotonic() + every_s, every_s):
            await asyncio.sleep(max(0, due_s - time.monotonic()))
            step = [self._replaced(i) for i in range(CHANGES_PER_S // MESSAGES_PER_S)]
            base, self._version = self._version, self._version + 1
            self._newest.appendleft(
                {"incarnation": INCARNATION, "version": self._version, "at": _now_ms(), "bytes": KB, "ops": step}
            )
            steps = [(self._version, step)]
            frame = frames.patch(SOURCE_ID, self._position, base=base, steps=steps, at_ms=_now_ms())
            for socket, accept in list(self._sockets.items()):
                await _send(socket, frame, accept)

    def _replaced(self, i: int) -> dict[str, Any]:
        row, column = i % VISIBLE, f"c{i % COLUMNS}"
        self._rows[row][column] = next(self._numbers)
        return {"op": "replace", "path": f"/{row}/{column}", "value": self._rows[row][column]}

    @property
    def _position(self) -> tuple[str, int]:
        return INCARNATION, self._version

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            ask = frames.parse(message.data) if message.type is WSMsgType.TEXT else None
            if ask is None or ask.action not in ("subscribe", "resume"):
                continue
            accept = self._sockets.get(socket, frozenset()) if ask.accept is None else ask.accept
            # In this order, so that no change is missed.
            self._sockets[socket] = accept
            await _send(socket, frames.subscribed(SOURCE_ID, self._position, at_ms=_now_ms()), accept)
            await _send(socket, self._snapshot(), accept)
        self._sockets.pop(socket, None)
        return socket

    def _snapshot(self) -> frames.Frame:
        document_hash = canonical.digest(canonical.canonical(self._rows))
        return frames.snapshot(SOURCE_ID, self._position, document_hash=document_hash, data=self._rows, exact=False)

    def _summary(self) -> dict[str, Any]:
        return {
            "id": SOURCE_ID, "name": NAME, "type": "external", "dataFormat": "json", "url": "https://feed.example/",
            "pollingInterval": 1, "enabled": True, "revision": 1, "incarnation": INCARNATION, "version": self._version,
            "changedAt": None, "status": {"state": "healthy", "why": "", "since": _now_ms(), "lastGood": _now_ms()},
        }  # fmt: skip

    def _changes(self, _: web.Request) -> dict[str, Any]:
        after = {"exists": True, "value": self._version}
        return {"items": [{**change, "after": after} for change in self._newest], "next": "more"}

    def _series(self, request: web.Request) -> dict[str, Any]:
        begin, end, bucket = (int(request.query[name]) for name in ("from", "to", "bucket"))
        every = bucket * 1_000
        value = {"count": 1, "min": 1, "max": self._version, "mean": self._version / 2, "last": 1, "heldMs": every}
        points = [{"at": at, **value} for at in range(begin - begin % every, end, every)]
        return {"bucket": bucket, "from": begin, "to": end, "points": points}

    async def _config(self, _: web.Request) -> web.Response:
        return web.json_response({"apiUrl": "/", "webSocketUrl": f"ws://{self._origin}/ws"})

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(security_headers([f"ws://{self._origin}"]))


def _answering(answer: Any) -> Any:
    async def respond(request: web.Request) -> web.Response:
        return web.json_response(answer(request))

    return respond


async def _send(socket: web.WebSocketResponse, frame: frames.Frame, accept: frozenset[str]) -> None:
    for text in frames.encode(frame, accept) or []:
        await socket.send_str(text.decode())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
