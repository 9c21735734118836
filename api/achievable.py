"""
What Google's quota makes of the interval of a sheet: when all wishes exceed it, intervals stretch by one factor.

It is a forecast: by which account a sheet is read, and which other source of its spreadsheet shares the read, only
the worker knows.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from api.respond import log
from contracts.clock import MINUTE_MS, SECOND_MS, NowMs, iso
from contracts.kinds import SourceType
from contracts.sheet_address import read_address
from contracts.sheet_reading import read_every_ms
from contracts.table import google_demand, google_quota
from contracts.table.google_demand import Demand, Summary
from contracts.table.schema import TableNames

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SheetQuota:
    """Google's quota as this deployment knows it. `granted` is what one account may read a minute."""

    dynamodb: "DynamoDBClient"
    table: str
    granted: float
    hints: bool
    now_ms: NowMs

    @classmethod
    def of(cls, environ: Mapping[str, str], *, dynamodb: "DynamoDBClient", now_ms: NowMs) -> Self:
        """Take what the environment says."""
        per_account, per_project = (int(environ[f"GOOGLE_READS_PER_{of}"]) for of in ("ACCOUNT", "PROJECT"))
        return cls(
            dynamodb=dynamodb,
            table=TableNames.from_environ(environ).budget,
            granted=google_quota.granted(min(per_account, per_project)),
            hints=environ["GOOGLE_HINTS"] == "1",
            now_ms=now_ms,
        )

    def known(self) -> Summary:
        """Read what is wished for."""
        return Summary.read(self.dynamodb.get_item(**google_demand.get(self.table)).get("Item"))

    def shown(self, item: Item, known: Summary) -> dict[str, Any]:
        """Show what is achievable for a sheet; nothing for other sources."""
        if item["type"] != SourceType.GOOGLE_SHEET:
            return {}
        demand = known.of(read_address(item["url"]).spreadsheet_id, granted=self.granted)
        achievable_s = math.ceil(item["pollingInterval"] * demand.factor)
        warned = [_exceeded(item["pollingInterval"], achievable_s, demand)] if demand.factor > 1 else []
        return {"achievableInterval": achievable_s, "warnings": warned}

    def now(self, *items: Item) -> list[dict[str, Any]]:
        """Show it for each of some sources; asked only where there is a sheet among them."""
        is_asked = any(item["type"] == SourceType.GOOGLE_SHEET for item in items)
        known = self.known() if is_asked else Summary()
        return [self.shown(item, known) for item in items]

    def foretold(self, after: Item, before: Item | None = None) -> dict[str, Any]:
        """Add what was registered or edited to the wishes, and show what that makes of it."""
        if after["type"] != SourceType.GOOGLE_SHEET:
            return {}
        more = self._reads_per_minute(after) - (self._reads_per_minute(before) if before else 0)
        known = self._add(more)
        return self.shown(after, known) if known else {"achievableInterval": None, "warnings": []}

    def count(self, items: Iterable[Item]) -> None:
        """Add what was registered to the wishes."""
        sheets = [item for item in items if item["type"] == SourceType.GOOGLE_SHEET]
        if sheets:
            self._add(sum(map(self._reads_per_minute, sheets)))

    def _add(self, reads_per_minute: float) -> Summary | None:
        """Add to the wishes; None if that failed: the sources are there, which must be said even so."""
        try:
            row = self.dynamodb.update_item(**google_demand.add(self.table, reads_per_minute, at_ms=self.now_ms()))
        except (BotoCoreError, ClientError) as error:
            log({"what": "quota", "event": "wish_not_added", "error": type(error).__name__})
            return None
        return Summary.read(row["Attributes"])

    def _reads_per_minute(self, item: Item) -> float:
        interval_ms = read_every_ms(item["pollingInterval"] * SECOND_MS, hinted=self.hints)
        return MINUTE_MS / interval_ms if item["enabled"] else 0


def quota_shown(known: Summary) -> dict[str, Any] | None:
    """Show an operator what is wished for and granted by account; None before a worker summed up."""
    if known.at_ms is None:
        return None
    accounts = [
        {
            "email": one.email, "wishedPerMinute": round(one.wished, 2), "grantedPerMinute": round(one.granted, 2),
            "stretch": round(one.factor, 3),
        }
        for one in known.demands
    ]  # fmt: skip
    return {"at": iso(known.at_ms), "accounts": accounts, "addedPerMinute": round(known.added, 2)}


def _exceeded(interval_s: int, achievable_s: int, demand: Demand) -> dict[str, str]:
    message = (
        f"all sheets of its Google account together wish for {demand.wished:.0f} reads a minute of"
        f" {demand.granted:.0f}: it is read about every {achievable_s} s instead of {interval_s} s. Choose longer"
        " intervals, or add service accounts (docs/google-sheets.md)"
    )
    return {"code": "google_quota", "message": message}
