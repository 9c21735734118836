"""An OIDC issuer as far as a page sees it: it lets everybody in who asks as RFC 7636 says."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from aiohttp import web

CLIENT_ID = "dashboard"
REFRESH = "what-only-the-page-knows"
GIVEN_WITHIN_S = 20


class Issuer:
    """
    Serves discovery, the door people go through, and tokens for codes.

    It gives each token in its turn, the last one again and again, each for so many seconds. Whether it renews them
    (RFC 6749 6) is a matter of its settings, as it is elsewhere.
    """

    def __init__(self, tokens: Mapping[str, int], *, renews: bool) -> None:
        self.url = ""
        self.given: list[str] = []
        self._tokens = tokens
        self._renews = renews
        self._gave = asyncio.Condition()
        self._asked: dict[str, tuple[str, str]] = {}

    @classmethod
    @asynccontextmanager
    async def serving(cls, tokens: Mapping[str, int], *, renews: bool = False) -> AsyncIterator[Self]:
        """Serve until the block ends."""
        issuer = cls(tokens, renews=renews)
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", issuer._discovery)
        app.router.add_get("/authorize", issuer._authorize)
        app.router.add_post("/token", issuer._exchange)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield issuer
        finally:
            await runner.cleanup()

    async def _discovery(self, _: web.Request) -> web.Response:
        doors = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
        return _open({"issuer": self.url, **doors})

    async def _authorize(self, request: web.Request) -> web.Response:
        """Ask nobody anything: this person is known."""
        query = request.query
        assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._asked[code] = (query["code_challenge"], query["redirect_uri"])
        raise web.HTTPFound(f"{query['redirect_uri']}?code={code}&state={query['state']}")

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["grant_type"] == "refresh_token":
            is_known = self._renews and form["refresh_token"] == REFRESH and form["client_id"] == CLIENT_ID
            return await self._give() if is_known else _open({"error": "invalid_grant"}, status=400)
        challenge, redirect = self._asked.pop(str(form["code"]))
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (proof, form["redirect_uri"], form["client_id"]) != (challenge, redirect, CLIENT_ID):
            return _open({"error": "invalid_grant"}, status=400)
        return await self._give()

    async def until_given(self, count: int) -> None:
        """Wait until so many tokens were given."""
        async with self._gave, asyncio.timeout(GIVEN_WITHIN_S):
            await self._gave.wait_for(lambda: len(self.given) >= count)

    async def _give(self) -> web.Response:
        token = list(self._tokens)[min(len(self.given), len(self._tokens) - 1)]
        async with self._gave:
            self.given.append(token)
            self._gave.notify_all()
        renewable = {"refresh_token": REFRESH} if self._renews else {}
        return _open({"access_token": token, "token_type": "Bearer", "expires_in": self._tokens[token], **renewable})


def _open(document: Mapping[str, str | int], status: int = 200) -> web.Response:
    """Answer a page of another origin."""
    return web.json_response(document, status=status, headers={"Access-Control-Allow-Origin": "*"})
