"""Who should own what."""

from random import Random
from typing import Any

import pytest

from contracts.table.fleet import DEAD, DRAINING, Worker
from monitor_fleet.plan import REST, URGENT, Give, partings, plan
from monitor_fleet.roster import cost


def worker(name: str, shards: range | list[int], *, load: float = 0.0, **more: Any) -> Worker:
    """Make a row of the roster; `load` is what each of its shards costs."""
    return Worker(id=name, owned=frozenset(shards), loads=dict.fromkeys(shards, load), **more)


def after(workers: list[Worker], gives: list[Give]) -> dict[str, set[int]]:
    """Perform gives, each by the worker that owns the shard."""
    owned = {one.id: set(one.owned) for one in workers}
    for give in gives:
        owned[give.giver].remove(give.shard)
        owned[give.target].add(give.shard)
    return owned


def test_a_newcomer_is_given_its_share():
    """By everybody who has more, and by nobody who has not."""
    workers = [worker("a", range(512)), worker("b", range(512, 1024)), worker("c", [])]

    owned = after(workers, plan(workers, shards=1024))

    assert all(len(shards) <= 1024 / 3 * REST + 1 for shards in owned.values())
    assert len(owned["c"]) >= 300


def test_a_newcomer_among_many_is_given_something_too():
    """The heaviest is hardly above the mean then, but an idle worker is a waste."""
    workers = [worker(f"w{n:02d}", range(n * 50, n * 50 + 50)) for n in range(20)] + [worker("x", [])]

    owned = after(workers, plan(workers, shards=1000))

    assert len(owned["x"]) >= 45


def test_a_balanced_fleet_moves_nothing():
    """A few percent are not worth a hand-off."""
    assert plan([worker("a", range(100)), worker("b", range(100, 207))], shards=207) == []


@pytest.mark.parametrize("counts", [[2, 1, 1], [1, 0], [1], [], [3, 3, 2]])
def test_what_cannot_be_evened_out_is_left_alone(counts: list[int]):
    """Moving the odd shard round and round would help nobody."""
    workers = [worker(f"w{n}", range(n * 10, n * 10 + count)) for n, count in enumerate(counts)]

    assert plan(workers, shards=sum(counts)) == []


def test_a_fleet_comes_to_rest():
    """Performed again and again, plans end: no shard goes back and forth."""
    chance = Random(1)
    for _ in range(50):
        shards = list(range(200))
        chance.shuffle(shards)
        cuts = sorted(chance.sample(range(200), chance.randint(1, 7)))
        workers = [worker(f"w{n}", shards[a:b]) for n, (a, b) in enumerate(zip([0, *cuts], [*cuts, 200], strict=True))]
        for _ in range(100):
            gives = plan(workers, shards=200)
            if not gives:
                break
            workers = [worker(name, sorted(owned)) for name, owned in after(workers, gives).items()]

        counts = [len(one.owned) for one in workers]
        assert plan(workers, shards=200) == []
        assert max(counts) <= 1.10 * 200 / len(counts) + 1


def test_measured_load_counts():
    """Equal numbers are not equal work."""
    workers = [worker("a", range(100), load=3), worker("b", range(100, 200))]

    gives = plan(workers, shards=200)

    assert {give.giver for give in gives} == {"a"}


def moved(workers: list[Worker], gives: list[Give]) -> list[Worker]:
    """Perform gives; loads go with their shards."""
    loads = {shard: load for one in workers for shard, load in one.loads.items()}
    return [
        Worker(id=name, owned=frozenset(owned), loads={shard: loads[shard] for shard in owned})
        for name, owned in after(workers, gives).items()
    ]


@pytest.mark.parametrize("seed", range(20))
def test_uneven_shards_are_packed_evenly(seed: int):
    """A few heavy ones among many light ones: what counts is the sum."""
    chance = Random(seed)
    loads = {shard: chance.lognormvariate(0, 1) for shard in range(400)}
    rows = [range(n, 400, 7) for n in range(7)]
    workers = [Worker(id=f"w{n}", owned=frozenset(own), loads={s: loads[s] for s in own}) for n, own in enumerate(rows)]
    workers = [*workers, Worker(id="x")]
    workers = moved(workers, plan(workers, shards=400))
    costs = [cost(one) for one in workers]

    assert max(costs) <= max(1.10 * sum(costs) / len(costs), max(loads.values()) + 0.2)


