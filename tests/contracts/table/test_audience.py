"""What the sockets' Lambda asks of its tables: buckets, connections, the account's seconds, tickets, sweeps."""

from collections.abc import Callable
from typing import Any

from contracts import access
from contracts.access import Right
from contracts.table import budget, connections, subscribers, sweeps
from contracts.table.connections import Subscription
from contracts.table.schema import TableNames
from contracts.table.subscribers import Cursor
from contracts.table.sweeps import LATE, Late
from contracts.table.values import read_item, returned

SOURCE, NOW_MS = "external-1", 1_795_000_000_000
RIGHT = Right(principal="ada", scopes=frozenset({"read"}), expires_ms=NOW_MS + 1)


def subscription(connection_id: str, *, until_s: int = NOW_MS // 1_000 + 1) -> Subscription:
    """Make a subscription in the first bucket."""
    return Subscription(
        connection_id=connection_id, source_id=SOURCE, bucket=0, principal="ada", since_ms=NOW_MS, until_s=until_s
    )


def rows(client: Any, request: dict[str, Any]) -> list[dict[str, Any]]:
    """Query."""
    return [read_item(item) for item in client.query(**request)["Items"]]


def test_a_bucket_is_read_after_a_place_without_its_cursor_and_without_who_is_over(client: Any, tables: TableNames):
    """A pass that was cut short goes on there; expired rows stand for up to two days."""
    table = tables.subscribers
    for name in ("a", "b", "c"):
        client.put_item(**subscribers.put_subscriber(table, subscription(name)))
    client.put_item(**subscribers.put_subscriber(table, subscription("d", until_s=NOW_MS // 1_000)))
    client.update_item(**subscribers.count_in(table, SOURCE, 0))

    everybody = rows(client, subscribers.subscribers(table, SOURCE, 0, now_ms=NOW_MS))
    rest = rows(client, subscribers.subscribers(table, SOURCE, 0, now_ms=NOW_MS, after="b"))

    assert [row["connectionId"] for row in everybody] == ["a", "b", "c"]
    assert [row["connectionId"] for row in rest] == ["c"]


def test_a_bucket_counts_in_and_out_never_below_nobody(client: Any, tables: TableNames, refused: Callable[..., Any]):
    """A goodbye that comes twice must not make room that is not there."""
    table = tables.subscribers
    assert read_item(client.update_item(**subscribers.count_in(table, SOURCE, 0))["Attributes"])["count"] == 1

    client.update_item(**subscribers.count_out(table, SOURCE, 0))

    refused(client.update_item, subscribers.count_out(table, SOURCE, 0))
    refused(client.update_item, subscribers.count_out(table, "another", 0))


def test_a_further_bucket_is_opened_once(client: Any, tables: TableNames, refused: Callable[..., Any]):
    """Two that fill the last place at once open one, and a pass that moves the cursor closes none."""
    table = tables.subscribers
    client.update_item(**subscribers.open_bucket(table, SOURCE, 1))
    refused(client.update_item, subscribers.open_bucket(table, SOURCE, 1))
    told = Cursor(incarnation="i", version=7, count=3, lag_ms=20)

    client.update_item(**subscribers.set_cursor(table, SOURCE, 0, told))

    found = Cursor.read(client.get_item(**subscribers.get_cursor(table, SOURCE, 0))["Item"])
    assert (found.buckets, found.version, found.count) == (2, 7, 3)


def test_a_second_is_given_out_up_to_its_most(client: Any, tables: TableNames, refused: Callable[..., Any]):
    """The sum after an addition is the sender's place; what is refused tells where the second stands."""
    table = tables.budget
    refused(client.update_item, budget.take(table, 5, 10, least=0, most=100))
    client.update_item(**budget.begin(table, 5, 60, least=0))
    refused(client.update_item, budget.begin(table, 5, 60, least=0))
    placed = read_item(client.update_item(**budget.take(table, 5, 40, least=0, most=100))["Attributes"])

    error = refused(client.update_item, budget.take(table, 5, 1, least=0, most=100))
    client.update_item(**budget.count(table, 5, 7))

    assert placed["used"] == 100
    row = returned(error)
    assert row
    assert row["used"] == 100
    late = refused(client.update_item, budget.take(table, 5, 1, least=108, most=1_000))
    assert (returned(late) or {})["used"] == 107


def test_a_ticket_lets_in_whoever_takes_it_first_and_in_time(
    client: Any, tables: TableNames, refused: Callable[..., Any]
):
    """Nobody after, and nobody later than its 60 s."""
    table = tables.access
    for ticket in ("one", "two"):
        client.put_item(**access.put_ticket(table, ticket, RIGHT, now_ms=NOW_MS))

    taken = client.delete_item(**access.take_ticket(table, "one", now_ms=NOW_MS))

    assert Right.from_row(read_item(taken["Attributes"])) == RIGHT
    refused(client.delete_item, access.take_ticket(table, "one", now_ms=NOW_MS))
    refused(client.delete_item, access.take_ticket(table, "two", now_ms=NOW_MS + 60_000))
    refused(client.delete_item, access.take_ticket(table, "none", now_ms=NOW_MS))


def test_a_connection_is_renewed_only_while_it_is_there(client: Any, tables: TableNames, refused: Callable[..., Any]):
    """A renewal that is late must not bring back the row of a connection that was cut."""
    table = tables.connections
    refused(client.update_item, connections.renew(table, "one", RIGHT, now_ms=NOW_MS))
    client.put_item(**connections.put_connection(table, "one", RIGHT, now_ms=NOW_MS - 1))
    client.put_item(**connections.put_subscription(table, subscription("one"), now_ms=NOW_MS))

    client.update_item(**connections.renew(table, "one", RIGHT, now_ms=NOW_MS))

    own, other = rows(client, connections.rows_of(table, "one"))
    assert (own["sheetId"], own["since"], other["sheetId"]) == ("#", NOW_MS, SOURCE)


def test_what_is_late_is_listed_with_its_tries_until_it_is_forgotten(client: Any, tables: TableNames):
    """Each time that it is queued again counts."""
    table, late = tables.connections, Late(source_id=SOURCE, bucket=3, at_ms=NOW_MS)
    for tries in (0, 1, 1):
        client.update_item(**sweeps.watch(table, late, tries=tries))

    (found,) = client.query(**sweeps.listed(table, LATE, now_ms=NOW_MS))["Items"]
    client.delete_item(**sweeps.delete(table, LATE, late.name))

    assert Late.from_row(read_item(found)) == Late(source_id=SOURCE, bucket=3, at_ms=NOW_MS, tries=2)
    assert rows(client, sweeps.listed(table, LATE, now_ms=NOW_MS)) == []
