"""
What the fleet's leases are held to; the figures of KCL, the lock client and Kubernetes leases are in docs/leases.md.

All of it but the plan's own time is virtual: the real classes on a virtual-time loop, a store in memory that answers
5 ms away unless said otherwise, and clocks that run up to 1 % unlike. (The embedded AWS does a few hundred conditional
writes a second; a fleet of twenty is more than it could show.) What real processes do is in `tests/e2e`.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

from bench.claim import Claim, percentile, report
from contracts.table.fleet import Worker
from local.memory import Memory
from monitor_fleet.burden import ALPHA, SAMPLE_S
from monitor_fleet.plan import plan
from tests.simulation.metered import MeteredMemory
from tests.simulation.process import Process
from tests.simulation.scale import Scale
from tests.simulation.virtual import run
from tests.simulation.whole import WholeFleet
from tests.simulation.world import World

#: One way; there and back it is 5 ms, what DynamoDB needs within a region.
NEAR_S = 0.0025
STEP_S = 0.02
PATIENCE_S = 120.0
SOAK = Path(__file__).parent.parent / "tests" / "simulation" / "soak.json"
SOAK_SHORT, SOAK_LONG, BUGS_MIN = 1_000_000, 2_000, 12
#: A 24 h night with three workers, and an hour with ten.
NIGHT_S, HOUR_S = 24 * 3_600, 3_600


def main() -> None:
    """Measure everything, report."""
    logging.disable(logging.CRITICAL)
    claims = [
        *_crashes(), *_hand_offs(), *_drain(), *_costs(), *_balance(), *_noise(), *_cold(), *_plan(), *_night(),
        *_outage(), *_deploy(), *_soaked(),
    ]  # fmt: skip
    report(claims)


def fleet(shards: int, workers: int, story: Callable[[World], Awaitable[Any]], **more: Any) -> Any:
    """Tell a story about a fleet that has come to rest, in virtual time."""

    async def told() -> Any:
        world = _world(shards, **more)
        for _ in range(workers):
            world.join()
        await _until(lambda: _is_owned(world))
        await asyncio.sleep(SETTLE_S)
        try:
            return await story(world)
        finally:
            await _end(world)

    return run(told())


#: Twenty workers that started together have evened out and ceased to look closely by then.
SETTLE_S = 40.0


def _world(shards: int, *, memory: Memory | None = None, loads: Callable[[int], float] | None = None) -> World:
    scale = Scale(shards=shards, sources=0, workers_max=50, trouble_s=0, pause_s=1, look_every_s=STEP_S)
    world = World(1, scale, memory=memory, loads=loads)
    world.network.delay_s = NEAR_S
    return world


async def _end(world: World) -> None:
    for process in world.processes:
        process.kill()
    await asyncio.sleep(1)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _until(holds: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> float:
    began_s = _now_s()
    while not holds():
        assert _now_s() < began_s + patience_s, "it does not come right"
        await asyncio.sleep(STEP_S)
    return _now_s() - began_s


def _polled(world: World) -> dict[int, Process]:
    return {n: one for one in world.living() if one.leases.may_act() for n in one.polling}


def _is_owned(world: World) -> bool:
    return len(_polled(world)) == world.scale.shards


def _crashes(*, workers: int = 20, shards: int = 200, crashes: int = 60) -> list[Claim]:
    async def story(world: World) -> list[float]:
        taken: list[float] = []
        for _ in range(crashes):
            await asyncio.sleep(world.chance.uniform(0, 2))
            world.chance.choice(world.living()).kill()
            taken.append(await _until(lambda: _is_owned(world)))
            world.join()
            await asyncio.sleep(25)
        return taken

    taken = fleet(shards, workers, story)
    how = f"virtual, {workers} workers, {shards} shards, {crashes} crashes"
    return [
        _at_most("crash → every shard owned, p50", percentile(taken, 0.5), "s", 6, how),
        _at_most("crash → every shard owned, p99", percentile(taken, 0.99), "s", 8, how),
        _at_most("crash → every shard owned, slowest", max(taken), "s", 15, how),
    ]


def _hand_offs(*, shards: int = 24, rounds: int = 3) -> list[Claim]:
    async def story() -> tuple[list[float], int]:
        whole = WholeFleet(shards=shards, sources_per_shard=40, interval_s=10, delay_s=NEAR_S)
        gaps: list[float] = []
        off = 0
        members = [whole.join(), whole.join()]
        await asyncio.sleep(40)
        for _ in range(rounds):
            for act in ("join", "leave"):
                whole.stopped_s.clear()
                whole.ready_s.clear()
                since_ms = whole.now_ms()
                if act == "join":
                    members.append(whole.join())
                else:
                    await members.pop(0).leave()
                await asyncio.sleep(70)
                gaps += whole.gaps_s()
                off += len(whole.off_the_grid(since_ms, whole.now_ms() - 1_000))
        await whole.end()
        return gaps, off

    gaps, off = run(story())
    how = f"virtual, whole workers, 2 ↔ 3 of them, 40 sources a shard at 10 s, {len(gaps)} hand-offs"
    gap = "planned hand-off: last poll possible there → every source of the shard ready here"
    return [
        _at_most(f"{gap}, p50", percentile(gaps, 0.5) * 1_000, "ms", 150, how),
        _at_most(f"{gap}, p99", percentile(gaps, 0.99) * 1_000, "ms", 500, how),
        _at_most("polls skipped or doubled by planned hand-offs", off, "", 0, how),
    ]


def _drain() -> list[Claim]:
    async def story(world: World) -> float:
        leaver = world.living()[0]
        assert len(leaver.polling) >= 45
        leaver.terminate()
        return await _until(lambda: not leaver.is_alive)

    taken_s = fleet(100, 2, story)
    return [_at_most("SIGTERM → 50 shards handed over and parted", taken_s, "s", 5, "virtual, 2 workers, 100 shards")]


def _costs() -> list[Claim]:
    claims: list[Claim] = []
    for shards in (100, 1_000, 2_000):
        memory = MeteredMemory()

        async def story(_: World, memory: MeteredMemory = memory) -> None:
            memory.reset()
            await asyncio.sleep(120)

        fleet(shards, 20, story, memory=memory)
        how = f"virtual, 20 workers, {shards} shards, two steady minutes"
        written, on_shards = sum(memory.written.values()) / 2, memory.written["S"]
        claims += [
            _at_most(f"lease writes a minute, {shards} shards", written, "WCU", 630, how),
            _at_most(f"of them on shard rows, {shards} shards", on_shards, "WCU", 0, how),
            _at_most(f"lease reads a minute, {shards} shards", sum(memory.read.values()) / 2, "RCU", 6_000, how),
        ]
    return claims


def _lognormal(shards: int, seed: int = 1) -> list[float]:
    chance = Random(seed)
    return [10 * chance.lognormvariate(0, 1) for _ in range(shards)]


def _skew(world: World, loads: list[float]) -> float:
    costs = [sum(loads[n] for n in one.polling) for one in world.living() if not one.is_leaving]
    return max(costs) * len(costs) / sum(costs)


def _balance(*, workers: int = 10, shards: int = 500) -> list[Claim]:
    loads = _lognormal(shards)

    async def story(world: World) -> dict[str, tuple[float, float, float]]:
        found: dict[str, tuple[float, float, float]] = {}
        for act in ("join", "leave", "crash"):
            before, epochs = _owners(world), world.outcome(0.0).epochs
            gone = None if act == "join" else world.living()[0]
            if gone is None:
                world.join()
            elif act == "leave":
                gone.terminate()
            else:
                gone.kill()
            await asyncio.sleep(60)
            skew = _skew(world, loads)
            await asyncio.sleep(60)
            moved = sum(
                load * (after - was) for load, was, after in zip(loads, epochs, world.outcome(0.0).epochs, strict=True)
            )
            left = sum(loads[n] for n, name in before.items() if gone and name == gone.name)
            least = left or sum(loads) / len(world.living())
            found[act] = (skew, moved / least, _skew(world, loads))
        return found

    found = fleet(shards, workers, story, loads=lambda n: loads[n])
    bar = max(1.10, 1.05 * max(1.0, max(loads) * workers / sum(loads)))
    how = f"virtual, {workers} workers, {shards} shards, lognormal(sigma=1) loads"
    return [
        claim
        for act, (skew, moved, _) in found.items()
        for claim in (
            _at_most(f"max/mean load 60 s after a {act}", skew, "", bar, how),
            _at_most(f"load moved for a {act}, of the least possible", moved, "", 1.15, how),
        )
    ]


def _owners(world: World) -> dict[int, str]:
    return {n: one.name for n, one in _polled(world).items()}


def _noise(*, workers: int = 6, shards: int = 120) -> list[Claim]:
    loads, chance = _lognormal(shards), Random(7)
    known, sampled_s = list(loads), 0.0

    def measured(number: int) -> float:
        nonlocal sampled_s
        if _now_s() >= sampled_s + SAMPLE_S:
            sampled_s = _now_s()
            for n, load in enumerate(loads):
                known[n] += ALPHA * (load * chance.uniform(0.8, 1.2) - known[n])
        return known[number]

    async def story(world: World) -> int:
        await asyncio.sleep(120)
        epochs = _epochs(world)
        await asyncio.sleep(HOUR_S)
        return _epochs(world) - epochs

    moves = fleet(shards, workers, story, loads=measured)
    how = f"virtual, {workers} workers, {shards} shards, each sample ±20 % off, as smoothed by the worker"
    return [_at_most("shards moved in an hour of noise", moves, "", 0, how)]


def _epochs(world: World) -> int:
    return sum(world.outcome(0.0).epochs)


def _cold(*, workers: int = 20, shards: int = 1_000) -> list[Claim]:
    async def story() -> float:
        world = _world(shards)
        for _ in range(workers):
            world.join()
        try:
            return await _until(lambda: _is_owned(world))
        finally:
            await _end(world)

    how = f"virtual, {workers} workers at once, {shards} shards whose rows do not exist yet"
    return [_at_most("cold start → every shard owned", run(story()), "s", 5, how)]


def _plan(*, workers: int = 20, shards: int = 1_000, rounds: int = 15) -> list[Claim]:
    loads = _lognormal(shards)
    shares = [range(number, shards, workers - 1) for number in range(workers - 1)]
    rows = [
        Worker(id=f"w{number}", owned=frozenset(share), loads={n: loads[n] for n in share})
        for number, share in enumerate(shares)
    ]
    rows.append(Worker(id="new"))
    taken = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        gives = plan(rows, shards=shards)
        taken.append(time.perf_counter() - began_s)
    how = f"real, one process, a newcomer among {workers}, {shards} shards, {len(gives)} gives, median of {rounds}"
    return [_at_most("one plan", percentile(taken, 0.5) * 1_000, "ms", 5, how)]


def _night(*, workers: int = 3) -> list[Claim]:
    async def story(world: World) -> int:
        network, chance = world.network, world.chance
        network.delay_s, network.slow_share = 0.008, 0.01  # the slowest of a hundred answers takes half a second
        until_s = _now_s() + NIGHT_S
        while _now_s() < until_s:
            await asyncio.sleep(chance.expovariate(1 / 60))
            world.stop(chance.choice(world.living()), 3.0)
        return world.invariants.marked_dead

    dead = fleet(16, workers, story)
    how = f"virtual, {workers} workers for 24 h, a 3 s stall a minute, store p99 500 ms"
    return [_at_most("living workers declared dead", dead, "", 0, how)]


def _outage(*, workers: int = 5, shards: int = 100) -> list[Claim]:
    async def story(world: World) -> tuple[int, float]:
        epochs = _epochs(world)
        world.network.away = True
        await asyncio.sleep(300)
        world.network.away = False
        resumed_s = await _until(lambda: _is_owned(world))
        await asyncio.sleep(60)
        return _epochs(world) - epochs, resumed_s

    changed, resumed_s = fleet(shards, workers, story)
    how = f"virtual, {workers} workers, {shards} shards"
    return [
        _at_most("ownership changes by a 5 min store outage", changed, "", 0, how),
        _at_most("end of the outage → polling everywhere", resumed_s, "s", 3, how),
    ]


def _deploy(*, workers: int = 10, shards: int = 200) -> list[Claim]:
    async def together(world: World) -> float:
        epochs = _epochs(world)
        world.release += 1
        gone = list(world.living())
        for _ in gone:
            world.join()
        await asyncio.sleep(60)
        for old in gone:
            old.terminate()
        await asyncio.sleep(60)
        return (_epochs(world) - epochs) / shards

    async def one_by_one(world: World) -> float:
        epochs = _epochs(world)
        world.release += 1
        for old in list(world.living()):
            world.join()
            await asyncio.sleep(30)
            old.terminate()
            await asyncio.sleep(30)
        await asyncio.sleep(60)
        return (_epochs(world) - epochs) / shards

    how = f"virtual, {workers} workers, {shards} shards"
    asked = f"{how}; all of the new start before the old stop, as stack/fleet.py asks"
    return [
        _at_most("moves per shard in a rolling deploy", fleet(shards, workers, together), "", 1.2, asked),
        _at_most(
            "moves per shard where workers are replaced one by one", fleet(shards, workers, one_by_one), "", 1.8,
            f"{how}; why not 1: docs/leases.md",
        ),
    ]  # fmt: skip


def _soaked() -> list[Claim]:
    """Report the newest record: of one state of the code, which may not be the one that is here."""
    if not SOAK.exists():
        return []
    soaked = max(json.loads(SOAK.read_text()).values(), key=lambda record: record["at"])
    ran = {scale: sum(end - first for first, end in ranges) for scale, ranges in soaked["seeds"].items()}
    caught = soaked["caught"]
    hours = soaked["core_seconds"] / 3_600
    how = f"recorded {soaked['at']} at {soaked['commit']}, {hours:.1f} h of one core, {soaked['calls']:,} store calls"
    long = sum(ran.get(scale, 0) for scale in ("long", "wide", "restless"))
    return [
        Claim(claim="short schedules simulated", value=ran.get("short", 0), unit="", op=">=", bar=SOAK_SHORT, how=how),
        Claim(claim="long schedules simulated", value=long, unit="", op=">=", bar=SOAK_LONG, how=how),
        _at_most("invariants violated in them", len(soaked["violations"]), "", 0, how),
        _at_most("planted protocol bugs that escaped", sum(by is None for by in caught.values()), "", 0, how),
        Claim(
            claim="planted protocol bugs caught", value=sum(by is not None for by in caught.values()), unit="",
            op=">=", bar=BUGS_MIN, how=how,
        ),
    ]  # fmt: skip


def _at_most(claim: str, value: float, unit: str, bar: float, how: str) -> Claim:
    return Claim(claim=claim, value=value, unit=unit, op="<=", bar=bar, how=how)


if __name__ == "__main__":
    main()
