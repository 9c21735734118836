"""Signing in with an issuer: in a window of its own, under the real policy, and nothing of it stays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, async_playwright, expect

from local.dashboard import Site, application
from stack.origin import SignIn
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.issuer import CLIENT_ID, Issuer

PAGE = Path(__file__).parents[2] / "web" / "dist"
TOKEN = "a-token-of-the-issuer"
SLOW_MS = 20_000
KEPT = "JSON.stringify([location.href, {...localStorage}, {...sessionStorage}, document.cookie])"


async def test_a_person_signs_in_with_the_issuer():
    """The page asks, the issuer's window comes back with a code, and only this page can make a token of it."""
    async with Issuer.serving(TOKEN) as issuer, _api() as api, _page(api, issuer.url) as page:
        await page.get_by_role("button", name="Sign in with 127.0.0.1").click()
        await expect(page.get_by_text("No sources yet")).to_be_visible(timeout=SLOW_MS)
        kept = await page.evaluate(KEPT)
        assert TOKEN not in kept
        assert "code" not in kept
        assert len(page.context.pages) == 1


async def test_an_issuer_that_is_silent_is_said_so():
    """And a token can be pasted all the same."""
    async with Issuer.serving(TOKEN) as issuer:
        gone = issuer.url
    async with _api() as api, _page(api, gone) as page:
        await page.get_by_role("button", name="Sign in with 127.0.0.1").click()
        await expect(page.get_by_role("alert")).to_be_visible(timeout=SLOW_MS)
        await page.get_by_label("API token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("No sources yet")).to_be_visible(timeout=SLOW_MS)


@asynccontextmanager
async def _page(api: str, issuer: str) -> AsyncIterator[Page]:
    """Open the built page as the local stack serves it, told of an issuer."""
    sign_in = SignIn(issuer=issuer, client_id=CLIENT_ID, audience="fleet", scope="openid read write")
    socket = api.replace("http:", "ws:")
    site = Site(files=PAGE, api_url=api, web_socket_url=socket, documents_origin=api, sign_in=sign_in)
    async with _serving(application(site)) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"{url}/")
        yield page
        await browser.close()


@asynccontextmanager
async def _api() -> AsyncIterator[str]:
    """Serve an API without sources, for who shows the token."""

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"title": "no"}, status=401)
        return web.json_response({"items": [], "kinds": {}, "ticket": "once"})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with _serving(app) as url:
        yield url


@asynccontextmanager
async def _serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
