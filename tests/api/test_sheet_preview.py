"""POST /datasources/preview of a sheet: by the workers' accounts, within their quota, nothing stored but its turn."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from api.preview import Previewer, preview_source
from api.sheet_preview import TURN_WAIT_MAX_MS, SheetPreviewer
from contracts.addresses import Policy
from contracts.table import google_quota
from contracts.table.google_quota import Ledger
from fetching.sheets.account import Account
from fetching.sheets.answers import Refusal
from fetching.sheets.verbs import GoogleRefused
from tests.api.account import ENVIRON, NOW_MS, Answer, Aws, Caller, prices

ROUTE = "POST /datasources/preview"
URL = "https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit"
EMAIL = "reader@example.iam.gserviceaccount.com"
SECRET = "google-accounts"
SPACING_MS = google_quota.spacing_ms(60)


@dataclass
class OneSheet:
    """Google with one sheet, for whoever may read it."""

    refuses: int = 0
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    async def values(self, account: Account, spreadsheet_id: str, ranges: Sequence[str]) -> list[bytes]:
        """Give its rows, or refuse."""
        self.asked.append((account.email, spreadsheet_id, tuple(ranges)))
        if self.refuses:
            body = json.dumps({"error": {"code": self.refuses, "message": "no"}}).encode()
            raise GoogleRefused(Refusal.read(self.refuses, body))
        return [b'[["Item","Price"],["Amber",1.5],["Basalt",2]]' for _ in ranges]

    async def tabs(self, _account: Account, _spreadsheet_id: str) -> dict[int, str]:
        """Name its tabs."""
        self.asked.append(("tabs", "", ()))
        return {7: "Stock"}

    async def drive(self, *_: Any) -> Any:
        """Say nothing: a preview does not listen to Drive."""
        raise AssertionError


@dataclass(kw_only=True)
class Desk:
    """A caller, an account and what is behind the preview."""

    caller: Caller
    google: OneSheet = field(default_factory=OneSheet)
    paused_s: list[float] = field(default_factory=list)

    def look(self, **fields: Any) -> Answer:
        """Preview a sheet."""
        aws = self.caller.aws

        async def pause(seconds: float) -> None:
            self.paused_s.append(seconds)

        sheets = SheetPreviewer.of(
            ENVIRON | {"GOOGLE_ACCOUNTS_SECRET": SECRET}, dynamodb=aws.dynamodb, secrets=aws.secrets, pause=pause,
            clock=lambda: 0.0, now_ms=aws.now_ms,
        )  # fmt: skip
        at = Previewer(
            policy=Policy(), read_key=_never, requests=_never,
            sheets=lambda: replace(sheets, google=lambda: self.google), run=asyncio.run, pause=pause, clock=lambda: 0.0,
            now_ms=aws.now_ms,
        )  # fmt: skip
        body = prices(type="googleSheet", url=URL, pollingInterval=60) | fields
        return self.caller.call(partial(preview_source, at=at), ROUTE, body=json.dumps(body))

    @property
    def until_ms(self) -> float:
        """Say until when reads are spoken for."""
        aws = self.caller.aws
        row = aws.dynamodb.get_item(**google_quota.get(aws.tables.budget, EMAIL))["Item"]
        return Ledger.read(row).until_ms

    def speak_for(self, until_ms: int) -> None:
        """Let workers have spoken for all until then."""
        aws = self.caller.aws
        request = google_quota.restart(aws.tables.budget, EMAIL, None, span_ms=until_ms - NOW_MS, earliest_ms=NOW_MS)
        aws.dynamodb.update_item(**request)


def _never(*_: Any) -> Any:
    raise AssertionError


@pytest.fixture
def desk(aws: Aws, caller: Caller) -> Desk:
    """Give one whose secret holds an account."""
    key = {
        "type": "service_account", "project_id": "example", "private_key_id": "i", "private_key": "p",
        "client_email": EMAIL, "token_uri": "https://oauth2.googleapis.com/token",
    }  # fmt: skip
    aws.secrets.create_secret(Name=SECRET, SecretString=json.dumps(key))
    return Desk(caller=caller)


def test_a_sheet_is_shown_after_one_read_that_counts(desk: Desk):
    """Its rows as they would be stored; the tables hold nothing of it but the turn."""
    answer = desk.look()
    assert (answer.status, answer.json["ok"], answer.json["format"]) == (200, True, "json")
    shown = answer.json["document"]
    assert (shown["at"], shown["count"], shown["columns"]) == ("/rows", 2, ["Item", "Price"])
    assert shown["rows"][0] == {"Item": "Amber", "Price": 1.5}
    assert [one[0] for one in desk.google.asked] == [EMAIL]
    assert desk.until_ms == pytest.approx(NOW_MS + SPACING_MS)
    aws = desk.caller.aws
    assert [aws.rows(table) for table in (aws.tables.data_sources, aws.tables.sheets_data, aws.tables.fleet)] == [
        []
    ] * 3


def test_a_read_waits_for_its_turn_behind_the_workers(desk: Desk):
    """And a title that has to be looked up is a read too."""
    desk.speak_for(NOW_MS + 3_000)
    assert desk.look(url=f"{URL}#gid=7").json["ok"] is True
    assert desk.paused_s == pytest.approx([3.0, (3_000 + SPACING_MS) / 1_000])
    assert desk.google.asked[-1][2] == ("'Stock'",)


def test_where_all_reads_are_spoken_for_it_says_so_and_takes_none(desk: Desk):
    """A caller gets an answer within the 29 s that an API has."""
    desk.speak_for(NOW_MS + TURN_WAIT_MAX_MS + 1_000)
    answer = desk.look()
    assert (answer.status, answer.json["ok"], answer.json["reason"]) == (200, False, "rate_limited")
    assert "register it unseen" in answer.json["why"]
    assert (desk.google.asked, desk.until_ms) == ([], NOW_MS + TURN_WAIT_MAX_MS + 1_000)


@pytest.mark.parametrize(("status", "reason"), [(403, "unauthorized"), (404, "not_found")])
def test_who_did_not_share_the_sheet_is_told_with_which_address(desk: Desk, status: int, reason: str):
    """Before anything is registered."""
    desk.google.refuses = status
    answer = desk.look()
    assert (answer.json["ok"], answer.json["reason"]) == (False, reason)
    assert EMAIL in answer.json["why"]


def test_a_key_column_that_is_not_there_is_said(desk: Desk):
    """With the columns there are; one that is there gives keyed rows, shown as rows."""
    answer = desk.look(keyColumn="Name")
    assert (answer.json["reason"], "'Item', 'Price'" in answer.json["why"]) == ("selector", True)
    assert desk.look(keyColumn="Item").json["document"]["count"] == 2


@pytest.mark.parametrize("secret", [None, "not a key"])
def test_without_an_account_it_says_what_is_missing(aws: Aws, caller: Caller, secret: str | None):
    """An operator's work, so the form cannot go on; nothing of a broken secret is shown."""
    aws.secrets.create_secret(Name=SECRET, **({"SecretString": secret} if secret else {}))
    answer = Desk(caller=caller).look()
    assert (answer.status, answer.fields) == (422, {"type"})
    assert "Google" in answer.json["errors"][0]["message"]
    assert "not a key" not in answer.body


def test_boto3_and_gspread_are_loaded_with_the_first_sheet_only():
    """A preview of another source does not wait for it."""
    import subprocess

    loaded = "[name for name in ('boto3', 'gspread', 'google.auth', 'api.sheet_preview') if name in sys.modules]"
    look = f"import sys, api.preview; print({loaded})"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
