"""
Requests to Budget: what is wished for of Google's quota, summed up for people.

One row. Once a minute one of the workers reads every account's row (`contracts.table.google_quota`) and writes down
here what all of them wish for and what Google grants. Between two summaries the API adds what it registers, so that
the hundredth of a hundred registrations is told what they come to together, also before any worker looks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import SECOND_MS
from contracts.sheet_reading import weight
from contracts.table.google_quota import ROW_TTL_S
from contracts.table.values import bind, read_item, write_item

type Request = dict[str, Any]

_KEY = write_item({"id": "google"})


@dataclass(frozen=True, kw_only=True)
class Demand:
    """An account: the reads per minute that are wished for, and those that are granted."""

    email: str
    wished: float
    granted: float

    @property
    def factor(self) -> float:
        """Say by what intervals must be stretched for the wishes to fit; 1 while they do."""
        return max(1.0, self.wished / self.granted)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is known; `at_ms` is None before the first summary, `added` the reads per minute registered since it."""

    at_ms: int | None = None
    demands: tuple[Demand, ...] = ()
    added: float = 0.0

    @classmethod
    def read(cls, item: Mapping[str, Any] | None) -> Self:
        """Read the row as a client returns it; without one nobody wishes for anything."""
        row = read_item(item or {})
        held = row.get("accounts", {})
        demands = tuple(
            Demand(email=email, wished=one["wished"], granted=one["granted"]) for email, one in held.items()
        )
        return cls(at_ms=row.get("at"), demands=demands, added=max(0.0, row.get("added", 0.0)))

    def of(self, spreadsheet_id: str, *, granted: float) -> Demand:
        """
        Give the account by which a spreadsheet is probably read, with its share of what was registered since.

        `granted` is what one account may read where none is known yet.
        """
        if not self.demands:
            return Demand(email="", wished=self.added, granted=granted)
        first = max(self.demands, key=lambda one: weight(one.email, spreadsheet_id))
        return Demand(email=first.email, wished=first.wished + self.added / len(self.demands), granted=first.granted)


def get(table: str) -> Request:
    """Read the summary."""
    return {"TableName": table, "Key": _KEY}


def sum_up(table: str, demands: Sequence[Demand], *, seen: Summary, at_ms: int) -> Request:
    """Sum up anew, refused if somebody did since; what was registered before is among the wishes now."""
    accounts = {one.email: {"wished": one.wished, "granted": one.granted} for one in demands}
    values = {"at": at_ms, "accounts": accounts, "ttl": at_ms // SECOND_MS + ROW_TTL_S}
    return {
        "TableName": table,
        "Key": _KEY,
        "UpdateExpression": "SET #at = :at, #accounts = :accounts, #ttl = :ttl REMOVE #added",
        "ConditionExpression": "attribute_not_exists(#at)" if seen.at_ms is None else "#at = :seen",
        "ExpressionAttributeNames": {"#at": "at", "#accounts": "accounts", "#ttl": "ttl", "#added": "added"},
        "ExpressionAttributeValues": bind(values if seen.at_ms is None else values | {"seen": seen.at_ms}),
    }


def add(table: str, reads_per_minute: float, *, at_ms: int) -> Request:
    """Add what a registration comes to, or take away what an edit saves; the answer is the row."""
    return {
        "TableName": table,
        "Key": _KEY,
        "UpdateExpression": "SET #ttl = :ttl ADD #added :reads",
        "ExpressionAttributeNames": {"#added": "added", "#ttl": "ttl"},
        "ExpressionAttributeValues": bind({"reads": reads_per_minute, "ttl": at_ms // SECOND_MS + ROW_TTL_S}),
        "ReturnValues": "ALL_NEW",
    }
