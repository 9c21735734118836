"""One schedule, drawn from a seed: a fleet in trouble and then, if it is long, a calm in which all comes right."""

import asyncio
import math
from collections.abc import Callable
from random import Random

from monitor_fleet.liveness import MASS_EXTRA_S
from tests.simulation.invariants import Violated
from tests.simulation.network import LATE_MAX_S
from tests.simulation.process import Process
from tests.simulation.scale import LONG, Scale
from tests.simulation.world import COVER_WITHIN_S, SETTLE_MAX_S, Outcome, World

BAD_NETWORK_SHARE = 0.7
#: A fleet whose network is good and whose workers are never stopped for longer than this must lose nobody, also when
#: the store is away for a while; but see `World._is_well`.
MILD_SHARE = 0.5
MILD_STOP_MAX_S = 3.0
STOP_MAX_S = 12.0
AWAY_MAX_S = 15.0
MASS_SHARE = 0.5


async def simulate(seed: int, scale: Scale = LONG) -> Outcome:
    """Run one seed."""
    world = World(seed, scale)
    for _ in range(scale.sources):
        world.register()
    _worsen(world)
    for _ in range(scale.workers(world.chance)):
        world.join()
    try:
        await _watch(world)
        return await _settle(world) if scale.calls_max is None else world.outcome(0.0)
    finally:
        for process in world.processes:
            process.kill()
        await asyncio.sleep(1)  # cancelled tasks end


async def _watch(world: World) -> None:
    scale = world.scale
    until_s = _now_s() + scale.trouble_s
    task = asyncio.ensure_future(_trouble(world))
    try:
        while _now_s() < until_s and world.network.calls < (scale.calls_max or world.network.calls + 1):
            await asyncio.sleep(scale.look_every_s)
            world.look()
            if task.done():
                task.result()
    finally:
        task.cancel()


async def _settle(world: World) -> Outcome:
    """
    Wait until everything is as it should be, and for as long as late copies of requests may still land.

    Rows of the gone that a brake keeps may stand for as much longer as it holds, and no longer.
    """
    world.network.calm()
    if all(process.is_leaving for process in world.living()):
        world.join()
    began_s, settled_s, missing = _now_s(), None, world.missing()
    covered_s, braked_s = began_s, -math.inf
    while _now_s() < began_s + SETTLE_MAX_S:
        await asyncio.sleep(world.scale.look_every_s)
        world.look()
        missing = world.missing()
        settled_s = (settled_s or _now_s()) if not missing else None
        covered_s = _now_s() if world.is_covered() else covered_s  # tuning goes on in calm: a late move shows late
        braked_s = _now_s() if world.is_covered_but_for_a_brake() else braked_s
        if settled_s and _now_s() >= max(began_s + LATE_MAX_S, settled_s + COVER_WITHIN_S):
            uncovered_s = _now_s() - max(settled_s, covered_s)
            if uncovered_s <= COVER_WITHIN_S:
                return world.outcome(settled_s - began_s)
            if _now_s() - braked_s > COVER_WITHIN_S or uncovered_s > COVER_WITHIN_S + MASS_EXTRA_S:
                raise Violated("BitmapsCoverWithin", f"not {uncovered_s:.1f} s after all was owned")
    raise Violated(missing or "ComesToRest", f"not within {SETTLE_MAX_S} s of calm")


def _worsen(world: World) -> None:
    """Draw how bad the network is; some runs have a good one, and of those some mean well in every way."""
    network, chance = world.network, world.chance
    network.delay_s = chance.choice([0.002, 0.01, 0.05])
    if chance.random() < BAD_NETWORK_SHARE:
        network.slow_share = chance.uniform(0, world.scale.slow_share_max)
        network.lost_share = chance.uniform(0, 0.03)
        network.unanswered_share, network.twice_share = chance.uniform(0, 0.03), chance.uniform(0, 0.08)
        network.late_share, network.throttled_share = (
            chance.uniform(0, world.scale.late_share_max),
            chance.uniform(0, 0.03),
        )
    else:
        world.is_mild = chance.random() < MILD_SHARE


async def _trouble(world: World) -> None:
    while True:
        await asyncio.sleep(world.chance.expovariate(1 / world.scale.pause_s))
        if all(process.is_leaving for process in world.living()):
            world.join()  # without a worker there is nothing to see
        chance = world.chance
        share = chance.random()
        if share < world.scale.sources_share:
            await _of_sources(world, chance)
        elif share < world.scale.sources_share + STORE_SHARE:
            await _of_the_store(world, chance)
        else:
            _of_workers(world, chance, world.living())


#: Of all troubles; what sources and store leave befalls workers.
STORE_SHARE = 0.1


async def _of_sources(world: World, chance: Random) -> None:
    name = chance.choice(sorted(world.values))
    match chance.randrange(10):
        case 0:
            world.edit(name)
        case 1 if len(world.values) > world.scale.sources // 2:
            world.delete(name)
            world.register()
        case 2 | 3 | 4 | 5:
            await world.flap(name)
        case _:
            world.change(name)


async def _of_the_store(world: World, chance: Random) -> None:
    seconds = chance.uniform(0.5, AWAY_MAX_S)
    what = chance.choice(["away", "deaf"])
    setattr(world.network, what, True)
    await asyncio.sleep(seconds)
    setattr(world.network, what, False)
    world.store_back_s = _now_s()


def _of_workers(world: World, chance: Random, living: list[Process]) -> None:
    deeds: list[Callable[[], None]] = [
        lambda: chance.choice(living).kill(),
        lambda: chance.choice(living).terminate(),
        lambda: chance.choice(living).terminate(),
        *[lambda: _stop(world, chance, living)] * world.scale.stops,
        lambda: _join(world, living),
        lambda: _join(world, living),
        lambda: _roll(world, chance, living),
        lambda: _die_together(chance, living),
    ]
    chance.choice(deeds)()


def _stop(world: World, chance: Random, living: list[Process]) -> None:
    longest_s = MILD_STOP_MAX_S if world.is_mild else STOP_MAX_S
    world.stop(chance.choice(living), chance.uniform(0.5, longest_s))


def _join(world: World, living: list[Process]) -> None:
    if len(living) < world.scale.workers_max:
        world.join()


def _roll(world: World, chance: Random, living: list[Process]) -> None:
    """Deploy: a worker of a newer release comes, an old one is told to go."""
    world.release += chance.random() < 1 / (1 + len(living))
    world.join()
    chance.choice(living).terminate()


def _die_together(chance: Random, living: list[Process]) -> None:
    for process in chance.sample(living, int(len(living) * MASS_SHARE)):
        process.kill()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
