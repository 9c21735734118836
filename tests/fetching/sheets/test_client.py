"""Rules of asking Google: the real gspread and google-auth against a Google that verifies, counts and refuses."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from fetching.sheets.account import Account
from fetching.sheets.answers import Meaning
from fetching.sheets.verbs import GoogleRefused, GoogleUnreachable
from local.google import refusal
from tests.fetching.sheets.google import BOOK, Stand, standing

ROWS: tuple[list[Any], ...] = (["Name", "Price"], ["Amber", 1.5], ["Basalt", 2])


async def refused(stand: Stand, *ranges: str, account: Account | None = None) -> Meaning:
    """Read what must be refused; what the refusal means."""
    with pytest.raises(GoogleRefused) as caught:
        await stand.google.values(account or stand.accounts[0], BOOK, ranges or ["A:ZZZ"])
    return caught.value.refusal.meaning


async def test_all_ranges_of_a_spreadsheet_are_one_request():
    """The way that gspread documents takes three for one worksheet."""
    async with standing(*ROWS) as stand:
        tables = await stand.google.values(stand.accounts[0], BOOK, ["A:ZZZ", "'Sheet1'!A1:B2", "'It''s other'"])
        assert [json.loads(table) for table in tables] == [[*map(list, ROWS)], [*map(list, ROWS[:2])], []]
        assert len(stand.service.requests) == 1


async def test_titles_are_read_by_the_ids_of_tabs():
    """An address names a tab by its id."""
    async with standing(*ROWS) as stand:
        assert await stand.google.tabs(stand.accounts[0], BOOK) == {0: "Sheet1", 7: "It's other"}


async def test_one_token_serves_all_threads():
    """Twenty sheets at once after a start must not sign in twenty times."""
    async with standing(*ROWS) as stand:
        asked: list[str] = []
        stand.service.trouble = lambda request: asked.append(request.path)
        await asyncio.gather(*(stand.google.values(stand.accounts[0], BOOK, ["A1"]) for _ in range(20)))
        assert asked.count("/token") == 1


async def test_a_token_that_was_revoked_is_replaced_once():
    """A 401 is no reason to tell a person anything."""
    async with standing(*ROWS) as stand:
        await stand.google.values(stand.accounts[0], BOOK, ["A1"])
        stand.service.accounts.end_tokens()
        assert await stand.google.values(stand.accounts[0], BOOK, ["A1"]) == [b'[["Name"]]']


async def test_threads_that_are_refused_together_sign_in_once():
    """Each asks with the token that ended, and whoever comes second finds a new one."""
    async with standing(*ROWS) as stand:
        await stand.google.values(stand.accounts[0], BOOK, ["A1"])
        stand.service.accounts.end_tokens()
        asked: list[str] = []
        stand.service.trouble = lambda request: asked.append(request.path)
        await asyncio.gather(*(stand.google.values(stand.accounts[0], BOOK, ["A1"]) for _ in range(4)))
        assert asked.count("/token") == 1


async def test_a_deleted_account_is_said_and_asked_no_more_than_twice():
    """Its key signs nothing any more."""
    async with standing(*ROWS) as stand:
        await stand.google.values(stand.accounts[0], BOOK, ["A1"])
        stand.service.accounts.delete(stand.accounts[0].email)
        before = len(stand.service.requests)
        assert await refused(stand) is Meaning.TOKEN
        assert len(stand.service.requests) <= before + 1


async def test_a_key_that_does_not_fit_is_said_without_a_word_of_it():
    """Somebody pasted half of it."""
    async with standing(*ROWS) as stand:
        key = stand.keys[0] | {"private_key": "-----BEGIN PRIVATE KEY-----\nhalf\n-----END PRIVATE KEY-----\n"}
        account = Account(email=key["client_email"], project="example", key=key)
        with pytest.raises(GoogleRefused) as caught:
            await stand.google.values(account, BOOK, ["A1"])
        assert caught.value.refusal.meaning is Meaning.TOKEN
        assert "half" not in f"{caught.value}{caught.value.__cause__}"


async def test_what_is_not_shared_and_what_is_not_there_are_told_apart():
    """A person must do different things."""
    async with standing(*ROWS) as stand:
        stand.service.books[BOOK].readers.clear()
        assert await refused(stand) is Meaning.FORBIDDEN
        del stand.service.books[BOOK]
        assert await refused(stand) is Meaning.MISSING


async def test_a_wrong_range_and_an_office_file_are_told_apart():
    """Both are 400."""
    async with standing(*ROWS) as stand:
        assert await refused(stand, "'Nowhere'!A1") is Meaning.RANGE
        stand.service.books[BOOK].is_office_file = True
        assert await refused(stand) is Meaning.NOT_A_SHEET


async def test_a_quota_that_is_used_up_is_said_at_once():
    """The back-off of gspread would try for hours, and hold a thread meanwhile."""
    async with standing(*ROWS) as stand:
        stand.service.quota.account_max = 2
        for _ in range(2):
            await stand.google.values(stand.accounts[0], BOOK, ["A1"])
        assert await refused(stand, "A1") is Meaning.RATE
        assert len(stand.service.requests) == 3


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (refusal.gateway_page, Meaning.SERVER),
        (lambda: refusal.refusal(500, "Internal error encountered."), Meaning.SERVER),
        (lambda: refusal.refusal(503, "The service is currently unavailable."), Meaning.SERVER),
        (lambda: web.Response(status=504, text="<html>"), Meaning.TOO_SLOW),
        (lambda: web.Response(status=403, text="<html>"), Meaning.OTHER),
        (lambda: web.Response(status=404, text="<html>"), Meaning.OTHER),
        (lambda: web.Response(status=418, body=b"\xff\xfe"), Meaning.OTHER),
    ],
)
async def test_an_error_of_googles_own_is_told_whatever_its_body(answer: Callable[[], web.Response], meaning: Meaning):
    """Front ends answer in HTML, and gspread makes a code of -1 of that."""
    async with standing(*ROWS) as stand:
        stand.service.trouble = lambda request: answer() if request.path.startswith("/v4/") else None
        assert await refused(stand) is meaning


async def test_a_connection_that_breaks_is_no_answer():
    """Half of a sheet must never look like a change."""
    async with standing(*ROWS) as stand:

        def broken(request: web.Request) -> web.Response | None:
            if request.path.startswith("/v4/"):
                assert request.transport is not None
                request.transport.close()
                return web.Response(body=b"{")
            return None

        stand.service.trouble = broken
        with pytest.raises(GoogleUnreachable):
            await stand.google.values(stand.accounts[0], BOOK, ["A1"])


async def test_googles_time_is_learnt_from_its_answers():
    """The quota is counted by it."""
    async with standing(*ROWS) as stand:
        assert stand.clock.error_ms is None
        await stand.google.values(stand.accounts[0], BOOK, ["A1"])
        assert stand.clock.error_ms is not None
