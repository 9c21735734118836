"""`GET /healthz`: what this worker does, and 503 when its right has lapsed."""

import logging
from collections.abc import Callable

from aiohttp import web

from monitor_fleet.reading import Reading

log = logging.getLogger(__name__)

PATH = "/healthz"


async def serve(read: Callable[[], Reading], *, port: int) -> web.AppRunner:
    """Serve on loopback, where the container's own check asks, until the runner is cleaned up; port 0: any free one."""
    app = web.Application()

    async def healthz(_: web.Request) -> web.Response:
        reading = read()
        return web.json_response(dict(reading.plain()), status=200 if reading.may_act else 503)

    app.router.add_get(PATH, healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host="127.0.0.1", port=port).start()
    log.info("health_served", extra={"port": runner.addresses[0][1]})
    return runner
