"""Every condition of heads: what is late is refused, whoever sent it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contracts.table import changes, heads
from contracts.table.changes import Change
from contracts.table.heads import Head, Next, Ref
from contracts.table.schema import TableNames
from contracts.table.transaction import reasons, transaction
from contracts.table.values import returned

type Refused = Callable[..., Any]

REF = Ref(id="s@1@h", encoding="json", bytes=2)
NEW = Next(version=1, hash="h", ref=REF, at_ms=1_000, etag='"e"')


@pytest.fixture
def table(client: Any, tables: TableNames) -> str:
    """Put the head of a new source; give the table's name."""
    client.put_item(**heads.put_new(tables.sheets_data, "s", "i"))
    return tables.sheets_data


def load(client: Any, table: str, *, epoch: int) -> Head:
    """Load a head as an owner does: fence it."""
    return Head.read(client.update_item(**heads.fence(table, "s", epoch=epoch))["Attributes"])


def stored(client: Any, table: str) -> Head:
    """Read a head as it stands."""
    return Head.read(client.get_item(**heads.get(table, "s"))["Item"])


def commit(table: str, tables: TableNames, head: Head, new: Next = NEW, *, token: str = "") -> dict[str, Any]:
    """Build a commit: head and change together."""
    change = Change(source_id="s", incarnation=head.incarnation, version=new.version, step=[], bytes=2, at_ms=new.at_ms)
    actions: list[Any] = [
        ("Update", heads.commit(table, head, new)),
        ("Put", changes.put(tables.changes, change, history_days=7)),
    ]
    return transaction(actions, token=f"{table[-12:]}-{token}{head.epoch}-{head.fence}-{new.version}{head.incarnation}")


def versions(client: Any, tables: TableNames) -> list[int]:
    """List the changes that are stored."""
    return [
        Change.read(item).version for item in client.query(**changes.after(tables.changes, "s", 0, upto=9))["Items"]
    ]


def test_a_source_gets_one_head(client: Any, table: str, refused: Refused):
    """Registering the same id twice must not start its versions again."""
    refused(client.put_item, heads.put_new(table, "s", "j"))

    assert stored(client, table) == Head(source_id="s", incarnation="i")


def test_loading_stamps_the_epoch_and_counts(client: Any, table: str):
    """The answer is the load."""
    assert load(client, table, epoch=4) == Head(source_id="s", incarnation="i", epoch=4, fence=1)
    assert load(client, table, epoch=4).fence == 2


def test_of_two_owners_the_older_cannot_load(client: Any, table: str, refused: Refused):
    """It learns that it is not the owner any more."""
    load(client, table, epoch=4)

    error = refused(client.update_item, heads.fence(table, "s", epoch=3))

    assert (returned(error) or {})["epoch"] == 4


def test_a_source_that_is_gone_is_not_loaded(client: Any, table: str, refused: Refused):
    """Loading must not bring it back."""
    client.delete_item(**heads.delete(table, "s"))

    assert returned(refused(client.update_item, heads.fence(table, "s", epoch=9))) is None
    assert "Item" not in client.get_item(**heads.get(table, "s"))


def test_a_commit_moves_head_and_changes_together(client: Any, table: str, tables: TableNames):
    """A version without its step would be a gap."""
    head = load(client, table, epoch=1)
    client.transact_write_items(**commit(table, tables, head))

    after = stored(client, table)
    assert (after.version, after.hash, after.ref, after.etag, after.fence) == (1, "h", REF, '"e"', head.fence)
    assert versions(client, tables) == [1]


def test_a_commit_sent_twice_lands_once(shared: Any, tables: TableNames):
    """The same token is the same commit (moto does not look at tokens)."""
    shared.put_item(**heads.put_new(tables.sheets_data, "s", "i"))
    request = commit(tables.sheets_data, tables, load(shared, tables.sheets_data, epoch=1))

    shared.transact_write_items(**request)
    shared.transact_write_items(**request)

    assert versions(shared, tables) == [1]


def test_of_two_commits_over_one_head_one_lands(client: Any, table: str, tables: TableNames, refused: Refused):
    """Versions have no gap and no fork; the refusal shows the head."""
    head = load(client, table, epoch=1)
    client.transact_write_items(**commit(table, tables, head, token="one"))

    error = refused(
        client.transact_write_items,
        commit(table, tables, head, replace(NEW, hash="other"), token="two"),
        code="TransactionCanceledException",
    )

    (code, old), (other, _) = reasons(error)
    assert (code, other) == ("ConditionalCheckFailed", "None")
    assert old is not None
    assert (old["version"], old["hash"]) == (1, "h")
    assert versions(client, tables) == [1]


def test_a_zombies_commit_after_the_new_owners_load_is_refused(
    client: Any, table: str, tables: TableNames, refused: Refused
):
    """The first way to lose a write by epochs alone: the new owner loaded, has nothing to write, and trusts it."""
    zombie = load(client, table, epoch=1)
    owner = load(client, table, epoch=2)

    refused(client.transact_write_items, commit(table, tables, zombie), code="TransactionCanceledException")

    assert stored(client, table) == owner


def test_an_own_late_commit_after_loading_again_is_refused(
    client: Any, table: str, tables: TableNames, refused: Refused
):
    """The second way: within one epoch, a commit that timed out lands after the reload. So `fence` counts loads."""
    first = load(client, table, epoch=1)
    again = load(client, table, epoch=1)

    refused(client.transact_write_items, commit(table, tables, first), code="TransactionCanceledException")

    assert stored(client, table) == again
    client.transact_write_items(**commit(table, tables, again))


def test_what_was_fetched_by_old_rules_does_not_land(client: Any, table: str, tables: TableNames, refused: Refused):
    """An edit closes the door; it makes no head for a source that is gone."""
    head = load(client, table, epoch=1)
    client.update_item(**heads.close_door(table, "s"))

    refused(client.transact_write_items, commit(table, tables, head), code="TransactionCanceledException")
    refused(client.update_item, heads.close_door(table, "gone"))


def test_another_incarnation_is_another_history(client: Any, table: str, tables: TableNames, refused: Refused):
    """Deleted and registered again under one id, between load and commit."""
    head = load(client, table, epoch=1)
    wrong = replace(head, incarnation="j")

    refused(client.transact_write_items, commit(table, tables, wrong), code="TransactionCanceledException")


def test_notified_only_grows_and_only_by_the_owner(client: Any, table: str, tables: TableNames, refused: Refused):
    """Else a version would be told twice, or never."""
    head = replace(load(client, table, epoch=2), version=1)
    client.transact_write_items(**commit(table, tables, replace(head, version=0)))
    client.update_item(**heads.set_notified(table, head))

    refused(client.update_item, heads.set_notified(table, head))
    refused(client.update_item, heads.set_notified(table, replace(head, version=2, epoch=1)))

    assert stored(client, table).notified == 1


def test_a_bodys_life_is_extended_for_this_very_head(client: Any, table: str, refused: Refused):
    """A newer head has a newer body."""
    head = load(client, table, epoch=1)
    client.update_item(**heads.set_body_until(table, head, until_ms=9))
    load(client, table, epoch=1)

    refused(client.update_item, heads.set_body_until(table, head, until_ms=10))

    assert stored(client, table).body_until_ms == 9
