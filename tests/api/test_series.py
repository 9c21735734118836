"""Numbers over time: each counts for as long as it held, gaps stay gaps, and every answer is bounded."""

import math
from functools import partial
from typing import Any

import pytest

from api import history
from api.buckets import Buckets, number
from api.series import show_series
from contracts.pointer import NOT_THERE, Cell
from contracts.table import heads
from tests.api.account import NOW_MS, Answer, Aws, Caller, later
from tests.api.test_changes import documents, rows, written


def look(caller: Caller, source_id: str, **query: Any) -> Answer:
    """Ask for a series."""
    aws = caller.aws
    act = partial(show_series, documents=documents(aws), tables=aws.tables, now_ms=aws.now_ms)
    told = {name.rstrip("_"): str(value) for name, value in query.items()}
    return caller.call(act, "GET /datasources/{sourceId}/series", source_id=source_id, query=told)


def points(caller: Caller, source_id: str, **query: Any) -> list[dict[str, Any]]:
    """Follow `next` to the end, and join what was cut in two."""
    found: dict[int, dict[str, Any]] = {}
    while True:
        answer = look(caller, source_id, **query).json
        for point in answer["points"]:
            found[point["at"]] = joined(found.get(point["at"]), point)
        if "next" not in answer:
            return [found[at] for at in sorted(found)]
        assert answer["next"] > query.get("from_", 0)
        query["from_"] = answer["next"]


def joined(one: dict[str, Any] | None, two: dict[str, Any]) -> dict[str, Any]:
    """Join two parts of one bucket, as docs/api.md tells its readers to."""
    if one is None:
        return two
    held = one["heldMs"] + two["heldMs"]
    return {
        "at": one["at"], "count": one["count"] + two["count"], "min": min(one["min"], two["min"]),
        "max": max(one["max"], two["max"]), "last": two["last"], "heldMs": held,
        "mean": (one["mean"] * one["heldMs"] + two["mean"] * two["heldMs"]) / held,
    }  # fmt: skip


def test_a_number_counts_for_as_long_as_it_held(caller: Caller):
    """One second at 1, one at 4, eight at 2: the mean is weighed, the bucket after is filled by what still holds."""
    source_id = written(caller, rows(1), rows(4), rows(2))
    later(caller.aws, 12)
    answer = look(caller, source_id, path="/rows/0/price", bucket=10, from_=NOW_MS, to=NOW_MS + 20_000)
    assert answer.json["points"] == [
        {"at": NOW_MS, "count": 3, "min": 1, "max": 4, "mean": 2.1, "last": 2, "heldMs": 10_000},
        {"at": NOW_MS + 10_000, "count": 0, "min": 2, "max": 2, "mean": 2, "last": 2, "heldMs": 5_000},
    ]
    told = {name: answer.json[name] for name in ("bucket", "from", "to")}
    assert told == {"bucket": 10, "from": NOW_MS, "to": NOW_MS + 15_000}
    assert "next" not in answer.json


def test_a_mean_lies_among_what_was_there(caller: Caller):
    """Weighed by 5 ms, 27.84 would be 27.840000000000003, and a chart of it would show nothing but that."""
    source_id = written(caller, rows(27.84))
    later(caller.aws, 12)
    shown = points(caller, source_id, path="/rows/0/price", bucket=1, from_=NOW_MS, to=NOW_MS + 9_005)
    assert {(point["min"], point["mean"], point["max"]) for point in shown} == {(27.84, 27.84, 27.84)}


def test_a_window_begins_with_what_held_before_it(caller: Caller):
    """The state is read from the document that was there when it began."""
    source_id = written(caller, rows(1), rows(4), rows(2))
    (point,) = points(caller, source_id, path="/rows/0/price", bucket=10, from_=NOW_MS + 1_500, to=NOW_MS + 2_500)
    assert point == {"at": NOW_MS, "count": 1, "min": 2, "max": 4, "mean": 3, "last": 2, "heldMs": 1_000}


