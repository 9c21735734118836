"""What the fleet does about one trouble at a time, and how long it takes (virtual seconds, a store 10 ms away)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from random import Random

import pytest

from monitor_fleet.doorbell import HEARD_AFTER_S
from monitor_fleet.liveness import DEAD_AFTER_S, HEARTBEAT_S, MASS_EXTRA_S, SUSPECT_AFTER_S
from monitor_fleet.moves import TUNE_EVERY_S
from monitor_fleet.plan import ACT, TUNING_SHARE, URGENT
from tests.simulation.process import Process
from tests.simulation.scale import LONG, Scale
from tests.simulation.virtual import run
from tests.simulation.world import World

SHARDS = LONG.shards
LOOK_EVERY_S = 0.1

CALM_MAX_S = 60.0
#: Numbers of shards may differ: nobody has had the time to even them out, or it is their load that counts.
UNEVEN = frozenset({"BalancedWithin"})


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep warnings out: what is done to the fleet here is meant."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def in_calm(
    workers: int, story: Callable[[World], Awaitable[None]], *, seed: int = 1, scale: Scale = LONG,
    loads: Callable[[int], float] | None = None,
) -> None:  # fmt: skip
    """Tell a story about a fleet of some workers that has come to rest."""

    async def told() -> None:
        world = World(seed, scale, loads=loads)
        world.register()
        for _ in range(workers):
            world.join()
        try:
            await until_well(world, but=UNEVEN if loads else frozenset())
            await story(world)
        finally:
            for process in world.processes:
                process.kill()
            await asyncio.sleep(1)

    run(told())


async def until_well(world: World, *, but: frozenset[str] = frozenset(), within_s: float = CALM_MAX_S) -> float:
    """Wait until nothing (`but` what may be) is missing; gives how long it took."""
    began_s = asyncio.get_running_loop().time()
    while (world.missing() or "") not in {"", *but}:
        await asyncio.sleep(LOOK_EVERY_S)
        world.look()
        assert asyncio.get_running_loop().time() < began_s + within_s, world.missing()
    return asyncio.get_running_loop().time() - began_s


async def watch(world: World, seconds: float) -> None:
    """Let time pass, checking what must always hold."""
    for _ in range(int(seconds / LOOK_EVERY_S)):
        await asyncio.sleep(LOOK_EVERY_S)
        world.look()


def owners(world: World) -> list[str | None]:
    """Say who the shards' rows name."""
    return [world.invariants.owner_of(number) for number in range(SHARDS)]


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_workers_shards_are_owned_again_within_eight_seconds(seed: int):
    """Six seconds of silence, a second until somebody looks, and the claims."""

    async def story(world: World) -> None:
        world.processes[0].kill()

        assert await until_well(world, but=UNEVEN) <= 8

    in_calm(3, story, seed=seed)


def test_half_of_a_fleet_that_dies_at_once_is_replaced_within_thirty_seconds():
    """EveryShardOwnedWithin(30 s after mass death): the brake holds every verdict back, then all is claimed."""

    async def story(world: World) -> None:
        gone = world.processes[:3]
        for process in gone:
            process.kill()
        await watch(world, DEAD_AFTER_S + MASS_EXTRA_S - HEARTBEAT_S)
        assert world.invariants.marked_dead == 0
        assert {process.name for process in gone} & set(owners(world))

        await until_well(world, but=UNEVEN, within_s=30 - MASS_EXTRA_S)

    in_calm(6, story)


def test_only_a_brake_lets_rows_of_the_gone_stand_for_longer():
    """What the check of schedules allows for: many are gone, and the living own everything; one is not many."""

    async def without_their_shards(world: World) -> None:
        await watch(world, HEARTBEAT_S + 0.5)  # rows tell what was claimed
        newcomers = [world.join(), world.join()]
        await watch(world, 1)
        assert {process.name for process in newcomers} < world.invariants.roster()
        newcomers[0].kill()
        assert not world.is_covered_but_for_a_brake()
        newcomers[1].kill()
        assert world.is_covered_but_for_a_brake()

    async def with_their_shards(world: World) -> None:
        await watch(world, HEARTBEAT_S + 0.5)  # rows tell what was claimed
        for process in world.processes[:2]:
            process.kill()
        assert not world.is_covered_but_for_a_brake()

    in_calm(1, without_their_shards)
    in_calm(3, with_their_shards)


