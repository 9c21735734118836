"""The demo spreadsheet, and the service that has nothing but it."""

import random
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from contracts.clock import NowMs
from local.google.accounts import Accounts, new_key
from local.google.book import Book, Tab
from local.google.page import add_page
from local.google.service import Service

BOOK = "1-demo-spreadsheet-of-this-laptop"
URL = f"https://docs.google.com/spreadsheets/d/{BOOK}/edit#gid=0"


def demo_key(origin: str, chance: random.Random) -> dict[str, Any]:
    """Make the key of the account that the demo spreadsheet is shared with."""
    return new_key("sheets-reader", project="laptop", token_uri=f"{origin}/token", chance=chance)


def demo_google(key: Mapping[str, Any], *, now_ms: NowMs, chance: random.Random) -> web.Application:
    """Serve the demo spreadsheet to that account, and a page to type into it to everybody."""
    accounts = Accounts(now_ms=now_ms, chance=chance)
    book = Book(
        id=BOOK,
        title="Stock of the shop",
        tabs=[
            Tab(
                gid=0,
                title="Stock",
                rows=[["Item", "Price", "Left"], ["Amber", 12.5, 4], ["Basalt", 8, 11], ["Cedar", 31.25, 2]],
            ),
            Tab(gid=1, title="Opening hours", rows=[["Day", "From", "To"], ["Monday", 9, 17], ["Saturday", 10, 14]]),
        ],
        readers={accounts.admit(key)},
    )
    service = Service(accounts=accounts, now_ms=now_ms, books={BOOK: book})
    app = service.application()
    add_page(app, service)
    return app
