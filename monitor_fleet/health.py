"""
`GET /healthz`: what this worker does, and 503 where another process in its place would do better.

Whoever asks ends a process that is not well. So a right that has lapsed is no illness by itself: when the tables do not
answer, everybody's lapses, and a fleet that is ended for it comes back with nothing.
"""

import logging
from collections.abc import Callable

from aiohttp import web

from contracts.clock import SECOND_MS
from monitor_fleet.reading import Reading

log = logging.getLogger(__name__)

PATH = "/healthz"
#: Twice what a fleet sits out without moving a shard; who has not renewed for longer may get on elsewhere.
UNRENEWED_MAX_MS = 600 * SECOND_MS


def is_well(reading: Reading) -> bool:
    """Say whether this process does its work, or would: one that was never let in has failed to start."""
    age_ms = reading.heartbeat_age_ms
    return reading.is_ticking and age_ms is not None and age_ms <= UNRENEWED_MAX_MS


async def serve(read: Callable[[], Reading], *, port: int) -> web.AppRunner:
    """Serve on loopback, where the container's own check asks, until the runner is cleaned up; port 0: any free one."""
    app = web.Application()

    async def healthz(_: web.Request) -> web.Response:
        reading = read()
        return web.json_response(dict(reading.plain()), status=200 if is_well(reading) else 503)

    app.router.add_get(PATH, healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host="127.0.0.1", port=port).start()
    log.info("health_served", extra={"port": runner.addresses[0][1]})
    return runner
