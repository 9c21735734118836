"""Signing in, with an issuer in a window of its own or a token; what ends is renewed, or takes nothing typed away."""

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from contracts import access
from contracts.clock import SECOND_MS
from local.dashboard import Site, application
from local.tokens import Tokens
from stack.origin import SignIn
from tests.browser.issuer import CLIENT_ID, REFRESH, Issuer
from tests.browser.screens import SLOW_MS
from tests.browser.test_dashboard import SCREENSHOTS
from tests.e2e.outside import Api

PAGE = Path(__file__).parents[2] / "web" / "dist"
KEPT = "JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie])"
HOUR_S, SOON_S = 3_600, 4

type Make = Callable[[str], str]


@pytest.fixture
def tokens(folder: Path) -> Tokens:
    """Reach what says who gets in."""
    return Tokens.of_folder(folder)


@pytest.fixture
def make(tokens: Tokens) -> Make:
    """Let somebody in."""
    chance = random.SystemRandom()
    return lambda name: tokens.make(name, scopes="read,write", days=1, now_ms=_now_ms(), chance=chance)


async def test_a_person_signs_in_with_the_issuer_and_stays_in(
    page: Page, state: dict[str, Any], make: Make, tokens: Tokens, expected: set[str]
):
    """Its token is renewed before it ends, by what only this page holds; nothing of it is kept in the browser."""
    await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)  # so that nothing starts below
    expected.add("status of 403")  # what was on its way with the first is asked again with the second
    first, second = make("ada"), make("ada")
    async with Issuer.serving({first: SOON_S, second: HOUR_S}, renews=True) as issuer, _site(state, issuer.url) as url:
        await page.goto(url)
        await page.get_by_role("button", name="Sign in with 127.0.0.1").click(timeout=SLOW_MS)
        await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)
        assert len(page.context.pages) == 1
        await issuer.until_given(2)
        # It is over, as at its time; whoever revokes one shuts out all of that name for a while.
        tokens.dynamodb.delete_item(**access.delete_token(tokens.access, str(access.token_id(first))))
        async with Api.of(state) as api:
            source_id = await api.register(state["feeds"]["prices"]["url"], name="Seen with the second")
            await expect(page.get_by_role("link", name="Seen with the second")).to_be_visible(timeout=SLOW_MS)
            await page.get_by_role("link", name="Seen with the second").click()
            await expect(page.get_by_role("grid")).to_be_visible(timeout=SLOW_MS)
            kept = await page.evaluate(KEPT)
            await page.evaluate("location.hash = '#/sources'")
            await api.delete(source_id)
    assert issuer.given == [first, second]
    assert not any(secret in kept for secret in (first, second, REFRESH, "code"))


async def test_an_issuer_that_does_not_renew_is_asked_again_in_time(page: Page, state: dict[str, Any]):
    """The page says that the sign-in ends before it does, and goes on over the new one without a new page."""
    async with Issuer.serving({state["token"]: SOON_S}) as issuer, _site(state, issuer.url) as url:
        await page.goto(url)
        await page.get_by_role("button", name="Sign in with 127.0.0.1").click(timeout=SLOW_MS)
        await page.get_by_label("Search sources").fill("typed", timeout=SLOW_MS)
        await expect(page.get_by_text("Your sign-in ends")).to_be_visible(timeout=SLOW_MS)
        await page.get_by_role("button", name="Sign in again").click()
        await page.screenshot(path=SCREENSHOTS / "sign-in-again.png")
        await page.get_by_role("button", name="Sign in with 127.0.0.1").click()
        await expect(page.get_by_role("dialog")).to_have_count(0, timeout=SLOW_MS)
        await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)
        await expect(page.get_by_label("Search sources")).to_have_value("typed")
    assert len(issuer.given) == 2


async def test_a_token_that_is_ended_takes_nothing_away_that_was_typed(
    page: Page, state: dict[str, Any], make: Make, tokens: Tokens, expected: set[str]
):
    """Over the half-filled form the page asks for another token, and nothing but that closes it."""
    expected.add("status of 40")
    token = make("left")
    await page.goto("about:blank")
    await page.goto(f"{state['dashboardUrl']}#token={token}")
    await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)
    await page.keyboard.press("n")
    await page.locator("[name=url]").fill(state["feeds"]["prices"]["url"], timeout=SLOW_MS)
    await page.locator("[name=name]").fill("Half filled")
    tokens.end(token.split("_")[1], now_ms=_now_ms())
    again = page.get_by_role("dialog", name="Sign in again")
    await expect(again.get_by_text("does not take this token")).to_be_visible(timeout=SLOW_MS)
    await page.keyboard.press("Escape")
    await page.screenshot(path=SCREENSHOTS / "ended.png")
    await again.get_by_label("API token").fill(state["token"])
    await again.get_by_role("button", name="Sign in", exact=True).click()
    await expect(again).to_have_count(0)
    await expect(page.locator("[name=name]")).to_have_value("Half filled")
    await page.locator("[name=name]").press("Control+Enter")
    await expect(page.get_by_role("link", name="Half filled")).to_be_visible(timeout=SLOW_MS)
    await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)
    async with Api.of(state) as api:
        for source in (await api.call("GET", "/datasources"))[1]["items"]:
            await api.delete(source["id"])


async def test_who_was_never_let_in_is_told_so_and_asked_again(page: Page, state: dict[str, Any], expected: set[str]):
    """A silent issuer and a token of nobody are said so, each where it was tried."""
    expected.update({"status of 40", "ERR_CONNECTION_REFUSED"})
    async with Issuer.serving({}) as issuer:
        gone = issuer.url
    async with _site(state, gone) as url:
        await page.goto(url)
        await page.get_by_role("button", name="Sign in with 127.0.0.1").click(timeout=SLOW_MS)
        await expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.", timeout=SLOW_MS)
        await page.get_by_label("API token").fill("smf_000000000000_of_nobody")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("does not take this token", timeout=SLOW_MS)
        await page.screenshot(path=SCREENSHOTS / "refused.png")
        await page.get_by_label("API token").fill("“copied with its quotes”")
        await page.keyboard.press("Enter")
        await expect(page.locator("#token-error")).to_contain_text("That is no token")
        await page.get_by_label("API token").fill(state["token"])
        await page.keyboard.press("Enter")
        await expect(page.locator(".pill[data-link=live]")).to_be_visible(timeout=SLOW_MS)


def _now_ms() -> int:
    return int(time.time() * SECOND_MS)


@asynccontextmanager
async def _site(state: dict[str, Any], issuer: str) -> AsyncIterator[str]:
    """
    Serve the page before the real stack, told of an issuer.

    The stack itself takes only an issuer's tokens whose keys it can read over https; so this issuer gives out tokens
    of the stack, and all but whose they are is real.
    """
    sign_in = SignIn(issuer=issuer, client_id=CLIENT_ID, audience="fleet", scope="openid read write")
    site = Site(
        files=PAGE, api_url=state["apiUrl"].rstrip("/"), web_socket_url=state["webSocketUrl"],
        documents_origin=state["awsEndpoint"], sign_in=sign_in,
    )  # fmt: skip
    runner = web.AppRunner(application(site), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
