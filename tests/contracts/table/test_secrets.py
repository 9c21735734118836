"""Conditions on the rows of secrets: who may make, join and delete one."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.table import secrets
from contracts.table.schema import TableNames
from contracts.table.values import read_item

SECRET, NOW_MS = "prefix/external-1", 1_000


@pytest.fixture
def table(tables: TableNames) -> str:
    """Give the table's name."""
    return tables.fleet


def row(client: Any, table: str) -> dict[str, Any]:
    """Read the row, empty if it is gone."""
    request = {"TableName": table, "Key": {"pk": {"S": secrets.PARTITION}, "sk": {"S": SECRET}}}
    return read_item(client.get_item(**request).get("Item", {}))


def make(client: Any, table: str, holder: str = "a") -> None:
    """Bring a secret into use."""
    client.update_item(**secrets.hold_to_make(table, SECRET, holder=holder, now_ms=NOW_MS))
    client.update_item(**secrets.keep(table, SECRET, holder=holder))


def test_a_secret_is_held_by_one_until_its_hold_lapses(client: Any, table: str, refused: Callable[..., Any]):
    """Else one would delete what the other just made."""
    client.update_item(**secrets.hold_to_make(table, SECRET, holder="a", now_ms=NOW_MS))
    for hold in (secrets.hold_to_make, secrets.hold_to_delete):
        refused(client.update_item, hold(table, SECRET, holder="b", now_ms=NOW_MS + secrets.HOLD_MS))
    client.update_item(**secrets.hold_to_make(table, SECRET, holder="a", now_ms=NOW_MS + 1))

    client.update_item(**secrets.hold_to_delete(table, SECRET, holder="b", now_ms=NOW_MS + secrets.HOLD_MS + 2))
    refused(client.update_item, secrets.keep(table, SECRET, holder="a"))
    client.delete_item(**secrets.forget(table, SECRET, holder="b"))
    assert row(client, table) == {}


def test_nobody_holds_a_secret_that_is_used(client: Any, table: str, refused: Callable[..., Any]):
    """A source that joined never finds its key gone."""
    make(client, table)
    client.update_item(**secrets.share(table, SECRET))
    client.update_item(**secrets.leave(table, SECRET))
    late = NOW_MS + 10 * secrets.HOLD_MS
    for hold in (secrets.hold_to_make, secrets.hold_to_delete):
        refused(client.update_item, hold(table, SECRET, holder="b", now_ms=late))
    refused(client.delete_item, secrets.forget(table, SECRET, holder="a"))
    assert row(client, table) == {"pk": "secrets", "sk": SECRET, "uses": 1}


def test_nobody_joins_a_secret_that_its_last_source_left(client: Any, table: str, refused: Callable[..., Any]):
    """It may be deleted at any moment."""
    refused(client.update_item, secrets.share(table, SECRET))
    make(client, table)
    client.update_item(**secrets.leave(table, SECRET))
    refused(client.update_item, secrets.share(table, SECRET))


def test_a_secret_without_a_row_is_not_held_to_delete(client: Any, table: str, refused: Callable[..., Any]):
    """A deletion that is repeated must make no row."""
    refused(client.update_item, secrets.hold_to_delete(table, SECRET, holder="a", now_ms=NOW_MS))


def test_what_is_left_behind_is_found(client: Any, table: str):
    """Unused and held by nobody, or by somebody who must be dead."""

    def found(now_ms: int) -> list[str]:
        return [read_item(item)["sk"] for item in client.query(**secrets.unused(table, now_ms=now_ms))["Items"]]

    client.update_item(**secrets.hold_to_make(table, SECRET, holder="a", now_ms=NOW_MS))
    assert found(NOW_MS + secrets.HOLD_MS) == []
    assert found(NOW_MS + secrets.HOLD_MS + 1) == [SECRET]
    client.update_item(**secrets.keep(table, SECRET, holder="a"))
    assert found(NOW_MS + 2 * secrets.HOLD_MS) == []
    client.update_item(**secrets.leave(table, SECRET))
    assert found(NOW_MS) == [SECRET]
