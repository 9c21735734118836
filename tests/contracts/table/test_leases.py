"""Every condition of the lease protocol, by two clients that race."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.clock import DAY_S, SECOND_MS
from contracts.kinds import SourceType
from contracts.table import fleet, values
from contracts.table.fleet import DEAD, DRAINING, UP, Move, Shard, Tally, Why, Worker
from contracts.table.schema import TableNames
from contracts.table.transaction import reasons, transaction
from contracts.table.values import read_item

KIND = SourceType.EXTERNAL
A, B = Worker(id="a", started_ms=1), Worker(id="b", started_ms=2)
CLAIMERS = 8
AT_MS = 1_795_000_000_000

type Refused = Callable[..., Any]


@pytest.fixture
def table(tables: TableNames) -> str:
    """Name the Fleet table."""
    return tables.fleet


def roster(client: Any, table: str) -> dict[str, Worker]:
    """Read the roster."""
    items = client.query(**fleet.roster(table, KIND))["Items"]
    return {worker.id: worker for worker in map(Worker.read, items)}


def shown(error: Any) -> dict[str, Any]:
    """Read the item that a refusal shows."""
    item = values.returned(error)
    assert item is not None
    return item


def row(client: Any, table: str, number: int = 3) -> Shard:
    """Read a shard's row."""
    return Shard.read(client.get_item(**fleet.get_shard(table, KIND, number))["Item"])


def claimed(client: Any, table: str, *, by: str, number: int = 3) -> Shard:
    """Make a shard's row if need be and claim it."""
    client.update_item(**fleet.bump_shard(table, KIND, number))
    request = fleet.claim(table, KIND, row(client, table, number), by=by, at_ms=AT_MS)
    return Shard.read(client.update_item(**request)["Attributes"])


def killed(client: Any, table: str, worker: Worker) -> None:
    """Let a worker join and be marked dead."""
    client.transact_write_items(**fleet.join(table, KIND, worker))
    client.update_item(**fleet.mark_dead(table, KIND, worker, by="b"))


def test_a_worker_is_visible_before_it_owns_anything(client: Any, table: str):
    """So that the others plan with it."""
    client.transact_write_items(**fleet.join(table, KIND, A))

    assert roster(client, table) == {"a": A}


