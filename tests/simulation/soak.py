"""
The long run: a million short schedules, two thousand long ones, and every planted bug; `make soak`.

`python -m tests.simulation.soak [--short N] [--long N] [--minutes M] [--jobs J] [--file FILE]`. What ran, when and of
which commit is written to FILE (`soak.json` beside this file): `make bench` reports from it. Ends early, with what it
has done by then, when its minutes are up.
"""

import argparse
import asyncio
import datetime as dt
import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path

from tests.simulation.invariants import Violated
from tests.simulation.planted import PLANTED, planted
from tests.simulation.scale import SCALES
from tests.simulation.schedule import simulate
from tests.simulation.virtual import run

FILE = Path(__file__).with_name("soak.json")
SHORT, LONG = 1_000_000, 2_000
#: A planted bug must be caught within so many seeds.
SEEDS_UNTIL_CAUGHT_MAX = 10_000
CHUNK = {"short": 250, "long": 20, "wide": 5, "restless": 50, "bug": 1}
#: Of the long schedules every so manieth has up to 50 workers, and as many have two that never rest.
WIDE_EVERY = 4
#: Each bug is hunted in so many seeds of each scale by turns.
HUNTED_IN = {"short": 100, "long": 20, "restless": 50}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A violation, and the one command that shows it again."""

    scale: str
    seed: int
    what: str
    bug: str | None = None

    @property
    def replay(self) -> str:
        """Give the command."""
        planted = f" --planted {self.bug}" if self.bug else ""
        return f".venv/bin/python -m tests.simulation {self.seed} --scale {self.scale}{planted}"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Seeds of one scale, or one bug to hunt."""

    scale: str
    first: int
    count: int
    bug: str | None = None


@dataclass(kw_only=True)
class Record:
    """What ran: schedules by scale, violations, and by which seed each planted bug was caught."""

    at: str
    commit: str
    seconds: float = 0.0
    ran: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    violations: list[str] = field(default_factory=list)
    caught: dict[str, str | None] = field(default_factory=dict)
    #: Of the bugs not caught: among how many seeds they were looked for.
    hunted: dict[str, int] = field(default_factory=dict)


def first_violation(scale: str, seeds: range, *, bug: str | None = None) -> tuple[Found | None, int]:
    """Run seeds until one violates something; it, and how many store calls that took."""
    calls = 0
    with planted(bug):
        for seed in seeds:
            try:
                calls += run(simulate(seed, SCALES[scale])).calls
            except Violated as violated:
                return Found(scale=scale, seed=seed, what=str(violated), bug=bug), calls
            except (KeyError, ValueError, asyncio.InvalidStateError) as crashed:
                if bug is None:
                    raise
                return Found(scale=scale, seed=seed, what=repr(crashed), bug=bug), calls
    return None, calls


def hunt(bug: str, *, until_s: float, seeds_max: int = SEEDS_UNTIL_CAUGHT_MAX) -> tuple[Found | None, int]:
    """Look for a planted bug in every scale by turns, until a time; it, and how many seeds that took."""
    at = dict.fromkeys(HUNTED_IN, 0)
    while sum(at.values()) < seeds_max and time.time() < until_s:
        for scale, step in HUNTED_IN.items():
            found, _ = first_violation(scale, range(at[scale], at[scale] + step), bug=bug)
            at[scale] += step
            if found:
                return found, sum(at.values())
    return None, sum(at.values())


def _chunks(short: int, long: int) -> Iterator[Chunk]:
    """Give work of every kind by turns: whenever it ends early, some of each was done."""
    wide = long // WIDE_EVERY
    bugs = (Chunk(scale="bug", first=0, count=1, bug=bug) for bug in sorted(PLANTED))
    kinds = (
        bugs, _seeds("wide", wide), _seeds("restless", wide), _seeds("long", long - 2 * wide), _seeds("short", short),
    )  # fmt: skip
    for turn in zip_longest(*kinds):
        yield from (chunk for chunk in turn if chunk)


def _seeds(scale: str, count: int) -> Iterator[Chunk]:
    for first in range(0, count, CHUNK[scale]):
        yield Chunk(scale=scale, first=first, count=min(CHUNK[scale], count - first))


def _work(chunk: Chunk, until_s: float) -> tuple[Chunk, Found | None, int]:
    logging.disable(logging.CRITICAL)
    if chunk.bug:
        return chunk, *hunt(chunk.bug, until_s=until_s)
    found, calls = first_violation(chunk.scale, range(chunk.first, chunk.first + chunk.count))
    return chunk, found, calls


def soak(*, short: int, long: int, minutes: float, jobs: int) -> Record:
    """Run it all, or as much as the minutes allow."""
    record = Record(at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), commit=_commit())
    began_s, until_s = time.monotonic(), time.time() + minutes * 60
    chunks = _chunks(short, long)
    with ProcessPoolExecutor(jobs) as pool:
        under_way = {pool.submit(_work, chunk, until_s) for _, chunk in zip(range(2 * jobs), chunks, strict=False)}
        while under_way:
            done = next(as_completed(under_way))
            under_way.remove(done)
            _note(record, *done.result())
            if time.time() < until_s:
                under_way |= {pool.submit(_work, chunk, until_s) for _, chunk in zip(range(1), chunks, strict=False)}
    record.seconds = round(time.monotonic() - began_s, 1)
    return record


def _note(record: Record, chunk: Chunk, found: Found | None, calls: int) -> None:
    if chunk.bug:
        _note_hunt(record, chunk.bug, found, calls)
        return
    ran = found.seed - chunk.first + 1 if found else chunk.count
    record.ran[chunk.scale] = record.ran.get(chunk.scale, 0) + ran
    record.calls += calls
    if found:
        record.violations.append(f"{found.what[:200]}; replay: {found.replay}")
        print(record.violations[-1], flush=True)  # noqa: T201 - a command line prints


def _note_hunt(record: Record, bug: str, found: Found | None, seeds: int) -> None:
    """Note how a hunt ended; one that the time cut short says nothing of the bug."""
    if found:
        record.caught[bug] = f"{found.what.partition(':')[0]}, {found.scale} seed {found.seed}"
    else:
        record.hunted[bug] = seeds
        if seeds >= SEEDS_UNTIL_CAUGHT_MAX:
            record.caught[bug] = None
    print(f"{bug}: {record.caught.get(bug)}", flush=True)  # noqa: T201 - a command line prints


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True, cwd=FILE.parent).stdout

    return git("rev-parse", "--short", "HEAD").strip() + ("+" if git("status", "--porcelain", "-uno").strip() else "")


def main() -> int:
    """Run, write the record, say what was found; 1 if anything was violated or a bug escaped."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.soak")
    parser.add_argument("--short", type=int, default=SHORT)
    parser.add_argument("--long", type=int, default=LONG)
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--file", type=Path, default=FILE)
    asked = parser.parse_args()
    record = soak(short=asked.short, long=asked.long, minutes=asked.minutes, jobs=asked.jobs)
    asked.file.write_text(json.dumps(asdict(record), indent=1, sort_keys=True) + "\n")
    print(f"{record.ran} schedules, {len(record.violations)} violations, {record.seconds:.0f} s: {asked.file.name}")  # noqa: T201 - a command line prints
    return 1 if record.violations or None in record.caught.values() else 0


if __name__ == "__main__":
    raise SystemExit(main())
