"""What `make cost` says is counted: from the code, the program and the lines that are really written."""

import json
import logging
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import cost, counted
from bench.cost import Use
from monitor_fleet.lags import Lags
from monitor_fleet.log import JsonLines
from monitor_fleet.meter import Meter
from monitor_fleet.reading import Reading
from tests.stack.program import Built
from tests.stack.test_alarms import metrics_of

DOCS = Path(__file__).parent.parent.parent / "docs" / "cost.md"


def usd(use: Use, what: str) -> float:
    """Give one line of a bill."""
    return next(line.usd for line in cost.bill(use) if line.what == what)


def test_alarms_and_charts_are_as_many_as_the_program_declares(built: Built):
    """The bill is of a stack that watches one kind of source, as this one does."""
    alarms = built.of("MetricAlarm")

    assert not any("googleSheet" in alarm.name for alarm in alarms)
    looked_at = sum(len(metrics_of(alarm)) for alarm in alarms)
    assert looked_at - 1 == cost.ALARM_METRICS  # that of alerts is theirs, which are left out
    assert len(built.of("Dashboard")) == cost.CHART_PAGES


def test_keys_are_held_of_as_many_tables_as_the_program_lets_somebody_ask(built: Built):
    """KMS is paid by the request: one for each table and connection, every five minutes."""
    worker, sockets = tables_of(built, "fleet-external"), tables_of(built, "sockets-handler")

    assert (len(worker), len(sockets)) == (cost.WORKER_TABLES, cost.SOCKETS_TABLES)
    assert len(built.of("Key")) == cost.OUR_KEYS


def tables_of(built: Built, role: str) -> set[str]:
    """Name the tables that a role may ask anything of."""
    return {one.partition("/index/")[0] for one in built.may(role) if one.startswith("arn:aws:dynamodb:")}


def test_a_workers_line_is_as_long_as_the_bill_says(caplog: pytest.LogCaptureFixture):
    """Logs are paid by the byte, and each worker writes one such line a minute."""

    async def never(_: float) -> None:
        raise AssertionError("nobody waits here")

    reading = Reading(
        worker="w" * 32, kind="external", may_act=True, is_ticking=True, owned_shards=tuple(range(512)), sources=50_000,
        failing_sources=500, in_flight=0, in_flight_slow=0, large_bytes=0, large_waits=0, overdue_ms=0,
        overloaded=False, circuits_open=0, blames_itself=False, heartbeat_age_ms=2_000,
        polls=Counter({"304": 50_000, "failed_timeout": 500}), skipped=Counter(), moves=Counter(),
    )  # fmt: skip
    caplog.set_level(logging.INFO, logger="monitor_fleet")
    Meter(
        read=lambda: reading, lags=Lags(), events=Counter(), now_ms=lambda: 1_795_000_000_000, sleep=never,
        dimensions={"Stack": "sheet-monitor-fleet-prod", "Kind": "external"},
    ).write()  # fmt: skip
    (record,) = caplog.records

    assert len(JsonLines().format(record)) == pytest.approx(cost.WORKER_LINE_BYTES, rel=0.2)


def test_an_unchanged_poll_costs_no_call():
    """So its line is nothing, however many polls there are."""
    assert counted.change(5_000).unchanged_calls == 0
    assert usd(Use(sources=100_000, interval=1), "unchanged polls in tables") == 0


def test_a_larger_document_costs_by_the_kilobyte():
    """The body is written once, whatever its change: a unit per KB of what is stored."""
    small, large = counted.change(2_000), counted.change(30_000)

    stored_kb = (large.body_bytes - small.body_bytes) / 1_024
    assert abs((large.write_units - small.write_units) - stored_kb) <= 1
    assert small.history_bytes == large.history_bytes


def test_everybody_in_an_audience_is_one_message():
    """A step is far below the 32 KB that API Gateway counts as one."""
    for size in (1, 40, 2_501):
        assert counted.audience(size, 5_000).messages == size


def test_beyond_what_is_counted_an_audience_is_reckoned_in_proportion(monkeypatch: pytest.MonkeyPatch):
    """Buckets cost alike."""
    monkeypatch.setattr(counted, "AUDIENCE_COUNTED_MAX", 500)
    at_most = counted.audience(counted.AUDIENCE_COUNTED_MAX, 1_000)

    assert counted.audience(4 * counted.AUDIENCE_COUNTED_MAX, 1_000) == at_most.times(4)


def test_leases_cost_by_the_worker():
    """One heartbeat row each: writes grow with the workers alone."""
    one, four = counted.quiet_minute(1), counted.quiet_minute(4)

    assert four.write_units == pytest.approx(4 * one.write_units, rel=0.05)


@settings(max_examples=20, deadline=None)
@given(sources=st.integers(1, 2_000), subscribers=st.integers(0, 200), changes=st.floats(0, 300))
def test_more_of_anything_never_costs_less(sources: int, subscribers: int, changes: float):
    """A bill is a sum of prices times counts."""
    use = Use(sources=sources, subscribers=subscribers, changes=changes)
    total = sum(line.usd for line in cost.bill(use))

    assert all(line.usd >= 0 for line in cost.bill(use))
    for more in (
        Use(sources=sources, subscribers=subscribers + 100, changes=changes),
        Use(sources=sources, subscribers=subscribers, changes=changes + 10),
    ):
        assert sum(line.usd for line in cost.bill(more)) > total


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("INTERVAL=0", "INTERVAL"), ("CHANGES=361", "CHANGES"), ("DOCUMENT=9000000", "DOCUMENT"), ("KEYS=2000", "KEYS"),
        ("SOURCE=1", "SOURCES"), ("SOURCES=many", "SOURCES"), ("SOURCES=-1", "SOURCES"), ("SOURCES=0", "SOURCES"),
    ],
)  # fmt: skip
def test_what_no_fleet_can_be_asked_is_refused_by_its_name(word: str, names: str):
    """Nothing is reckoned from a slip of the finger."""
    said = list[str]()

    assert cost.main([word], said.append) == 2
    assert len(said) == 1
    assert names in said[0]


def test_every_price_has_its_page_and_the_list_its_date():
    """Prices change: who reads a bill must be able to check them."""
    listed = json.loads(cost.PRICES.read_text())

    assert re.fullmatch(r"20\d\d-\d\d", listed["as_of"])
    for name, price in listed["prices"].items():
        assert price["usd"] > 0, name
        assert price["page"].startswith("https://aws.amazon.com/"), name


@pytest.mark.parametrize("words", ["SOURCES=1000", "SOURCES=10000 INTERVAL=10 CHANGES=6 SUBSCRIBERS=10000"])
def test_the_bills_in_the_docs_are_what_is_reckoned_now(words: str):
    """A bill that the code has outgrown would be a guess."""
    assert cost.table(Use.read(words.split())) in DOCS.read_text()
