"""The dashboard as CloudFront serves it: the built page, its configuration and the API, all from one origin."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from stack import origin

BODY_BYTES_MAX = 10 * 1024 * 1024
ANSWER_TIMEOUT_S = 30
#: Said anew for each connection (RFC 9110 7.6.1), or by the server that sends on.
_NOT_PASSED_ON = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "host", "content-length", "content-encoding", "accept-encoding"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the page lies and where the APIs are."""

    files: Path
    api_url: str
    web_socket_url: str
    documents_origin: str
    """Where presigned URLs point to."""
    sign_in: origin.SignIn | None


def application(site: Site) -> web.Application:
    """Serve the site."""
    guard = origin.security_headers(origin.reached(site.web_socket_url, site.documents_origin, site.sign_in))
    app = web.Application(client_max_size=BODY_BYTES_MAX)
    app.cleanup_ctx.append(_session)

    async def configuration(_: web.Request) -> web.Response:
        headers = {"Cache-Control": origin.cache_control(origin.CONFIGURATION)}
        return web.json_response(dict(origin.configuration(site.web_socket_url, site.sign_in)), headers=headers)

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(guard)

    async def api(request: web.Request) -> web.Response:
        return await _pass_on(request, site.api_url)

    async def index(_: web.Request) -> web.FileResponse:
        headers = {"Cache-Control": origin.cache_control(origin.INDEX)}
        return web.FileResponse(site.files / origin.INDEX, headers=headers)

    app.on_response_prepare.append(add_headers)
    app.router.add_get(f"/{origin.CONFIGURATION}", configuration)
    for pattern in origin.API_PATTERNS:
        app.router.add_route("*", pattern.replace("*", "{rest:.*}"), api)
    app.router.add_get("/", index)
    if site.files.is_dir():  # tests of everything else need no built page
        app.router.add_static("/", site.files)
    return app


SESSION = web.AppKey("session", aiohttp.ClientSession)


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)) as session:
        app[SESSION] = session
        yield


async def _pass_on(request: web.Request, api_url: str) -> web.Response:
    """Send a request to the API as it came; the path stays encoded, so it cannot climb out of the API's."""
    url = URL(api_url + request.raw_path, encoded=True)
    headers, body = _passed_on(request.headers), await request.read()
    call = request.app[SESSION].request(request.method, url, headers=headers, data=body, allow_redirects=False)
    try:
        async with call as answer:
            return web.Response(status=answer.status, headers=_passed_on(answer.headers), body=await answer.read())
    except (aiohttp.ClientError, TimeoutError) as error:
        raise web.HTTPBadGateway(text=f"the API does not answer: {type(error).__name__}\n") from error


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