def test_a_shard_heavier_than_everything_stays():
    """It would only make another worker the heaviest; the small ones beside it go."""
    workers = [Worker(id="a", owned=frozenset({0, 1}), loads={0: 50, 1: 1}), worker("b", [2], load=1)]

    assert plan(workers, shards=3) == [Give(shard=1, giver="a", target="b")]


def test_a_move_must_be_worth_it():
    """Moving nearly all of the difference only turns it round."""
    workers = [Worker(id="a", owned=frozenset({0, 1}), loads={0: 5, 1: 6}), worker("b", [2], load=5)]

    assert plan(workers, shards=3) == []


def test_what_came_lately_stays():
    """Small imbalances do not send a shard on within a minute; large ones do."""
    young = frozenset(range(115))
    slight = [worker("a", range(115), young=young), worker("b", range(115, 200))]
    severe = [worker("a", range(115), young=young), worker("b", [])]

    assert plan(slight, shards=200) == []
    assert plan(severe, shards=115) != []


def test_what_may_not_go_back_stays_and_another_goes():
    """What its last owner gave would only go to and fro; any other shard does as well."""
    workers = [worker("a", [1, 2]), worker("b", [3, 4]), worker("c", [5, 6, 7, 8], young=frozenset({5, 6, 7, 8}))]

    (give,) = plan(workers, shards=8)
    (instead,) = plan(workers, shards=8, barred={"a": frozenset({give.shard})})

    assert (give.giver, give.target) == (instead.giver, instead.target) == ("c", "a")
    assert instead.shard != give.shard
    assert plan(workers, shards=8, barred={"a": frozenset({5, 6, 7, 8})}) == []


def test_while_two_releases_run_the_newest_is_given_to():
    """What an old one got would move again when its turn comes to leave."""
    old = [worker("a", range(60), release="1"), worker("b", range(60, 70), release="1")]
    new = worker("c", [], release="2", started_ms=5)

    assert {give.target for give in plan([*old, new], shards=70)} == {"c"}
    assert {target for _, target in partings([*old, new], "a", range(10), {})} == {"c"}


def test_the_newest_is_not_buried():
    """One new worker among many old ones cannot carry all that the first leavers leave."""
    old = [worker(f"w{n}", range(n * 10, n * 10 + 10), release="1") for n in range(10)]
    new = worker("x", range(100, 110), release="2", started_ms=5)

    given = [target for _, target in partings([*old, new], "w0", range(10), {})]

    assert 0 < given.count("x") <= URGENT * 11 - 10 + 1
    assert len(set(given)) > 1


def test_a_deployment_that_takes_its_time_is_balanced_too():
    """The newest have their share, but of the old ones two do nearly everything (seed 56, wide)."""
    old = [worker("a", range(30), release="1"), worker("b", range(30, 60), release="1"), worker("c", [], release="1")]
    new = worker("x", range(60, 90), release="2", started_ms=5)

    owned = after([*old, new], plan([*old, new], shards=90))

    assert len(owned["c"]) >= 20
    assert max(map(len, owned.values())) <= URGENT * 90 / 4


def test_tuning_moves_a_few_at_a_time():
    """Small imbalances may come right by themselves; a plan on them is bounded."""
    workers = [worker("a", range(115)), worker("b", range(115, 200))]

    assert len(plan(workers, shards=200)) == 2


def test_everybody_makes_the_same_plan():
    """Else two would give to one, or nobody."""
    workers = [worker("a", range(90)), worker("b", range(90, 100)), worker("c", [])]

    assert plan(workers, shards=100) == plan(workers[::-1], shards=100)


def test_nothing_is_given_to_who_leaves_or_is_dead():
    """It would be orphaned at once."""
    workers = [worker("a", range(9)), worker("b", [], state=DRAINING), worker("c", [], state=DEAD)]

    assert plan(workers, shards=9) == []
    assert partings(workers, "a", range(2), {}) == [(0, None), (1, None)]


def test_a_leavers_shards_go_to_the_lightest():
    """So that no second move is needed."""
    workers = [worker("a", range(4)), worker("b", range(4, 7)), worker("c", [7])]

    assert partings(workers, "a", range(4), {}) == [(0, "c"), (1, "c"), (2, "b"), (3, "c")]
    assert partings(workers, "a", range(4), {2: 9.0})[0] == (2, "c")
