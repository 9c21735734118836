"""The parts of the leases that are easier to see one by one; the whole is tested in `tests/simulation`."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import DEAD, DRAINING, UP, Shard, Worker
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.errors import Ambiguous
from monitor_fleet.holdings import Holdings
from monitor_fleet.leases import Leases
from monitor_fleet.liveness import DEAD_AFTER_S
from monitor_fleet.orphans import ANYONE_S, Orphans, rankings
from monitor_fleet.plan import ACT, partings
from monitor_fleet.renewal import RIGHT_S, Carried, Renewal, WrongShardCount
from monitor_fleet.roster import SHARD_COST, Roster, cost, misplaced, ranking
from monitor_fleet.store import Request, StoreVerbs
from tests.simulation.virtual import run

KIND = SourceType.EXTERNAL


class Slow(MemoryStore):
    """The store in memory; `took_s` passes with each update, and `unheard` answers are lost."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory)
        self.now_s = 100.0
        self.took_s = 0.0
        self.unheard = 0
        self.on_update: Callable[[], None] = lambda: None

    async def update(self, request: Request) -> dict[str, object]:
        """Update, and let time pass."""
        self.on_update()
        answer = await super().update(request)
        self.now_s += self.took_s
        if self.unheard:
            self.unheard -= 1
            raise Ambiguous("no answer")
        return answer


async def renewed(renewal: Renewal) -> None:
    """Renew once."""
    await renewal.renew(Carried(owned=frozenset({1}), loads={1: 0.5}, overdue_ms=3, overloaded=True))


@pytest.fixture
def store() -> Slow:
    """Give a store."""
    return Slow(Memory())


@pytest.fixture
async def renewal(store: Slow) -> Renewal:
    """Give the row of a worker that has joined."""
    made = Renewal(
        table=NAMES.fleet, kind=KIND, store=store, worker_id="a", now_ms=lambda: 7, boot_now=lambda: store.now_s
    )
    await made.join(64)
    return made


async def test_a_right_is_counted_from_before_the_renewal_was_sent(store: Slow, renewal: Renewal):
    """The others count from when the number moved, and that may have been at once."""
    store.took_s = 3
    await renewed(renewal)
    store.now_s += RIGHT_S - 3 - 0.1
    assert renewal.holds()
    store.now_s += 0.2
    assert not renewal.holds()


async def test_an_answer_later_than_the_right_gives_none(store: Slow, renewal: Renewal):
    """A renewal that takes longer than the right lasts is over when it arrives."""
    store.took_s = RIGHT_S + 1
    await renewed(renewal)

    assert renewal.is_well
    assert not renewal.holds()


async def test_a_lost_answer_is_not_a_lost_lease(store: Slow, renewal: Renewal):
    """Sent again, the renewal is refused, and the refusal shows its own number."""
    store.now_s += 4
    store.unheard = 1
    await renewed(renewal)
    store.now_s += 4

    assert renewal.is_well
    assert renewal.holds()


async def test_a_heartbeat_is_not_well_from_the_first_try_that_is_not_answered(store: Slow, renewal: Renewal):
    """Until one is: others may be as unable to renew, and are not to be judged meanwhile."""
    await renewed(renewal)
    well: list[bool] = []
    store.on_update = lambda: well.append(renewal.is_well)
    store.unheard = 1
    await renewed(renewal)

    assert well == [True, False]
    assert renewal.is_well


async def test_who_was_marked_dead_learns_it_by_renewing(store: Slow, renewal: Renewal):
    """And holds nothing from that moment on."""
    await store.update(fleet.mark_dead(NAMES.fleet, KIND, Worker(id="a"), by="b"))
    await renewed(renewal)

    assert renewal.is_dead
    assert not renewal.holds()


async def test_who_was_forgotten_learns_it_by_renewing(store: Slow, renewal: Renewal):
    """Marked dead and forgotten while it slept; its shards are others' by now."""
    await renewed(renewal)
    await forgotten(store, Worker(id="a", beat=1))
    await renewed(renewal)

    assert renewal.is_dead
    assert not renewal.holds()


async def test_joining_again_brings_nobody_back(store: Slow, renewal: Renewal):
    """
    Its first try landed and was not heard; it was declared dead for its silence, and forgotten, before the next one.

    That one makes no row, and the renewal behind it finds out. (Found by the simulation.)
    """
    await forgotten(store, Worker(id="a"))
    await renewal.join(64)
    assert await store.query(fleet.roster(NAMES.fleet, KIND)) == []

    await renewed(renewal)
    assert renewal.is_dead
    assert not renewal.holds()


