"""An OIDC issuer as far as a page sees it: it lets everybody in who asks as RFC 7636 says, and gives one token."""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from aiohttp import web

CLIENT_ID = "dashboard"


class Issuer:
    """Serves discovery, the door people go through, and tokens for codes."""

    def __init__(self, token: str) -> None:
        self.url = ""
        self._token = token
        self._asked: dict[str, tuple[str, str]] = {}

    @classmethod
    @asynccontextmanager
    async def serving(cls, token: str) -> AsyncIterator[Self]:
        """Serve until the block ends."""
        issuer = cls(token)
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
        challenge, redirect = self._asked.pop(str(form["code"]))
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (proof, form["redirect_uri"], form["client_id"]) != (challenge, redirect, CLIENT_ID):
            return _open({"error": "invalid_grant"}, status=400)
        return _open({"access_token": self._token, "token_type": "Bearer"})


def _open(document: dict[str, str], status: int = 200) -> web.Response:
    """Answer a page of another origin."""
    return web.json_response(document, status=status, headers={"Access-Control-Allow-Origin": "*"})
