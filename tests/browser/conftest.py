"""A page of the dashboard in Debian's Chromium, under the policy it is really served with."""

import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect
from websockets.sync.client import connect

from tests.browser.screens import SLOW_MS
from tests.e2e.outside import Api

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: What a browser itself writes down as an error: an edit that came second, and a gateway that a test took away.
EXPECTED = ("status of 412", "ERR_CONNECTION_REFUSED", "WebSocket connection to")

STARTED_WITHIN_S = 60

expect.set_options(timeout=SLOW_MS)


def _is_wrong(line: ConsoleMessage, expected: Iterable[str]) -> bool:
    return line.type == "error" and not any(text in line.text for text in expected)


@pytest.fixture(scope="session", autouse=True)
def _chromium() -> None:
    """Fail with the reason where the tests cannot run."""
    assert Path(CHROMIUM).exists(), "Chromium is missing: apt-get install chromium"


@pytest.fixture(scope="session", autouse=True)
def _awake(state: dict[str, Any]) -> None:
    """Have the Lambdas of every page started once, which takes a busy machine longer than anybody waits for a page."""

    def ask(method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {state['token']}"}
        request = Request(state["apiUrl"].rstrip("/") + path, method=method, headers=headers)
        with urlopen(request, timeout=STARTED_WITHIN_S) as answer:
            return json.load(answer)

    ask("GET", "/datasources")
    ask("GET", "/fleet")
    ticket = ask("POST", "/tickets")["ticket"]
    with connect(f"{state['webSocketUrl']}?ticket={ticket}", open_timeout=STARTED_WITHIN_S):
        pass


@pytest.fixture
def expected() -> set[str]:
    """Give what a browser may write down as an error in this test; one that makes others happen adds them."""
    return set(EXPECTED)


@pytest.fixture
async def page(state: dict[str, Any], expected: set[str]) -> AsyncIterator[Page]:
    """Open the address that `make up` prints; a policy violation or a page error fails the test."""
    wrong: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if _is_wrong(line, expected) else None)
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