@pytest.mark.parametrize("after_s", [0.5, 1.0, 2.0])
def test_who_falls_silent_is_given_nothing(after_s: float):
    """Also while a brake holds the verdict back: nobody would poll it for so long."""

    async def story(world: World) -> None:
        await watch(world, HEARTBEAT_S + 0.5)
        newcomers = [world.join(), world.join()]
        await watch(world, after_s)
        assert {process.name for process in newcomers} < world.invariants.roster()
        for process in newcomers:
            process.kill()
        for _ in range(int((DEAD_AFTER_S + MASS_EXTRA_S + 2) / LOOK_EVERY_S)):
            await watch(world, LOOK_EVERY_S)
            assert set(owners(world)) == {world.processes[0].name}
        assert world.invariants.marked_dead == 2

    in_calm(1, story)


def test_who_leaves_gives_nothing_to_who_fell_silent():
    """There is another; only what the dead one had waits for the verdict."""

    async def story(world: World) -> None:
        await watch(world, HEARTBEAT_S + 0.5)
        leaver, dying, other = (process.name for process in world.processes)
        before = owners(world)
        world.processes[1].kill()
        await watch(world, SUSPECT_AFTER_S)  # since its last heartbeat it is longer, and no verdict yet
        assert world.invariants.marked_dead == 0
        world.processes[0].terminate()
        for _ in range(int(HEARD_AFTER_S / LOOK_EVERY_S) + 5):
            await watch(world, LOOK_EVERY_S)
            assert all(owner != dying or was == dying for owner, was in zip(owners(world), before, strict=True))
        assert leaver not in owners(world)
        assert other in owners(world)

    in_calm(3, story)


def test_a_newcomer_gets_its_share_within_ten_seconds():
    """It is visible before it owns anything, so the others plan with it at once."""

    async def story(world: World) -> None:
        newcomer = world.join()

        assert await until_well(world) <= 10
        assert len(newcomer.polling) >= SHARDS // 3

    in_calm(2, story)


def test_a_parting_worker_leaves_nothing_unpolled_for_long():
    """It hands off what it has, says it is dead, and its row is forgotten."""

    async def story(world: World) -> None:
        leaver = world.processes[0]
        leaver.terminate()
        await watch(world, 4)

        assert await until_well(world) <= 3
        assert not leaver.is_alive
        await watch(world, 5)
        assert leaver.name not in world.invariants.roster()

    in_calm(3, story)


def test_the_last_worker_lets_go_of_its_shards():
    """Who joins later finds them free, and need not wait for anybody's death."""

    async def story(world: World) -> None:
        world.processes[0].terminate()
        await watch(world, 5)

        assert owners(world) == [None] * SHARDS
        world.join()
        assert await until_well(world) <= 5

    in_calm(1, story)


def test_a_worker_that_wakes_up_after_its_death_begins_anew():
    """A stopped process keeps its memory: it must notice before it does anything, and join under another id."""

    async def story(world: World) -> None:
        sleeper = world.processes[0]
        world.stop(sleeper, 30)
        await watch(world, 25)
        assert sleeper.name not in owners(world)
        await watch(world, 6)

        await until_well(world)
        assert sleeper.leases.worker_id == f"{sleeper.name}~1"

    in_calm(2, story)


def test_five_minutes_without_the_store_change_no_ownership():
    """Nobody can tell who lives, so nobody is declared dead; polling goes on three seconds after."""

    async def story(world: World) -> None:
        before = owners(world)
        world.network.away = True
        await watch(world, 300)
        assert not any(process.leases.may_act() for process in world.processes)
        world.network.away = False

        await watch(world, 3)
        assert all(process.leases.may_act() for process in world.processes)
        await watch(world, 20)
        assert owners(world) == before

    in_calm(3, story)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("phase", range(10))
