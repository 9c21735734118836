"""
The process that serves the demo feeds, the demo spreadsheet and the dashboard.

Like the agent it gets one line of JSON on stdin, and ends when stdin closes.
"""

import asyncio
import json
import random
import signal
import socket
import sys
import time
from pathlib import Path

from aiohttp import web

from local import dashboard, feeds
from local.google.demo import demo_google
from stack import origin


async def run(line: str, stopped: asyncio.Event) -> None:
    """Serve all until told to stop."""
    body = json.loads(line)
    chance = random.Random()  # noqa: S311 - prices and tokens of a stand-in, not secrets
    demo = feeds.demo_feeds(chance, feeds.utc_now())
    site = dashboard.Site(
        files=Path(body["files"]),
        api_url=body["apiUrl"],
        web_socket_url=body["webSocketUrl"],
        documents_origin=body["documentsOrigin"],
        sign_in=origin.SignIn.read(body["signIn"]),
    )
    runners = [
        await _serve(feeds.application(demo, feeds.utc_now), body["feedsFd"]),
        await _serve(dashboard.application(site), body["dashboardFd"]),
        await _serve(demo_google(body["googleKey"], now_ms=_now_ms, chance=chance), body["googleFd"]),
    ]
    ticking = asyncio.create_task(feeds.tick_forever(demo, feeds.utc_now))
    await stopped.wait()
    ticking.cancel()
    for runner in runners:
        await runner.cleanup()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


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
