"""The stand-in in a thread of its own, with an address for clients and one for posts."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from local.gateway.hub import Hub
from local.gateway.posts import Posts
from local.gateway.sockets import Behind, Socket

STAGE = "live"
#: How often clocks are looked at; one that is handed in may run faster than the wall's.
ENFORCE_S = 0.05
END_S = 10.0


@dataclass(kw_only=True)
class Gateway:
    """
    A running stand-in.

    `post_url` is what `CALLBACK_URL` is to the Lambda, `url` where clients connect. What touches `hub` while it runs
    does so on its loop: `on_loop`.
    """

    hub: Hub
    post_url: str = ""
    url: str = ""
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _posts: asyncio.Server | None = None

    def hang_up(self) -> None:
        """Close every socket of who posts, as a gateway does with those that rest."""
        if self._posts:
            self.on_loop(self._posts.close_clients)

    def on_loop[T](self, do: Callable[[], T]) -> T:
        """Do something where the hub lives."""

        async def call() -> T:
            return do()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(END_S)


def nobody(_event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Be a Lambda that takes everything."""
    return {"statusCode": 200}


@contextmanager
def running(
    hub: Hub | None = None,
    *,
    behind: Behind | None = None,
    secrets: Mapping[str, str] | None = None,
    port: int = 0,
    clients_port: int = 0,
) -> Iterator[Gateway]:
    """
    Run a stand-in until the block ends; `secrets` by access key, None: signatures are not looked at.

    Posts go to `port`, clients to `clients_port`; 0 is one that is free.
    """
    hub = hub or Hub(now=time.monotonic)
    behind = behind or Behind(serve=nobody, authorize=lambda _headers, _query: {"principal": "ada", "scopes": "read"})
    gateway = Gateway(hub=hub)
    loop = gateway._loop  # noqa: SLF001 - its own maker
    thread = Thread(target=loop.run_forever, name="gateway", daemon=True)
    thread.start()
    tasks = asyncio.run_coroutine_threadsafe(_start(gateway, behind, secrets, (port, clients_port)), loop).result(END_S)
    try:
        yield gateway
    finally:
        asyncio.run_coroutine_threadsafe(_stop(tasks, hub), loop).result(END_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(
    gateway: Gateway, behind: Behind, secrets: Mapping[str, str] | None, ports: tuple[int, int]
) -> tuple[asyncio.Server, asyncio.Server, asyncio.Task[None]]:
    loop = asyncio.get_running_loop()
    posts = await loop.create_server(lambda: Posts(gateway.hub, secrets), "127.0.0.1", ports[0], backlog=1_024)
    clients = await loop.create_server(lambda: Socket(gateway.hub, behind), "127.0.0.1", ports[1], backlog=4_096)
    gateway._posts = posts  # noqa: SLF001 - its own maker
    gateway.post_url = f"http://127.0.0.1:{posts.sockets[0].getsockname()[1]}/{STAGE}"
    gateway.url = f"ws://127.0.0.1:{clients.sockets[0].getsockname()[1]}/{STAGE}"
    return posts, clients, loop.create_task(gateway.hub.enforce_always(ENFORCE_S))


async def _stop(running: tuple[asyncio.Server, asyncio.Server, asyncio.Task[None]], hub: Hub) -> None:
    posts, clients, watch = running
    watch.cancel()
    for server in (posts, clients):
        server.close()
        server.close_clients()
    hub.held.clear()
    here = asyncio.current_task()
    await asyncio.wait([task for task in asyncio.all_tasks() if task is not here], timeout=END_S)