def test_who_stalled_is_not_declared_dead_while_the_store_takes_no_writes(seed: int, phase: int):
    """The other reads its silence well, but cannot renew either: it knows from the first try that is not answered."""

    async def story(world: World) -> None:
        await watch(world, phase * HEARTBEAT_S / 10)
        world.stop(world.processes[0], 2.5)
        await watch(world, 2)
        world.network.deaf = True
        await watch(world, 2.7)
        world.network.deaf = False
        await watch(world, 8)

        assert world.invariants.marked_dead == 0

    in_calm(2, story, seed=seed)


def test_a_steady_fleet_writes_one_row_per_worker_every_two_seconds():
    """Heartbeats cost O(workers): no shard's row is written while nothing moves."""

    async def story(world: World) -> None:
        await watch(world, 30)  # plans and audits have come to rest
        writes = world.invariants.writes
        writes.clear()
        await watch(world, 60)

        assert writes.keys() == {"external#W"}
        assert writes["external#W"] <= 3 * 31

    in_calm(3, story)


def test_a_network_that_repeats_and_loses_kills_nobody():
    """A lost reply is not a lost lease: the row shows that the number is there."""

    async def story(world: World) -> None:
        ids = {process.leases.worker_id for process in world.processes}
        world.network.unanswered_share = world.network.twice_share = 0.2
        await watch(world, 120)

        assert {process.leases.worker_id for process in world.processes} == ids

    in_calm(3, story)


def test_an_edit_is_seen_within_two_seconds_by_whoever_owns_the_shard():
    """The counter is read every second."""

    async def story(world: World) -> None:
        world.edit("external-00000000")
        await watch(world, 1.5)

        assert [_revision(process) for process in world.processes if process.watched] == [2]

    in_calm(2, story)


def _revision(process: Process) -> int:
    return process.watched["external-00000000"].target.revision


MANY = Scale(shards=100, sources=0, workers_max=4, trouble_s=0, pause_s=1, look_every_s=LOOK_EVERY_S)


def costs(world: World, loads: list[float]) -> list[float]:
    """Say what each worker's shards cost."""
    return [sum(loads[number] for number in one.polling) for one in world.living()]


@pytest.mark.parametrize("seed", range(3))
def test_skew_bound(seed: int):
    """SkewBound: however unlike the shards are, a minute after a join none carries over a tenth more than the mean."""
    loads = [10 * Random(seed * 1_000 + number).lognormvariate(0, 1) for number in range(MANY.shards)]

    async def story(world: World) -> None:
        world.join()
        await watch(world, 60)
        carried = costs(world, loads)
        mean = sum(carried) / len(carried)
        assert max(carried) <= max(1.10 * mean, 1.05 * max(loads))

    in_calm(3, story, seed=seed, scale=MANY, loads=lambda number: loads[number])


def test_move_budget():
    """MoveBudget: what is hardly uneven is tuned, one shard of a hundred in five seconds, until it is even."""
    loads = [1.0] * MANY.shards

    async def story(world: World) -> None:
        await watch(world, 65)  # what came lately may go again
        for process in world.processes[:2]:
            for number in process.polling:
                loads[number] = 1.35
        mean = sum(loads) / 4
        assert ACT * mean < max(costs(world, loads)) < URGENT * mean
        moved_s = await moves(world, 60)

        assert len(moved_s) >= 2
        budget = max(1, int(TUNING_SHARE * MANY.shards))
        for at_s in moved_s:
            assert sum(at_s <= other_s < at_s + TUNE_EVERY_S - LOOK_EVERY_S for other_s in moved_s) <= budget
        assert max(costs(world, loads)) <= ACT * mean

    in_calm(4, story, scale=MANY, loads=lambda number: loads[number])


async def moves(world: World, seconds: float) -> list[float]:
    """Let time pass; gives when (virtual s) each move of a shard was seen."""
    seen: list[float] = []
    known = sum(world.outcome(0.0).epochs)
    for _ in range(int(seconds / LOOK_EVERY_S)):
        await watch(world, LOOK_EVERY_S)
        now = sum(world.outcome(0.0).epochs)
        seen += [asyncio.get_running_loop().time()] * (now - known)
        known = now
    return seen
