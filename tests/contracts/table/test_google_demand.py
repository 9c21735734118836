"""The summary of what is wished for of Google: one writer a minute, and what is registered meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.sheet_reading import SWEEP_MS, read_every_ms
from contracts.table import google_demand
from contracts.table.google_demand import Demand, Summary
from contracts.table.schema import TableNames

NOW_MS = 1_795_000_000_000
ONE = Demand(email="one@example.iam.gserviceaccount.com", wished=80.5, granted=58)
OTHER = Demand(email="other@example.iam.gserviceaccount.com", wished=29, granted=58)
SPREADSHEET = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


def known(client: Any, table: str) -> Summary:
    """Read the summary."""
    return Summary.read(client.get_item(**google_demand.get(table)).get("Item"))


def test_a_summary_is_what_was_written(client: Any, tables: TableNames):
    """Before anybody wrote it nothing is wished for."""
    assert known(client, tables.budget) == Summary()
    client.update_item(**google_demand.sum_up(tables.budget, [ONE, OTHER], seen=Summary(), at_ms=NOW_MS))
    assert known(client, tables.budget) == Summary(at_ms=NOW_MS, demands=(ONE, OTHER))


def test_of_two_who_sum_up_at_once_one_is_refused(client: Any, tables: TableNames, refused: Callable[..., Any]):
    """Also the first time, and also after somebody registered."""
    client.update_item(**google_demand.add(tables.budget, 6, at_ms=NOW_MS))
    before = known(client, tables.budget)
    client.update_item(**google_demand.sum_up(tables.budget, [ONE], seen=before, at_ms=NOW_MS))
    refused(client.update_item, google_demand.sum_up(tables.budget, [OTHER], seen=before, at_ms=NOW_MS + 1))
    later = google_demand.sum_up(tables.budget, [OTHER], seen=known(client, tables.budget), at_ms=NOW_MS + 1)
    client.update_item(**later)
    refused(client.update_item, later)
    assert known(client, tables.budget).demands == (OTHER,)


def test_what_is_registered_adds_up_until_it_is_summed_up(client: Any, tables: TableNames):
    """An edit may take some away."""
    for more in (6.0, 0.5, -1.25):
        row = client.update_item(**google_demand.add(tables.budget, more, at_ms=NOW_MS))["Attributes"]
    assert Summary.read(row) == known(client, tables.budget) == Summary(added=5.25)
    client.update_item(**google_demand.sum_up(tables.budget, [ONE], seen=Summary(added=5.25), at_ms=NOW_MS))
    assert known(client, tables.budget).added == 0


def test_a_sheet_is_told_of_the_account_that_reads_it():
    """The same one that workers choose, with its share of what is not summed up yet."""
    summary = Summary(at_ms=NOW_MS, demands=(ONE, OTHER), added=10)
    found = {summary.of(f"{SPREADSHEET}{n}", granted=1) for n in range(20)}
    assert found == {
        Demand(email=ONE.email, wished=85.5, granted=58),
        Demand(email=OTHER.email, wished=34, granted=58),
    }


def test_without_a_summary_one_account_is_taken_for_all_there_is():
    """Nobody knows better before a worker looked."""
    assert Summary(added=116).of(SPREADSHEET, granted=58).factor == 2
    assert Summary().of(SPREADSHEET, granted=58).factor == 1


@pytest.mark.parametrize(("interval_ms", "hinted", "every_ms"), [
    (60_000, True, 60_000), (180_000, False, 180_000), (180_000, True, 1_080_000), (600_000, True, SWEEP_MS),
    (SWEEP_MS * 3, True, SWEEP_MS * 3),
])  # fmt: skip
def test_hints_let_slow_sheets_be_read_at_the_sweep(interval_ms: int, hinted: bool, every_ms: int):
    """The fast ones gain nothing by them."""
    assert read_every_ms(interval_ms, hinted=hinted) == every_ms
