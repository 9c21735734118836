"""A Google on loopback for tests, and the client that talks to it as to the real one."""

import random
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

from aiohttp.test_utils import TestServer

from fetching.sheets.account import Account
from fetching.sheets.client import Google
from fetching.sheets.server_clock import ServerClock
from local.google.accounts import Accounts, new_key
from local.google.book import Book, Tab
from local.google.service import Service

START_MS = 1_795_000_000_000
BOOK = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


@dataclass(kw_only=True)
class Wall:
    """A clock that tests move; both sides have it, so that tokens are neither young nor old by accident."""

    ms: int = START_MS

    def __call__(self) -> int:
        """Give the time."""
        return self.ms


@dataclass(kw_only=True)
class Stand:
    """The service, its clock, and who may ask it."""

    service: Service
    google: Google
    origin: str
    clock: ServerClock
    accounts: list[Account]
    keys: list[dict[str, Any]]
    wall: Wall = field(default_factory=Wall)


def a_book(*rows: list[Any], readers: set[str] | None = None) -> Book:
    """Make a spreadsheet of one tab, and one more that is empty."""
    return Book(
        id=BOOK,
        title="Prices",
        tabs=[Tab(gid=0, title="Sheet1", rows=[list(row) for row in rows]), Tab(gid=7, title="It's other")],
        readers=readers or set(),
    )


@asynccontextmanager
async def standing(*rows: list[Any], accounts: int = 1) -> AsyncIterator[Stand]:
    """Serve one spreadsheet that every account may read."""
    import time

    wall = Wall(ms=time.time_ns() // 1_000_000)
    service = Service(accounts=Accounts(now_ms=wall, chance=random.Random(1)), now_ms=wall)
    server = TestServer(service.application())
    await server.start_server()
    origin = f"http://127.0.0.1:{server.port}"
    keys = [
        new_key(f"poller-{number}", project="example", token_uri=f"{origin}/token", chance=random.Random(number))
        for number in range(accounts)
    ]
    emails = {service.accounts.admit(key) for key in keys}
    service.books[BOOK] = a_book(*rows, readers=emails)
    clock = ServerClock(wall)
    try:
        with (
            ThreadPoolExecutor(4) as threads,
            closing(Google(threads, clock=clock, now_ms=wall, origin=origin)) as google,
        ):
            yield Stand(
                service=service,
                google=google,
                origin=origin,
                clock=clock,
                accounts=[Account(email=key["client_email"], project="example", key=key) for key in keys],
                keys=keys,
                wall=wall,
            )
    finally:
        await server.close()