def test_who_is_declared_dead_before_its_join_was_heard_joins_under_another_id():
    """However long that takes: its first id stays dead."""

    async def story() -> None:
        store = Unheard(Memory())
        leases = Leases(
            table=NAMES.fleet, kind=KIND, worker_id="a", shards=8, store=store, now_ms=lambda: 7,
            boot_now=asyncio.get_running_loop().time, chance=Random(1), on_claimed=lambda _: None, on_giving=_never,
            on_lost=lambda _: None,
        )  # fmt: skip
        life = asyncio.create_task(leases.run())
        await asyncio.sleep(DEAD_AFTER_S)
        await forgotten(store, Worker(id="a"))
        store.is_heard = True
        await asyncio.sleep(5)

        assert leases.worker_id == "a~1"
        assert leases.may_act()
        assert [Worker.read(row).id for row in await store.query(fleet.roster(NAMES.fleet, KIND))] == ["a~1"]
        life.cancel()
        await asyncio.wait([life])

    run(story())


class Unheard(MemoryStore):
    """The store in memory; until `is_heard`, transactions land and nobody hears of it."""

    is_heard = False

    async def transact(self, request: Request) -> None:
        """Land, or be refused."""
        try:
            await super().transact(request)
        finally:
            if not self.is_heard:
                raise Ambiguous("no answer")


async def forgotten(store: StoreVerbs, worker: Worker) -> None:
    """Be declared dead by another, and forgotten."""
    await store.update(fleet.mark_dead(NAMES.fleet, KIND, worker, by="b"))
    await store.delete(fleet.forget(NAMES.fleet, KIND, worker.id))


async def test_the_age_of_a_heartbeat_goes_on_in_the_next_life(store: Slow, renewal: Renewal):
    """Whoever was declared dead and is not let in again has not renewed for all that time; and has no right for it."""
    await renewed(renewal)
    store.now_s += 30
    again = Renewal(
        table=NAMES.fleet, kind=KIND, store=store, worker_id="a~1", now_ms=lambda: 7, boot_now=lambda: store.now_s,
        renewed_s=renewal.renewed_s,
    )  # fmt: skip

    assert again.age_s() == 30
    assert not again.holds()


async def test_joining_alone_gives_no_right(renewal: Renewal):
    """A right begins with a number of its own, which a row made again does not have."""
    assert not renewal.holds()


async def test_parting_marks_the_own_row_dead(store: Slow, renewal: Renewal):
    """So nobody waits six seconds for what is known."""
    await renewed(renewal)
    await renewal.part()

    (row,) = await store.query(fleet.roster(NAMES.fleet, KIND))
    assert Worker.read(row).state == DEAD


@pytest.mark.usefixtures("renewal")
async def test_another_number_of_shards_refuses_to_start(store: Slow):
    """Half a fleet would look for sources where the other half does not put them."""
    leases = Leases(
        table=NAMES.fleet, kind=KIND, worker_id="b", shards=65, store=store, now_ms=lambda: 7, boot_now=lambda: 0,
        chance=Random(1), on_claimed=lambda _: None, on_giving=_never, on_lost=lambda _: None,
    )  # fmt: skip

    with pytest.raises(WrongShardCount):
        await leases.run()


async def _never(number: int) -> int:
    raise AssertionError(number)


def held(told: list[tuple[str, int]]) -> Holdings:
    """Give holdings that note what they tell."""
    return Holdings(
        on_claimed=lambda shard: told.append(("claimed", shard.epoch)),
        on_lost=lambda number: told.append(("lost", number)),
        boot_now=lambda: 0.0,
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(1, "me")], [("claimed", 1)]),
        ([(1, "me"), (1, "me")], [("claimed", 1)]),
        ([(1, "me"), (2, "you")], [("claimed", 1), ("lost", 7)]),
        ([(2, "you"), (1, "me")], []),
        ([(1, "me"), (3, "me")], [("claimed", 1), ("lost", 7), ("claimed", 3)]),
        ([(1, "me"), (2, None), (1, "me")], [("claimed", 1), ("lost", 7)]),
    ],
)
def test_a_row_read_before_a_move_does_not_undo_it(
    rows: Sequence[tuple[int, str | None]], expected: list[tuple[str, int]]
):
    """Reads overtake each other; epochs do not."""
    told: list[tuple[str, int]] = []
    holdings = held(told)
    for epoch, owner in rows:
        holdings.reconcile(Shard(number=7, owner=owner, epoch=epoch), "me")

    assert told == expected


def test_a_shard_that_is_moving_is_left_alone():
    """Until its hand-off is answered nobody knows whose it is."""
    told: list[tuple[str, int]] = []
    holdings = held(told)
    holdings.moving.add(7)
    holdings.reconcile(Shard(number=7, owner="me", epoch=1), "me")

    assert told == []