def test_an_id_is_used_once(client: Any, table: str, refused: Refused):
    """Two processes under one id would renew each other's right."""
    client.transact_write_items(**fleet.join(table, KIND, A))

    error = refused(
        client.transact_write_items, fleet.join(table, KIND, replace(A, started_ms=9)), code="TransactionCanceled"
    )

    assert [code for code, _ in reasons(error)] == ["ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert roster(client, table) == {"a": A}


def test_an_id_that_was_forgotten_never_joins_again(client: Any, table: str, refused: Refused):
    """Another try, or a late copy of the join, would make a row whose worker was declared dead, and is robbed."""
    killed(client, table, A)
    client.delete_item(**fleet.forget(table, KIND, "a"))

    error = refused(client.transact_write_items, fleet.join(table, KIND, A), code="TransactionCanceled")

    assert [code for code, _ in reasons(error)] == ["None", "ConditionalCheckFailed"]
    assert roster(client, table) == {}


def test_that_an_id_was_used_is_kept_for_a_day(client: Any, table: str):
    """Nothing that was sent is as late as that, and a fleet that starts often must not fill the table."""
    client.transact_write_items(**fleet.join(table, KIND, replace(A, started_ms=AT_MS)))

    mark = client.get_item(TableName=table, Key=values.write_item(fleet.used_key(KIND, "a")))["Item"]

    assert read_item(mark)["ttl"] == AT_MS // SECOND_MS + DAY_S


def test_a_renewal_moves_the_number_and_shows_what_is_carried(client: Any, table: str):
    """The roster is all that the others see of a worker."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    beat = replace(
        A, beat=1, owned=frozenset({0, 9, 1023}), load=2.5, overdue_ms=7, overloaded=True, beat_at_ms=8, state=DRAINING,
        tally=Tally(polls=9, failed=2, troubled=1),
        loads={0: 1.5, 9: 0.0, 1023: 6553.5}, young=frozenset({9}),
    )  # fmt: skip

    answer = client.update_item(**fleet.renew(table, KIND, beat))

    assert Worker.read(answer["Attributes"]) == beat
    assert roster(client, table) == {"a": beat}


def test_a_number_is_renewed_once_and_the_refusal_shows_it(client: Any, table: str, refused: Refused):
    """A lost reply is not a lost lease: who sends again finds its own number."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    client.update_item(**fleet.renew(table, KIND, replace(A, beat=2)))

    again = refused(client.update_item, fleet.renew(table, KIND, replace(A, beat=2)))
    late = refused(client.update_item, fleet.renew(table, KIND, replace(A, beat=1)))

    assert [shown(error)["hb"] for error in (again, late)] == [2, 2]
    assert shown(again)["st"] == UP


def test_the_dead_never_renew(client: Any, table: str, refused: Refused):
    """Dead is for ever: the others may have taken everything."""
    killed(client, table, A)

    error = refused(client.update_item, fleet.renew(table, KIND, replace(A, beat=9)))

    assert shown(error)["st"] == DEAD


def test_a_row_that_is_gone_is_not_renewed(client: Any, table: str, refused: Refused):
    """A renewal must not bring a forgotten worker back."""
    error = refused(client.update_item, fleet.renew(table, KIND, replace(A, beat=1)))

    assert values.returned(error) is None
    assert roster(client, table) == {}


def test_whoever_moved_is_not_marked_dead(client: Any, table: str, refused: Refused):
    """Between the last look and the verdict the heartbeat may have moved."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    seen = roster(client, table)["a"]
    client.update_item(**fleet.renew(table, KIND, replace(A, beat=1)))

    error = refused(client.update_item, fleet.mark_dead(table, KIND, seen, by="b"))

    assert shown(error)["hb"] == 1
    assert roster(client, table)["a"].state == UP


def test_of_two_who_mark_dead_one_does(client: Any, table: str, refused: Refused):
    """The other learns that it is so."""
    killed(client, table, A)

    error = refused(client.update_item, fleet.mark_dead(table, KIND, A, by="c"))

    assert (shown(error)["st"], shown(error)["deadBy"]) == (DEAD, "b")


def test_only_the_dead_are_forgotten(client: Any, table: str, refused: Refused):
    """A living worker's row is its right."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    refused(client.delete_item, fleet.forget(table, KIND, "a"))
    client.update_item(**fleet.mark_dead(table, KIND, A, by="b"))

    client.delete_item(**fleet.forget(table, KIND, "a"))

    assert roster(client, table) == {}
    refused(client.delete_item, fleet.forget(table, KIND, "a"))


def test_a_ring_reaches_the_living_only(client: Any, table: str, refused: Refused):
    """And makes no row for a worker that is not there."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    for _ in range(2):
        client.update_item(**fleet.ring(table, KIND, "a"))
    killed(client, table, B)

    refused(client.update_item, fleet.ring(table, KIND, "b"))
    refused(client.update_item, fleet.ring(table, KIND, "c"))

    assert {worker.id: worker.inbox for worker in roster(client, table).values()} == {"a": 2, "b": 0}


def test_a_renewal_leaves_the_inbox_alone(client: Any, table: str):
    """Else a shard given between two heartbeats would not be noticed."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    client.update_item(**fleet.ring(table, KIND, "a"))
    client.update_item(**fleet.renew(table, KIND, replace(A, beat=1)))

    assert roster(client, table)["a"].inbox == 1


def test_what_was_given_stands_until_it_was_looked_for(client: Any, table: str):
    """Rings of several givers add up, and a renewal takes out only what its sender knows of."""
    client.transact_write_items(**fleet.join(table, KIND, A))
    client.update_item(**fleet.ring(table, KIND, "a", given=frozenset({3, 10})))
    client.update_item(**fleet.ring(table, KIND, "a", given=frozenset({10, 1_000})))
    first = client.update_item(**fleet.renew(table, KIND, replace(A, beat=1), taken=frozenset({3, 10, 7})))
    last = client.update_item(**fleet.renew(table, KIND, replace(A, beat=2), taken=frozenset({1_000})))

    assert [Worker.read(answer["Attributes"]).given for answer in (first, last)] == [{1_000}, frozenset()]
    assert roster(client, table)["a"].inbox == 2


def test_a_shards_row_is_made_once(client: Any, table: str, refused: Refused):
    """Made again, its epochs would begin again."""
    client.put_item(**fleet.make_shard(table, KIND, 3))
    request = fleet.claim(table, KIND, row(client, table), by="a", at_ms=AT_MS)
    held = Shard.read(client.update_item(**request)["Attributes"])

    refused(client.put_item, fleet.make_shard(table, KIND, 3))

    assert row(client, table) == held == Shard(number=3, owner="a", epoch=1)


def test_a_row_that_was_never_made_is_not_claimed(client: Any, table: str, refused: Refused):
    """Only a row that is never deleted counts epochs."""
    refused(client.update_item, fleet.claim(table, KIND, Shard(number=3), by="a", at_ms=AT_MS))


def test_of_two_who_claim_a_free_shard_one_gets_it(client: Any, table: str, refused: Refused):
    """The other sees who."""
    client.put_item(**fleet.make_shard(table, KIND, 3))
    free = row(client, table)
    client.update_item(**fleet.claim(table, KIND, free, by="a", at_ms=AT_MS))

    error = refused(client.update_item, fleet.claim(table, KIND, free, by="b", at_ms=AT_MS))

    assert (shown(error)["own"], shown(error)["ep"]) == ("a", 1)


def test_of_many_who_claim_at_once_one_gets_it(shared: Any, table: str):
    """The same, really at once."""
    shared.put_item(**fleet.make_shard(table, KIND, 3))
    free = row(shared, table)

    def won(name: str) -> bool:
        try:
            shared.update_item(**fleet.claim(table, KIND, free, by=name, at_ms=AT_MS))
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(CLAIMERS) as pool:
        assert sum(pool.map(won, [f"w{number}" for number in range(CLAIMERS)])) == 1
    assert row(shared, table).epoch == 1


def test_of_two_who_claim_a_dead_workers_shard_one_gets_it(client: Any, table: str, refused: Refused):
    """And under a new epoch, which fences the dead one's late writes."""
    held = claimed(client, table, by="a")
    client.update_item(**fleet.claim(table, KIND, held, by="b", at_ms=AT_MS))

    refused(client.update_item, fleet.claim(table, KIND, held, by="c", at_ms=AT_MS))

    assert row(client, table) == Shard(number=3, owner="b", epoch=2, revision=1)


def test_a_free_shards_claim_does_not_rob(client: Any, table: str, refused: Refused):
    """Who believes it free, because it was, is refused even if the epoch were the same."""
    held = claimed(client, table, by="a")

    refused(client.update_item, fleet.claim(table, KIND, replace(held, owner=None), by="b", at_ms=AT_MS))


def test_only_the_owner_hands_off_and_only_once(client: Any, table: str, refused: Refused):
    """A second copy of the same hand-off is refused, and shows that the first one did it."""
    held = replace(claimed(client, table, by="a"), through_ms=77)
    given_by_c, given_by_a = (
        fleet.hand_off(table, KIND, replace(held, owner=name), to="b", at_ms=AT_MS, why=Why.PLAN) for name in "ca"
    )
    refused(client.update_item, given_by_c)

    client.update_item(**given_by_a)
    error = refused(client.update_item, given_by_a)

    given = Shard(number=3, owner="b", epoch=2, revision=1, through_ms=77)
    assert row(client, table) == given
    assert Shard.read(error.response["Item"]) == given


def test_a_claim_and_a_hand_off_exclude_each_other(client: Any, table: str, refused: Refused):
    """The owner was marked dead while it handed off: whichever lands first holds."""
    held = claimed(client, table, by="a")
    client.update_item(**fleet.claim(table, KIND, held, by="c", at_ms=AT_MS))

    error = refused(client.update_item, fleet.hand_off(table, KIND, held, to="b", at_ms=AT_MS, why=Why.PLAN))

    assert shown(error)["own"] == "c"


def test_a_released_shard_is_free_and_keeps_counting(client: Any, table: str, refused: Refused):
    """Its next owner's epoch is above all before."""
    held = replace(claimed(client, table, by="a"), through_ms=5)
    free = Shard.read(client.update_item(**fleet.release(table, KIND, held, at_ms=AT_MS, why=Why.DRAIN))["Attributes"])
    refused(client.update_item, fleet.release(table, KIND, held, at_ms=AT_MS, why=Why.DRAIN))

    assert free == Shard(number=3, owner=None, epoch=2, revision=1, through_ms=5)
    assert claimed(client, table, by="b").epoch == 3


def test_a_row_tells_how_its_shard_moved_last(client: Any, table: str):
    """An operator asks when, why and from whom; nothing beside the row itself is written for that."""

    def moved(request: Any) -> tuple[str | None, Move | None]:
        now = Shard.read(client.update_item(**request)["Attributes"])
        return now.owner, now.move

    first = claimed(client, table, by="a")
    given = moved(fleet.hand_off(table, KIND, first, to="b", at_ms=AT_MS + 1, why=Why.PLAN))
    robbed = moved(fleet.claim(table, KIND, row(client, table), by="c", at_ms=AT_MS + 2))
    freed = moved(fleet.release(table, KIND, row(client, table), at_ms=AT_MS + 3, why=Why.DRAIN))
    claimed_again = moved(fleet.claim(table, KIND, row(client, table), by="d", at_ms=AT_MS + 4))

    assert first.move == Move(at_ms=AT_MS, why="free", giver=None)
    assert given == ("b", Move(at_ms=AT_MS + 1, why="plan", giver="a"))
    assert robbed == ("c", Move(at_ms=AT_MS + 2, why="dead", giver="b"))
    assert freed == (None, Move(at_ms=AT_MS + 3, why="drain", giver="c"))
    assert claimed_again == ("d", Move(at_ms=AT_MS + 4, why="free", giver="c"))


def test_an_edit_moves_a_shards_revision_and_nothing_else(client: Any, table: str):
    """Also where no worker has made the row yet."""
    held = claimed(client, table, by="a")
    client.update_item(**fleet.bump_shard(table, KIND, 3))

    assert row(client, table) == replace(held, revision=held.revision + 1)


def test_shards_and_members_are_found_by_partition(client: Any, table: str):
    """One strong query each, and of one kind only."""
    for number in (0, 16, 1):
        client.put_item(**fleet.make_shard(table, KIND, number))
    client.put_item(**fleet.put_member(table, KIND, 1, "external-2", revision=4))
    client.put_item(**fleet.put_member(table, SourceType.GOOGLE_SHEET, 1, "other", revision=1))

    numbers = [Shard.read(item).number for item in client.query(**fleet.shards(table, KIND, 0))["Items"]]
    members = [read_item(item) for item in client.query(**fleet.members(table, KIND, 1))["Items"]]
    client.delete_item(**fleet.delete_member(table, KIND, 1, "external-2"))

    assert numbers == [0, 16]
    assert [(member["sk"], member["revision"]) for member in members] == [("external-2", 4)]
    assert client.query(**fleet.members(table, KIND, 1))["Items"] == []


def test_of_two_edits_at_once_one_lands_whole(client: Any, table: str, refused: Refused):
    """Counter and log move together, so who follows the counter finds every entry."""

    def edit(seen: int, source_id: str) -> dict[str, Any]:
        entry = fleet.put_log(
            table, KIND, seen + 1, source_id=source_id, shard=1, act="put", revision=1, at_ms=2_000_000_000_000
        )
        actions: list[Any] = [
            ("Put", fleet.put_member(table, KIND, 1, source_id, revision=1)),
            ("Update", fleet.bump_shard(table, KIND, 1)),
            ("Update", fleet.bump_counter(table, KIND, seen=seen)),
            ("Put", entry),
        ]
        return transaction(actions, token=f"{table}-{source_id}")

    client.transact_write_items(**edit(0, "x"))
    client.transact_write_items(**edit(1, "y"))
    error = refused(client.transact_write_items, edit(1, "z"), code="TransactionCanceledException")

    assert [code for code, _ in reasons(error)] == ["None", "None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert read_item(client.get_item(**fleet.counter(table, KIND))["Item"])["n"] == 2
    log = [read_item(item) for item in client.query(**fleet.log_after(table, KIND, 1))["Items"]]
    assert [(entry["sk"], entry["source"], entry["act"]) for entry in log] == [("000000000002", "y", "put")]
    assert row(client, table, 1).revision == 2


def test_the_number_of_shards_is_fixed_by_the_first(client: Any, table: str, refused: Refused):
    """Under another number every source would be in another shard."""
    client.update_item(**fleet.fix_shard_count(table, KIND, 64))
    client.update_item(**fleet.fix_shard_count(table, KIND, 64))
    client.update_item(**fleet.fix_shard_count(table, SourceType.GOOGLE_SHEET, 16))

    error = refused(client.update_item, fleet.fix_shard_count(table, KIND, 65))

    assert shown(error)["shards"] == 64
