"""Conditions of DataSources, and the reads that others rely on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contracts.source import Source, State, Status
from contracts.table import sources
from contracts.table.schema import TableNames
from contracts.table.values import read_item
from monitor_fleet.errors import Refused
from monitor_fleet.store import Store, in_threads

SOURCE = Source(
    id="external-1", name="one", url="https://example.com/", revision=2, incarnation="i", shard=1,
    createdAt="2026-01-01T00:00:00.000Z", lastUpdated="2026-01-01T00:00:00.000Z",
)  # fmt: skip


@pytest.fixture
def table(client: Any, tables: TableNames) -> str:
    """Put a source; give the table's name."""
    client.put_item(**sources.put_new(tables.data_sources, SOURCE))
    return tables.data_sources


@pytest.fixture
def store(client: Any) -> Iterator[Store]:
    """Give the worker's verbs over the client."""
    with ThreadPoolExecutor(1) as threads:
        yield Store(in_threads(client, threads))


def read(client: Any, table: str) -> Source:
    """Read the source back."""
    return Source.from_item(read_item(client.get_item(**sources.get(table, SOURCE.id))["Item"]))


def test_a_source_comes_back_as_it_was_put(client: Any, table: str):
    """Every field has an attribute."""
    assert read(client, table) == SOURCE


def test_an_id_is_registered_once(client: Any, table: str, refused: Callable[..., Any]):
    """The second would replace the first's rules."""
    refused(client.put_item, sources.put_new(table, SOURCE))


def test_of_an_edit_and_a_deletion_at_once_one_lands(client: Any, table: str, refused: Callable[..., Any]):
    """A deletion holds for the revision that was looked at."""
    refused(client.delete_item, sources.delete(table, SOURCE.id, revision=1))

    client.delete_item(**sources.delete(table, SOURCE.id, revision=2))


def test_a_status_is_not_overwritten_by_an_older_owner(client: Any, table: str, refused: Callable[..., Any]):
    """It never touches the revision, and never brings a deleted source back."""
    failing, old = Status(state=State.FAILING, why="x", epoch=3), Status(state=State.HEALTHY, epoch=2)
    client.update_item(**sources.set_status(table, SOURCE.id, failing, incarnation="i"))

    refused(client.update_item, sources.set_status(table, SOURCE.id, old, incarnation="i"))
    refused(client.update_item, sources.set_status(table, SOURCE.id, failing, incarnation="j"))
    refused(client.update_item, sources.set_status(table, "gone", failing, incarnation="i"))

    assert read(client, table) == SOURCE.model_copy(update={"status": failing})


def test_those_in_trouble_are_found_by_their_state_until_they_are_well(client: Any, table: str):
    """The index is sparse: who is healthy is not in it."""

    def found() -> list[str]:
        request = sources.page_of_attention(table, State.FAILING, limit=5, after=None)
        return [read_item(item)["id"] for item in client.query(**request)["Items"]]

    client.update_item(**sources.set_status(table, SOURCE.id, Status(state=State.FAILING, epoch=1), incarnation="i"))
    assert found() == [SOURCE.id]

    client.update_item(**sources.set_status(table, SOURCE.id, Status(state=State.HEALTHY, epoch=1), incarnation="i"))
    assert found() == []


def test_those_whose_certificate_ends_are_found_until_it_is_renewed(client: Any, table: str):
    """They are well, so under their state nobody looks for them."""

    def found() -> list[str]:
        request = sources.page_of_attention(table, sources.CERTIFICATE, limit=5, after=None)
        return [read_item(item)["id"] for item in client.query(**request)["Items"]]

    for days, expected in ((7, [SOURCE.id]), (None, [])):
        well = Status(state=State.HEALTHY, epoch=1, certificateDays=days)
        client.update_item(**sources.set_status(table, SOURCE.id, well, incarnation="i"))
        assert found() == expected


def test_a_list_goes_on_where_it_stopped(client: Any, table: str):
    """Each source on one page, whatever the order."""
    for number in range(2, 5):
        one = SOURCE.model_copy(update={"id": f"external-{number}"})
        client.put_item(**sources.put_new(table, one))

    seen: list[str] = []
    for _ in range(4):
        answer = client.scan(**sources.page(table, limit=2, after=seen[-1] if seen else None))
        seen += [read_item(item)["id"] for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break

    assert sorted(seen) == [f"external-{number}" for number in range(1, 5)]


async def test_the_workers_store_answers_in_our_words(store: Store, table: str):
    """The same error with the same item, whoever answers."""
    status = Status(state=State.FAILING, epoch=3)
    assert await store.get(sources.get(table, "gone")) is None
    assert len(await store.batch_get(sources.get_many(table, [SOURCE.id, "gone"]))) == 1

    with pytest.raises(Refused):
        await store.update(sources.set_status(table, "gone", status, incarnation="i"))