def test_little_moves_when_one_of_many_goes():
    """Only the shards of the one that went get another first."""
    weights = dict.fromkeys("abcde", 1.0)
    before = {str(shard): ranking(str(shard), weights)[0] for shard in range(1_000)}
    del weights["c"]
    after = {shard: ranking(shard, weights)[0] for shard in before}

    assert all(after[shard] == before[shard] for shard in before if before[shard] != "c")
    assert 150 < sum(first == "c" for first in before.values()) < 250


def test_who_has_less_is_first_more_often():
    """What nobody owned yet goes rather to the idle."""
    roster = Roster(
        workers={name: Worker(id=name, owned=frozenset(range(count))) for name, count in (("a", 30), ("b", 90))}
    )
    firsts = [names[0] for names in rankings({n: Shard(number=n) for n in range(1_000)}, roster).values()]

    assert firsts.count("a") > 2 * firsts.count("b")


def crashed() -> tuple[Roster, dict[int, Shard]]:
    """Let one of five workers with shards of very different loads be dead; what it had are the orphans."""
    chance = Random(5)
    workers = {}
    for number, name in enumerate("abcde"):
        owned = frozenset(range(number * 40, number * 40 + 40))
        loads = {shard: chance.lognormvariate(2, 1) for shard in owned}
        workers[name] = Worker(id=name, state=DEAD if name == "c" else UP, owned=owned, loads=loads)
    return Roster(workers=workers), {n: Shard(number=n, owner="c", epoch=1) for n in workers["c"].owned}


def test_what_a_dead_worker_leaves_is_allotted_by_its_weight():
    """Nothing of it has to move again: nobody ends up heavier than it is worth moving anything for."""
    roster, orphans = crashed()
    costs = {one.id: cost(one) for one in roster.up()}
    left = roster.workers["c"].loads

    for number, names in rankings(orphans, roster).items():
        costs[names[0]] += left[number] + SHARD_COST

    before = max(cost(one) for one in roster.up())
    assert max(costs.values()) <= max(before, ACT * sum(costs.values()) / len(costs))


def test_ranks_stay_as_they_are_while_others_claim():
    """Else two could each take the other for the first, and nobody claims at once."""
    roster, orphans = crashed()
    before = rankings(orphans, roster)
    claimed = {number for number, names in before.items() if names[0] == "a"}
    taken = roster.workers["a"]
    loads = {**taken.loads, **{n: roster.workers["c"].loads[n] for n in claimed}}
    roster = Roster(workers={**roster.workers, "a": replace(taken, owned=taken.owned | claimed, loads=loads)})
    after = rankings({number: shard for number, shard in orphans.items() if number not in claimed}, roster)

    assert claimed
    assert after == {number: names for number, names in before.items() if number not in claimed}


def test_everybodys_turn_comes():
    """The first at once, the second a little later, the others later still."""
    roster = Roster(workers={name: Worker(id=name) for name in "abcd"})
    orphans = Orphans()
    found = orphans.note([Shard(number=1, owner="gone", epoch=4), Shard(number=2, owner="a")], roster, now_s=50)
    turns = sorted(orphans.turns(found, name, roster)[1] for name in "abcd")

    assert found.keys() == {1}
    assert turns[0] == 50
    assert 50 < turns[1] < turns[2] == turns[3] < 50 + ANYONE_S + 1


def test_a_state_of_a_newer_program_is_life():
    """Nobody robs such a worker and nobody gives to it: only its own release knows what it is about."""
    odd = Worker(id="a", state="RESTING", owned=frozenset({1}))
    roster = Roster(workers={"a": odd, "b": Worker(id="b")})

    assert Orphans().note([Shard(number=1, owner="a")], roster, now_s=0) == {}
    assert (roster.living(), roster.up()) == ([odd, roster.workers["b"]], [roster.workers["b"]])
    assert partings([odd], "c", [2], {}) == [(2, None)]


def test_who_leaves_has_no_turn():
    """It would only have to hand it off again."""
    roster = Roster(workers={"a": Worker(id="a", state=DRAINING)})
    orphans = Orphans()

    assert orphans.turns(orphans.note([Shard(number=1)], roster, now_s=0), "a", roster) == {}


@pytest.mark.parametrize(("sets", "expected"), [(["01", "2"], False), (["01", "12"], True), (["01", ""], True)])
def test_a_view_is_settled_when_each_shard_is_in_one_set(sets: list[str], expected: bool):
    """Plans are made on settled views only: else one would plan on what another is moving."""
    living = [Worker(id=str(n), owned=frozenset(map(int, owned))) for n, owned in enumerate(sets)]

    assert misplaced(living, 3) is expected
