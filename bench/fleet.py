"""
What a fleet of real processes does: after a crash, while shards are handed over, and when a source is edited.

Workers, agent, Lambdas, tables and queue of a private local stack; only AWS is embedded. What is measured is measured
at the sources, which see when they are polled: each has a loopback address of its own (Linux has them all), so that
what is late was not waiting for another source of the same host. Large fleets, and how fast shards alone change hands,
are virtual.
"""

import asyncio
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench.claim import Claim, percentile, report
from contracts.clock import SECOND_MS
from local.running import running_stack
from tests.e2e.storm_world import INTERVAL_S, KIND, SOURCES, Storm, eventually
from tests.e2e.test_edit import edit

ROOT = Path(__file__).parent.parent
PLAIN = ("python", "-m", "monitor_fleet")
WORKERS = 4
CRASHES = 5
SCALES = (2, 4, 2, 4)
EDITS = 10
CRASH_TIMEOUT_S = 30.0
#: So many polls before anything moves show when a source is due.
QUIET_POLLS = 4


def main() -> None:
    """Start a private stack, measure, report."""
    with (
        tempfile.TemporaryDirectory(prefix="stack-") as base,
        tempfile.TemporaryDirectory(prefix="fleet-") as folder,
        running_stack(ROOT, workers={KIND: 0}, folder=Path(base), say=print),
    ):
        crashes, (wrong, late_ms), edits = asyncio.run(measure(Path(base), Path(folder)))
    how = f"real processes, embedded AWS, {WORKERS} workers, {SOURCES} sources at {INTERVAL_S} s, each at its own host"
    crash = f"{how}; the interval is part of it, n={len(crashes)}"
    planned = f"{how}; scaled {'→'.join(map(str, (WORKERS, *SCALES)))}, n={len(late_ms)} polls"
    edited = f"{how}; from the API's answer to the poll, n={len(edits)}"
    report(
        [
            _claim("worker killed → every source polled again, p50", percentile(crashes, 0.5), "s", 8, crash),
            _claim("worker killed → every source polled again, longest", max(crashes), "s", 15, crash),
            Claim(
                claim="polls skipped or doubled while shards are handed over",
                value=wrong, unit="polls", op="==", bar=0, how=planned,
            ),
            _claim("polls late while shards are handed over, p99", percentile(late_ms, 0.99), "ms", 500, planned),
            _claim("an edit is obeyed, longest", max(edits), "s", 2, edited),
        ]
    )  # fmt: skip


def _claim(name: str, value: float, unit: str, bar: float, how: str) -> Claim:
    return Claim(claim=name, value=value, unit=unit, op="<=", bar=bar, how=how)


async def measure(base: Path, folder: Path) -> tuple[list[float], tuple[int, list[float]], list[float]]:
    """Give the seconds of each crash, what moves did to polls, and the seconds of each edit."""
    async with Storm.over(base, folder, workers=WORKERS, command=PLAIN, hosts=SOURCES) as world:
        await world.until_shared(WORKERS)
        crashes = [await one_crash(world) for _ in range(CRASHES)]
        moves = await planned_moves(world)
        edits = [await one_edit(world, n) for n in range(EDITS)]
    return crashes, moves, edits


async def one_crash(world: Storm) -> float:
    """Kill a worker; how long until the last of all sources was polled again."""
    victim = world.worker_pids()[0]
    world.send(victim, signal.SIGKILL)
    seconds = await world.until_polled(time.monotonic(), timeout_s=CRASH_TIMEOUT_S)
    await eventually(lambda: len(set(world.worker_pids()) - {victim}) == WORKERS, "the agent starts another")
    await world.until_shared(WORKERS)
    return seconds


async def planned_moves(world: Storm) -> tuple[int, list[float]]:
    """Scale in and out; how many turns were not served exactly once, and how late (ms) each poll was."""
    await asyncio.sleep(QUIET_POLLS * INTERVAL_S)
    began_s = time.monotonic()
    for count in SCALES:
        await world.scale(count)
        await world.until_shared(count)
    wrong, late_ms = 0, list[float]()
    for name in world.ids:
        polls = world.feeds.polls[name]
        turns = list(turns_of([at for at in polls if at > began_s], [at for at in polls if at <= began_s]))
        served = Counter(turn for turn, _ in turns)
        wrong += sum(abs(served[turn] - 1) for turn in range(min(served), max(served) + 1))
        late_ms += [late_s * SECOND_MS for _, late_s in turns]
    return wrong, late_ms


def turns_of(polls: list[float], before: list[float]) -> Iterator[tuple[int, float]]:
    """Give which turn each poll served and by how much (s) it came late, as the quiet polls before show the grid."""
    quiet = before[-QUIET_POLLS:]
    early_s = min(at - quiet[0] - round((at - quiet[0]) / INTERVAL_S) * INTERVAL_S for at in quiet)
    for at in polls:
        since_s = at - quiet[0] - early_s
        turn = round(since_s / INTERVAL_S)
        yield turn, max(0.0, since_s - turn * INTERVAL_S)


async def one_edit(world: Storm, number: int) -> float:
    """
    Let a source be polled at another place of its host; how long after the answer that place was asked.

    Places get the hosts by turns, as the sources did: the first new one is at the first source's host.
    """
    name = f"edited-{number}"
    world.feeds.set(name, {"n": number})
    answered = await edit(world.api, list(world.ids.values())[number], url=world.feeds.url(name))
    await world.feeds.until(lambda: bool(world.feeds.polls[name]))
    return max(0.0, world.feeds.polls[name][0] - answered)


if __name__ == "__main__":
    main()
