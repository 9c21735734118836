"""Conditions on rows about alerts: one outage is told once, and one try is made by one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contracts.table import alerts
from contracts.table.alerts import Told
from contracts.table.schema import TableNames

ROW = Told(receiver="prod/webhook", source_id="external-1", incarnation="i#1", since_ms=5, owed="failing")


@pytest.fixture
def table(client: Any, tables: TableNames) -> str:
    """Owe the first word of an outage; give the table's name."""
    client.put_item(**alerts.owe_first(tables.fleet, ROW))
    return tables.fleet


def rows(client: Any, table: str) -> list[Told]:
    """Read the rows."""
    return [Told.read(item) for item in client.query(**alerts.rows(table))["Items"]]


def test_an_outage_is_owed_once(client: Any, table: str, refused: Callable[..., Any]):
    """Another outage of the same source is another matter."""
    assert rows(client, table) == [ROW]
    refused(client.put_item, alerts.owe_first(table, ROW))
    client.put_item(**alerts.owe_first(table, replace(ROW, since_ms=6)))
    assert rows(client, table) == [replace(ROW, since_ms=6)]


def test_a_try_is_claimed_by_one(client: Any, table: str, refused: Callable[..., Any]):
    """Two minutes may overlap; both would tell."""
    client.update_item(**alerts.claim(table, ROW, again_ms=99))
    refused(client.update_item, alerts.claim(table, ROW, again_ms=99))
    (row,) = rows(client, table)
    assert (row.tries, row.not_before_ms) == (1, 99)


def test_what_was_told_is_written_down_unless_there_is_newer_word(client: Any, table: str, refused: Callable[..., Any]):
    """A slow answer to the first must not swallow the second."""
    client.update_item(**alerts.claim(table, ROW, again_ms=99))
    client.update_item(**alerts.owe_next(table, ROW, "dormant"))
    refused(client.update_item, alerts.settle(table, ROW))
    newer = replace(ROW, owed="dormant")
    assert rows(client, table) == [newer]
    client.update_item(**alerts.settle(table, newer))
    assert rows(client, table) == [replace(ROW, owed="", told="dormant")]


def test_a_later_outage_is_not_forgotten_with_an_earlier_one(client: Any, table: str, refused: Callable[..., Any]):
    """What is over was looked at a moment ago."""
    client.put_item(**alerts.owe_first(table, replace(ROW, since_ms=6)))
    refused(client.delete_item, alerts.forget(table, ROW))
    client.delete_item(**alerts.forget(table, replace(ROW, since_ms=6)))
    assert rows(client, table) == []
