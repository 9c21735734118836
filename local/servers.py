"""
The process that serves the demo feeds and the dashboard.

Like the agent it gets one line of JSON on stdin, and ends when stdin closes.
"""

import asyncio
import json
import random
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from local import dashboard, feeds


async def run(line: str, stopped: asyncio.Event) -> None:
    """Serve both until told to stop."""
    body = json.loads(line)
    demo = feeds.demo_feeds(random.Random(), feeds.utc_now())  # noqa: S311 - prices, not secrets
    site = dashboard.Site(
        files=Path(body["files"]),
        api_url=body["apiUrl"],
        web_socket_url=body["webSocketUrl"],
        documents_origin=body["documentsOrigin"],
    )
    runners = [
        await _serve(feeds.application(demo, feeds.utc_now), body["feedsFd"]),
        await _serve(dashboard.application(site), body["dashboardFd"]),
    ]
    ticking = asyncio.create_task(feeds.tick_forever(demo, feeds.utc_now))
    await stopped.wait()
    ticking.cancel()
    for runner in runners:
        await runner.cleanup()


async def _serve(app: web.Application, listener_fd: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, socket.socket(fileno=listener_fd)).start()
    return runner


async def _main() -> None:
    line = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        return
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    await run(line, stopped)


if __name__ == "__main__":
    asyncio.run(_main())
