"""
What a registration of a sheet would see: one read, as its first poll would be, and nothing stored.

It is not read twice: a read is what Google's quota counts, and Sheets has no validators to try.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from contracts.pointer import escaped
from fetching import advice
from fetching.advice import Warned
from fetching.document import Document, Reading
from fetching.excerpt import COLUMNS_MAX, TEXT_LENGTH_MAX, excerpt
from fetching.hidden import Hidden
from fetching.outcome import Failed, Reason
from fetching.sheets import reading
from fetching.sheets.account import Account, in_order
from fetching.sheets.answers import failed
from fetching.sheets.asking import TROUBLES, by_any, in_its_tab, in_trouble
from fetching.sheets.table import COLUMNS, ROWS
from fetching.sheets.tabs import Tabs
from fetching.sheets.target import SheetTarget
from fetching.sheets.verbs import GoogleRefused, GoogleVerbs

MS = 1_000

_decode = msgspec.json.Decoder().decode


class NoTurn(Exception):
    """The quota lets no read go soon; the text is for a person."""


@dataclass(frozen=True, kw_only=True)
class SheetWorld:
    """What previewing a sheet needs from outside. `turn` waits until an account may read once, or raises NoTurn."""

    google: GoogleVerbs
    accounts: Sequence[Account]
    turn: Callable[[Account], Awaitable[None]]
    clock: Callable[[], float]


async def preview(sheet: SheetTarget, how: Reading, world: SheetWorld) -> dict[str, Any]:
    """Read, and say what came: the body that the API answers with (docs/api.md)."""
    began_s = world.clock()
    tables = await _tables(sheet, world)
    took_ms = round((world.clock() - began_s) * MS)
    if isinstance(tables, Failed):
        return _failure(tables, took_ms)
    found = reading.read(tables, sheet.shape, how, known=None, held={})
    if isinstance(found, Failed):
        return _failure(found, took_ms)
    return _success(sheet, how, found.document, tables, took_ms)


@dataclass(frozen=True, kw_only=True)
class _Asking:
    """A preview's reads by one account: nobody shares them."""

    account: Account
    spreadsheet_id: str
    world: SheetWorld

    async def turn(self) -> None:
        await self.world.turn(self.account)

    async def together(self, ranges: tuple[str, ...]) -> list[bytes]:
        await self.turn()
        return await self.world.google.values(self.account, self.spreadsheet_id, ranges)

    async def alone(self, ranges: tuple[str, ...]) -> list[bytes]:
        return await self.together(ranges)

    def are_wrong(self, _: tuple[str, ...]) -> bool:
        return False


async def _tables(sheet: SheetTarget, world: SheetWorld) -> list[bytes] | Failed:
    tabs = Tabs(world.google)

    async def read(account: Account) -> list[bytes]:
        asking = _Asking(account=account, spreadsheet_id=sheet.spreadsheet_id, world=world)
        return await in_its_tab(sheet, account, asking, tabs)

    async def refused(error: GoogleRefused, account: Account) -> Failed:
        return failed(error.refusal, email=account.email, ranges=", ".join(filter(None, sheet.shape.names)))

    try:
        found = await by_any(in_order(world.accounts, sheet.spreadsheet_id), read, refused)
    except NoTurn as error:
        return Failed(reason=Reason.RATE_LIMITED, why=str(error))
    except TROUBLES as error:
        return in_trouble(error)
    return found if isinstance(found, Failed) else found[1]


def _failure(said: Failed, took_ms: int) -> dict[str, Any]:
    return {
        "ok": False, "reason": said.reason.value, "why": said.why, "http": None,
        "timing": {"firstMs": took_ms, "secondMs": None}, "format": None, "size": None, "document": None,
        "volatile": [], "suggested": {"ignore": []}, "warnings": [],
    }  # fmt: skip


def _success(
    sheet: SheetTarget, how: Reading, document: Document, tables: Sequence[bytes], took_ms: int
) -> dict[str, Any]:
    bytes_came = sum(map(len, tables))
    warned = [*advice.of_size(len(document.canonical)), *([_computing()] if reading.may_be_volatile(tables) else [])]
    return {
        "ok": True, "reason": None, "why": "", "http": None,
        "timing": {"firstMs": took_ms, "secondMs": None}, "format": "json",
        "size": {"wire": bytes_came, "decoded": bytes_came, "document": len(document.canonical)},
        "document": _excerpt(_decode(document.canonical), sheet, how) | {"hash": document.hash},
        "volatile": [], "suggested": {"ignore": []},
        "warnings": [{"code": one.code, "message": one.message} for one in warned],
    }  # fmt: skip


def _excerpt(document: Any, sheet: SheetTarget, how: Reading) -> dict[str, Any]:
    """Show the rows of the longest table; what a selector made of them as it is."""
    nothing_hidden = Hidden()
    if how.selector:
        return excerpt(document, nothing_hidden)
    names = sheet.shape.names
    tables = [("", document)] if len(names) == 1 else [(f"/{escaped(name)}", document[name]) for name in names]
    at, table = max(tables, key=lambda found: len(found[1][ROWS]))
    rows = list(table[ROWS].values()) if isinstance(table[ROWS], dict) else table[ROWS]
    # A canonical row has its members in the order of their names.
    columns = [name[:TEXT_LENGTH_MAX] for name in table.get(COLUMNS, [])[:COLUMNS_MAX]]
    return excerpt(rows, nothing_hidden) | {"kind": "object", "at": f"{at}/{ROWS}", "columns": columns}


def _computing() -> Warned:
    message = "cells say `Loading...` or `#N/A`: once watched, such a cell keeps its last value for a few polls"
    return Warned(code="computing", message=message)