def test_what_is_no_number_is_a_gap(caller: Caller):
    """Nothing is drawn over it: neither for a text, nor for a place that is gone."""
    source_id = written(caller, {"n": 1}, {"n": "down"}, {"n": "3.5"}, {}, {"n": True}, {"n": 2})
    shown = points(caller, source_id, path="/n", bucket=1, from_=NOW_MS, to=NOW_MS + 6_000)
    assert [((point["at"] - NOW_MS) // 1_000, point["last"]) for point in shown] == [(0, 1), (2, 3.5), (5, 2)]


def test_a_row_that_moves_is_followed_by_place(caller: Caller):
    """The path names a place, not a record: what moves into it is what is charted."""
    source_id = written(caller, rows(1, 2), rows(9, 1, 2), rows(9, 1))
    shown = points(caller, source_id, path="/rows/1/price", bucket=1, from_=NOW_MS, to=NOW_MS + 3_000)
    assert [point["last"] for point in shown] == [2, 1, 1]


def test_what_nobody_knows_any_more_is_a_gap(aws: Aws, caller: Caller):
    """Its document is gone; the next change that says the value ends the gap."""
    source_id = written(caller, rows(1, 2), rows(9, 1, 2), rows(9, 5, 2))
    for row in aws.rows(aws.tables.sheets_data):
        if f"{source_id}@2@" in row["id"]["S"]:
            aws.dynamodb.delete_item(**heads.delete(aws.tables.sheets_data, row["id"]["S"]))
    shown = points(caller, source_id, path="/rows/1/price", bucket=1, from_=NOW_MS, to=NOW_MS + 3_000)
    assert [((point["at"] - NOW_MS) // 1_000, point["last"]) for point in shown] == [(0, 2), (2, 5)]


def test_parts_make_the_same_series_as_the_whole(caller: Caller, monkeypatch: pytest.MonkeyPatch):
    """However little one answer may read."""
    source_id = written(caller, *(rows(*range(n % 5), n) for n in range(30)))
    query = {"path": "/rows/2/price", "bucket": 4, "from_": NOW_MS - 3_000, "to": NOW_MS + 30_000}
    whole = look(caller, source_id, **query).json["points"]
    monkeypatch.setattr(history, "DOCUMENTS_MAX", 3)
    parts = points(caller, source_id, **query)
    assert "next" in look(caller, source_id, **query).json
    for one, two in zip(whole, parts, strict=True):
        assert one == pytest.approx(two)


def test_the_last_day_in_240_buckets_is_what_one_gets_unasked(caller: Caller):
    """A chart needs no more."""
    source_id = written(caller, 5)
    answer = look(caller, source_id, path="").json
    assert (answer["bucket"], answer["to"] - answer["from"]) == (360, 86_400_000)
    assert [point["last"] for point in answer["points"]] == [5]


def test_before_the_first_version_there_is_nothing(caller: Caller):
    """And a source without data has no points; none has no source."""
    source_id = written(caller, 1)
    assert points(caller, source_id, path="", from_=NOW_MS - 9_000, to=NOW_MS - 1_000) == []
    assert points(caller, caller.register().json["id"], path="") == []
    assert look(caller, "external-00000000", path="").status == 404


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({}, "path"),
        ({"path": "x"}, "path"),
        ({"path": "", "bucket": 0}, "bucket"),
        ({"path": "", "bucket": 86_401}, "bucket"),
        ({"path": "", "bucket": 1}, "bucket"),
        ({"path": "", "from_": NOW_MS + 1}, "from"),
        ({"path": "", "from_": 5, "to": 5}, "from"),
        ({"path": "", "to": 10**20}, "to"),
        ({"path": "", "from_": "2026-11-27"}, "from"),
        ({"path": "", "window": "1d"}, "window"),
    ],
)
def test_a_wrong_parameter_is_named(caller: Caller, query: dict[str, Any], wrong: str):
    """Also a window of more buckets than an answer holds."""
    answer = look(caller, "external-00000000", **query)
    assert (answer.status, answer.fields) == (400, {wrong})


@pytest.mark.parametrize(
    ("value", "read"),
    [(1, 1.0), (-2.5, -2.5), ("7", 7.0), (" 1e3 ", 1000.0), (True, None), (None, None), ("", None), ("1,5", None),
     ("nan", None), ("1e999", None), (10**400, None), ("9" * 65, None), ([], None), ({}, None), ("٣", None)],
)  # fmt: skip
def test_numbers_are_those_of_json_and_texts_that_are_one(value: Any, read: float | None):
    """XML knows only text; true is no 1."""
    assert number(Cell(exists=True, value=value)) == read
    assert number(NOT_THERE) is None
    assert number(None) is None


def test_a_mean_of_extremes_is_still_a_number():
    """JSON has no infinity."""
    buckets = Buckets(length_ms=1_000)
    buckets.hold(1e308, 0, 1_000)
    (shown,) = buckets.shown()
    assert math.isfinite(shown["mean"])
