"""
Requests to Budget: when a Google account may be read next, by whichever worker.

One row per account holds the moment up to which reads are spoken for. Who wants to read moves it on by a fixed spacing
for each read and owns the moments it moved over. So reads of all workers together are spread evenly, and neither a
fixed minute nor a sliding one ever holds more of them than the quota allows; a count per minute would let two full
minutes meet at their border. Each worker also writes down how many reads per minute it wishes for: everybody sees in
the answer by how much the wishes exceed the quota.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.table.values import Item, bind, read_item

type Request = dict[str, Any]

#: Of the quota, so much is used: the rest covers clocks that are not quite right and answers that are counted late.
USED = 0.965
#: A wish that was not renewed for so long is a worker's that is gone.
WISH_AGE_MAX_MS = 120 * SECOND_MS
ROW_TTL_S = 86_400

_WISH = "wish:"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one worker would read of an account, if it could."""

    worker: str
    reads_per_minute: float
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """An account's row: reads are spoken for until `until_ms`; who wishes for how many."""

    until_ms: float
    wishes: tuple[Wish, ...]

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read the row as a client returns it."""
        row = read_item(item)
        wishes = [
            Wish(worker=name.removeprefix(_WISH), reads_per_minute=held["reads"], at_ms=held["at"])
            for name, held in row.items()
            if name.startswith(_WISH)
        ]
        return cls(until_ms=row["until"], wishes=tuple(wishes))

    def wished(self, *, now_ms: int) -> float:
        """Sum up what living workers wish for, in reads per minute."""
        return sum(wish.reads_per_minute for wish in self.wishes if now_ms - wish.at_ms <= WISH_AGE_MAX_MS)

    def forgotten(self, *, now_ms: int) -> list[str]:
        """Name the workers whose wishes nobody renews."""
        return [wish.worker for wish in self.wishes if now_ms - wish.at_ms > WISH_AGE_MAX_MS]


def granted(reads_per_minute: float) -> float:
    """Say how many reads a minute are really given out of a quota."""
    return reads_per_minute * USED


def spacing_ms(reads_per_minute: float) -> float:
    """Say how far apart the reads of a quota are."""
    return MINUTE_MS / granted(reads_per_minute)


def get(table: str, account: str) -> Request:
    """Read an account's row."""
    return {"TableName": table, "Key": _key(account)}


def reserve(table: str, account: str, wish: Wish, *, span_ms: float, earliest_ms: int) -> Request:
    """Speak for `span_ms` behind those before, refused where nobody spoke for anything later than `earliest_ms`."""
    return {
        **_written(table, account, wish, "ADD #until :span"),
        "ConditionExpression": "#until >= :earliest",
        "ExpressionAttributeValues": _values(wish, at_ms=earliest_ms, span=span_ms, earliest=earliest_ms),
    }


def restart(table: str, account: str, wish: Wish | None, *, span_ms: float, earliest_ms: int) -> Request:
    """Speak for `span_ms` from `earliest_ms` on, refused where somebody did for later meanwhile."""
    values = {"until": earliest_ms + span_ms, "earliest": earliest_ms}
    return {
        **_written(table, account, wish, "", ", #until = :until"),
        "ConditionExpression": "attribute_not_exists(#until) OR #until < :earliest",
        "ExpressionAttributeValues": _values(wish, at_ms=earliest_ms, **values),
    }


def reserve_soon(table: str, account: str, *, span_ms: float, earliest_ms: int, latest_ms: int) -> Request:
    """Speak for `span_ms` without a wish, refused also where the moment before it is later than `latest_ms`."""
    values = {"span": span_ms, "earliest": earliest_ms, "latest": latest_ms}
    return {
        **_written(table, account, None, "ADD #until :span"),
        "ConditionExpression": "#until BETWEEN :earliest AND :latest",
        "ExpressionAttributeValues": _values(None, at_ms=earliest_ms, **values),
    }


def hold(table: str, account: str, *, until_ms: float) -> Request:
    """Let nobody read before a moment: Google said that it is enough. Refused where that is so already."""
    return {
        "TableName": table,
        "Key": _key(account),
        "UpdateExpression": "SET #until = :until",
        "ConditionExpression": "#until < :until",
        "ExpressionAttributeNames": {"#until": "until"},
        "ExpressionAttributeValues": bind({"until": until_ms}),
    }


def forget(table: str, account: str, worker: str, *, at_ms: int) -> Request:
    """Drop the wish of a worker that is gone, refused if it was renewed."""
    return {
        "TableName": table,
        "Key": _key(account),
        "UpdateExpression": "REMOVE #wish",
        "ConditionExpression": "#wish.#at <= :at",
        "ExpressionAttributeNames": {"#wish": f"{_WISH}{worker}", "#at": "at"},
        "ExpressionAttributeValues": bind({"at": at_ms - WISH_AGE_MAX_MS}),
    }


def _written(table: str, account: str, wish: Wish | None, before: str, also: str = "") -> Request:
    noted, names = ("#wish = :wish, ", {"#wish": f"{_WISH}{wish.worker}"}) if wish else ("", {})
    return {
        "TableName": table,
        "Key": _key(account),
        "UpdateExpression": f"{before} SET {noted}#ttl = :ttl{also}".strip(),
        "ExpressionAttributeNames": {"#until": "until", "#ttl": "ttl", **names},
        "ReturnValues": "ALL_NEW",
    }


def _values(wish: Wish | None, *, at_ms: int, **more: float) -> Item:
    held = {"wish": {"reads": wish.reads_per_minute, "at": wish.at_ms}} if wish else {}
    return bind({**held, "ttl": at_ms // SECOND_MS + ROW_TTL_S, **more})


def _key(account: str) -> Item:
    return {"id": {"S": f"google#{account}"}}
