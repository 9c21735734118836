"""The local dashboard's server does what the distribution does in the cloud."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import test_utils, web

from local.dashboard import Site, application

type Client = test_utils.TestClient[web.Request, web.Application]


async def api(request: web.Request) -> web.Response:
    """Answer with what arrived."""
    seen = {
        "method": request.method,
        "path": request.raw_path,
        "authorization": request.headers.get("Authorization"),
        "body": (await request.read()).decode(),
    }
    return web.json_response(seen, status=201, headers={"ETag": '"x-1"'})


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Serve a page in front of an API."""
    (tmp_path / "index.html").write_text("<p>page</p>")
    (tmp_path / "app.js").write_text("1")
    behind = web.Application()
    behind.router.add_route("*", "/{rest:.*}", api)
    async with test_utils.TestServer(behind) as server:
        site = Site(
            files=tmp_path,
            api_url=str(server.make_url("/stage")).rstrip("/"),
            web_socket_url="ws://127.0.0.1:9/a/live",
            documents_origin="http://127.0.0.1:8",
            sign_in=None,
        )
        async with test_utils.TestClient(test_utils.TestServer(application(site))) as made:
            yield made


async def test_the_page_learns_where_everything_is(client: Client):
    """One build serves every stage: the API is on the page's own origin, the socket is named."""
    assert await (await client.get("/config.json")).json() == {
        "apiUrl": "",
        "webSocketUrl": "ws://127.0.0.1:9/a/live",
    }


@pytest.mark.parametrize("path", ["/", "/app.js", "/config.json", "/missing.js", "/fleet"])
async def test_every_answer_carries_the_policy(client: Client, path: str):
    """Also errors and what the API says: whatever a browser may show."""
    headers = (await client.get(path)).headers

    assert "connect-src 'self' ws://127.0.0.1:9 http://127.0.0.1:8;" in headers["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


async def test_a_call_reaches_the_api_as_it_was_made(client: Client):
    """Method, encoded path, query, body and authorization; the answer comes back with status and headers."""
    answer = await client.post(
        "/datasources/a%2Fb?x=%20y", data=b"{}", headers={"Authorization": "Bearer t", "Content-Type": "text/plain"}
    )

    assert await answer.json() == {
        "method": "POST",
        "path": "/stage/datasources/a%2Fb?x=%20y",
        "authorization": "Bearer t",
        "body": "{}",
    }
    assert (answer.status, answer.headers["ETag"]) == (201, '"x-1"')


@pytest.mark.parametrize("path", ["/datasources", "/datasources/x/data", "/fleet", "/tickets", "/openapi.json"])
async def test_the_apis_paths_are_passed_on(client: Client, path: str):
    """The same as the distribution's behaviours."""
    assert (await (await client.get(path)).json())["path"] == f"/stage{path}"


async def test_nothing_else_is_passed_on(client: Client):
    """The embedded AWS stands behind the same address; only its API is meant."""
    assert (await client.get("/_ministack/health")).status == 404
    assert (await client.get("/fleet/x")).status == 404


async def test_an_api_that_is_gone_is_a_bad_gateway(tmp_path: Path):
    """While the stack stops, the page is still there and must be told something it understands."""
    site = Site(
        files=tmp_path,
        api_url="http://127.0.0.1:1",
        web_socket_url="ws://127.0.0.1:9/live",
        documents_origin="http://127.0.0.1:8",
        sign_in=None,
    )
    async with test_utils.TestClient(test_utils.TestServer(application(site))) as client:
        assert (await client.get("/fleet")).status == 502
