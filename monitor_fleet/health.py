"""`GET /healthz`: what this worker does, and 503 when its right has lapsed."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)

PATH = "/healthz"
#: What tells of the worker: JSON, with `mayAct`.
type Tell = Callable[[], Mapping[str, Any]]


async def serve(tell: Tell, *, port: int) -> web.AppRunner:
    """Serve on loopback, where the container's own check asks, until the runner is cleaned up; port 0: any free one."""
    app = web.Application()

    async def healthz(_: web.Request) -> web.Response:
        told = tell()
        return web.json_response(dict(told), status=200 if told["mayAct"] else 503)

    app.router.add_get(PATH, healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host="127.0.0.1", port=port).start()
    log.info("health_served", extra={"port": runner.addresses[0][1]})
    return runner
