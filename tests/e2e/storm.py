"""
Everything that can happen to a fleet, one thing after another, while a hundred sources change every ten seconds.

`make test` runs it once, with a short outage and no more than four workers (`test_storm`); `make soak` runs
`python -m tests.e2e.storm`: with a whole minute, and again. Only the latter holds the fleet to its seconds.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.running import running_stack
from tests.conftest import ROOT
from tests.e2e.storm_world import INTERVAL_S, KIND, PATIENCE_S, Storm, eventually

WORKERS = 4
#: A crashed worker's sources are polled again within this; so are those of one that froze.
FAIL_OVER_MAX_S = 15.0
#: While shards are handed over: less than a death costs.
PLANNED_GAP_MAX_S = 8.0
#: To one, to many, to few, and back.
COUNTS = (1, 8, 2, WORKERS)
SLOW_S = 0.3
#: Longer than a worker that hands over waits for a poll.
HUNG_S = 4.0


@dataclass
class Seen:
    """What was measured, in seconds, by what happened."""

    say: Callable[[str], None]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def note(self, what: str, value: float) -> None:
        """Note one and say it."""
        self.seconds.setdefault(what, []).append(value)
        self.say(f"{what}: {value:.2f} s")


async def storm(
    base: Path,
    folder: Path,
    *,
    outage_s: float,
    rounds: int,
    counts: Sequence[int],
    say: Callable[[str], None],
    slower: float = 1,
) -> Seen:
    """
    Let it happen, in each round scaled to each of `counts`; AssertionError where a promise is broken.

    On a machine with much else to do each promise may take so many times longer (`slower`).
    """
    seen = Seen(say=say)
    fail_over_max_s = slower * FAIL_OVER_MAX_S
    async with Storm.over(base, folder, workers=WORKERS) as world:
        changing = asyncio.create_task(world.change_sources())
        await world.until_shared(WORKERS)
        for _ in range(rounds):
            seen.note("killed → every source polled", await _kill(world, fail_over_max_s))
            seen.note("frozen → every source polled", await _freeze(world, fail_over_max_s))
            seen.note("told to end twice → every source polled", await _hurry(world, fail_over_max_s))
            seen.note("AWS back → every source polled", await _cut_off(world, outage_s, fail_over_max_s))
            for count in counts:
                gap_s = await _scale(world, count)
                seen.note(f"scaled to {count}: longest gap between polls", gap_s)
                assert gap_s <= slower * PLANNED_GAP_MAX_S
        changing.cancel()
        await world.until_right(PATIENCE_S)
        world.check_versions()
    return seen


async def _kill(world: Storm, timeout_s: float) -> float:
    victim = world.worker_pids()[0]
    world.send(victim, signal.SIGKILL)
    killed_at = time.monotonic()
    polled_s = await world.until_polled(killed_at, timeout_s=timeout_s)
    await eventually(lambda: len(set(world.worker_pids()) - {victim}) == WORKERS, "the agent starts another")
    await world.until_shared(WORKERS)
    return polled_s


async def _freeze(world: Storm, timeout_s: float) -> float:
    """Stop a worker with polls in flight, and let it go on when others own its shards: its results are stale then."""
    world.feeds.delay_s, fenced = SLOW_S, len(world.logged("self_fenced"))
    await asyncio.sleep(2 * SLOW_S)  # until polls are in flight everywhere
    zombie = world.worker_pids()[-1]
    world.send(zombie, signal.SIGSTOP)
    stopped_at = time.monotonic()
    polled_s = await world.until_polled(stopped_at + SLOW_S, timeout_s=timeout_s)
    await eventually(lambda: bool(world.logged("marked_dead")), "the others declare it dead")
    await world.until_shared(WORKERS - 1)
    world.send(zombie, signal.SIGCONT)
    await eventually(lambda: len(world.logged("self_fenced")) > fenced, "it notices that it is dead")
    world.feeds.delay_s = 0
    await world.until_shared(WORKERS)
    return polled_s


async def _hurry(world: Storm, timeout_s: float) -> float:
    """Tell a worker to end whose polls hang, and again: it lets go of what it could not hand over."""
    victim, parted = world.worker_pids()[1], len(world.logged("parted_at_once"))
    world.feeds.delay_s = HUNG_S
    await asyncio.sleep(INTERVAL_S)  # until every source's poll hangs
    draining = len(world.logged("draining"))
    world.send(victim, signal.SIGTERM)
    told_at = time.monotonic()
    await eventually(lambda: len(world.logged("draining")) > draining, "it begins to hand over")
    world.send(victim, signal.SIGTERM)
    await eventually(lambda: len(world.logged("parted_at_once")) > parted, "it parts at once")
    world.feeds.delay_s = 0
    polled_s = await world.until_polled(told_at, timeout_s=timeout_s)
    await eventually(lambda: len(set(world.worker_pids()) - {victim}) == WORKERS, "the agent starts another")
    await world.until_shared(WORKERS)
    return polled_s


async def _cut_off(world: Storm, outage_s: float, timeout_s: float) -> float:
    """Hold every request for a while, then refuse them all; nothing changes hands."""
    lost = [len(world.logged(event)) for event in ("marked_dead", "self_fenced")]
    world.line.hold()
    await asyncio.sleep(outage_s / 2)
    world.line.cut()
    await asyncio.sleep(outage_s / 2)
    world.line.mend()
    back_at = time.monotonic()
    polled_s = await world.until_polled(back_at, timeout_s=timeout_s)
    await world.until_shared(WORKERS)
    assert [len(world.logged(event)) for event in ("marked_dead", "self_fenced")] == lost, "an outage killed workers"
    return polled_s


async def _scale(world: Storm, count: int) -> float:
    began = time.monotonic()
    await world.scale(count)
    await world.until_shared(count)
    return world.longest_gap_s(began)


def main() -> None:
    """Run the long one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--outage-s", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="stack-") as base,
        tempfile.TemporaryDirectory(prefix="storm-") as folder,
        running_stack(ROOT, workers={KIND: 0}, folder=Path(base), say=_say),
    ):
        asyncio.run(
            storm(Path(base), Path(folder), outage_s=asked.outage_s, rounds=asked.rounds, counts=COUNTS, say=_say)
        )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
