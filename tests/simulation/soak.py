"""
The long run: a million short schedules, two thousand long ones, and every planted bug; `make soak`.

`python -m tests.simulation.soak [--short N] [--long N] [--minutes M] [--jobs J] [--file FILE]`. FILE (`soak.json`
beside this file) keeps a record for each state of the code that was soaked, written after every chunk: a soak may be
ended at any moment, and goes on where it was for as long as nothing that takes part in a schedule was changed.
"""

import argparse
import asyncio
import datetime as dt
import gc
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tests.simulation.invariants import Violated
from tests.simulation.planted import PLANTED, planted
from tests.simulation.scale import SCALES
from tests.simulation.schedule import simulate
from tests.simulation.virtual import run

FILE = Path(__file__).with_name("soak.json")
ROOT = FILE.parents[2]
SHORT, LONG = 1_000_000, 2_000
#: A planted bug must be caught within so many seeds.
SEEDS_UNTIL_CAUGHT_MAX = 10_000
CHUNK = {"short": 250, "long": 20, "wide": 5, "restless": 50}
#: Of the long schedules every so manieth has up to 50 workers, and as many have two that never rest.
WIDE_EVERY = 4
#: Each bug is hunted in so many seeds of each scale by turns.
HUNTED_IN = {"short": 100, "long": 20, "restless": 50}
ROUND = sum(HUNTED_IN.values())


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
    """Seeds of one scale; or one round of hunting a bug, whose seeds begin at `first` of `ROUND` each."""

    scale: str
    first: int
    count: int
    bug: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a chunk brought: a violation if there was one, store calls, seconds of one core."""

    chunk: Chunk
    found: Found | None
    calls: int
    seconds: float


@dataclass(kw_only=True)
class Record:
    """What ran of one state of the code: seeds by scale, violations, and by which seed each planted bug was caught."""

    at: str = ""
    commit: str = ""
    core_seconds: float = 0.0
    #: By scale: ranges of seeds in order, each up to but without its second number.
    seeds: dict[str, list[list[int]]] = field(default_factory=dict)
    calls: int = 0
    violations: list[str] = field(default_factory=list)
    #: None: not among `SEEDS_UNTIL_CAUGHT_MAX`.
    caught: dict[str, str | None] = field(default_factory=dict)
    #: Of the bugs not caught yet: among how many seeds they were looked for.
    hunted: dict[str, int] = field(default_factory=dict)

    def count(self, scale: str) -> int:
        """Say how many schedules of a scale ran."""
        return sum(end - first for first, end in self.seeds.get(scale, []))

    def note(self, ran: Ran) -> None:
        """Note what a chunk brought."""
        self.core_seconds = round(self.core_seconds + ran.seconds, 1)
        if ran.chunk.bug:
            self._note_hunt(ran.chunk.bug, ran)
            return
        self.calls += ran.calls
        end = ran.found.seed + 1 if ran.found else ran.chunk.first + ran.chunk.count
        self.seeds[ran.chunk.scale] = joined([*self.seeds.get(ran.chunk.scale, []), [ran.chunk.first, end]])
        if ran.found:
            self.violations.append(f"{ran.found.what[:200]}; replay: {ran.found.replay}")

    def _note_hunt(self, bug: str, ran: Ran) -> None:
        if bug in self.caught:
            return  # another round of it was under way
        self.hunted[bug] = self.hunted.get(bug, 0) + ROUND
        if ran.found:
            self.caught[bug] = f"{ran.found.what.partition(':')[0]}, {ran.found.scale} seed {ran.found.seed}"
        elif self.hunted[bug] >= SEEDS_UNTIL_CAUGHT_MAX:
            self.caught[bug] = None
        if bug in self.caught:
            del self.hunted[bug]


def joined(ranges: list[list[int]]) -> list[list[int]]:
    """Put ranges in order and join those that meet."""
    whole: list[list[int]] = []
    for first, end in sorted(ranges):
        if whole and first <= whole[-1][1]:
            whole[-1][1] = max(end, whole[-1][1])
        else:
            whole.append([first, end])
    return whole


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


def hunt(bug: str, at: int) -> Found | None:
    """Look for a planted bug in every scale by turns, in the round that begins after so many seeds."""
    for scale, step in HUNTED_IN.items():
        first = at // ROUND * step
        found, _ = first_violation(scale, range(first, first + step), bug=bug)
        if found:
            return found
    return None


def chunks(record: Record, *, short: int, long: int) -> Iterator[Chunk]:
    """Give what is still to run, of every kind by turns: whenever it ends, some of each was done."""
    wide = long // WIDE_EVERY
    wanted = {"wide": wide, "restless": wide, "long": long - 2 * wide, "short": short}
    kinds = deque([_hunts(record), *(_left(record, scale, count) for scale, count in wanted.items())])
    while kinds:
        chunk = next(kinds[0], None)
        if chunk:
            yield chunk
            kinds.rotate(-1)
        else:
            kinds.popleft()


def _hunts(record: Record) -> Iterator[Chunk]:
    """Give rounds by turns for each bug until it is caught, or was hunted for long enough."""
    at = {bug: record.hunted.get(bug, 0) for bug in sorted(PLANTED)}
    while at := {bug: seeds for bug, seeds in at.items() if seeds < SEEDS_UNTIL_CAUGHT_MAX}:
        for bug in at:
            if bug not in record.caught:
                yield Chunk(scale="bug", first=at[bug], count=ROUND, bug=bug)
            at[bug] += ROUND


def _left(record: Record, scale: str, count: int) -> Iterator[Chunk]:
    first = 0
    for done_first, done_end in [*record.seeds.get(scale, []), [count, count]]:
        while first < min(done_first, count):
            size = min(CHUNK[scale], done_first - first, count - first)
            yield Chunk(scale=scale, first=first, count=size)
            first += size
        first = max(first, done_end)


def work(chunk: Chunk) -> Ran:
    """Run a chunk."""
    logging.disable(logging.CRITICAL)
    began_s = time.process_time()
    if chunk.bug:
        found, calls = hunt(chunk.bug, chunk.first), 0
    else:
        found, calls = first_violation(chunk.scale, range(chunk.first, chunk.first + chunk.count))
    return Ran(chunk=chunk, found=found, calls=calls, seconds=time.process_time() - began_s)


def soak(record: Record, path: Path, code: str, *, short: int, long: int, minutes: float, jobs: int) -> None:
    """Run what is left, or as much of it as the minutes allow."""
    until_s = time.monotonic() + minutes * 60
    left = chunks(record, short=short, long=long)
    # What is loaded is no garbage, ever; and whoever ends the soak waits only for the chunks that run.
    with ProcessPoolExecutor(jobs, initializer=gc.freeze) as pool, ExitStack() as at_end:
        at_end.callback(pool.shutdown, cancel_futures=True)
        under_way: set[Future[Ran]] = {pool.submit(work, chunk) for chunk in islice(left, 2 * jobs)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for one in done:
                record.note(one.result())
                save(record, path, code)
            if time.monotonic() < until_s:
                under_way |= {pool.submit(work, chunk) for chunk in islice(left, len(done))}


def load(path: Path) -> dict[str, Any]:
    """Read what was recorded, by the state of the code."""
    return json.loads(path.read_text()) if path.exists() else {}


def save(record: Record, path: Path, code: str) -> None:
    """Write the record of this state of the code beside those of others; the file is whole at every moment."""
    record.at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    new = path.with_suffix(".new")
    new.write_text(json.dumps({**load(path), code: asdict(record)}, indent=1, sort_keys=True) + "\n")
    new.replace(path)


def code_of(modules: Mapping[str, Any]) -> str:
    """Digest every file of ours that is loaded, but for this one: whatever can change what a seed does."""
    files = {Path(module.__file__) for module in modules.values() if getattr(module, "__file__", None)}
    others = {Path(__file__), *(path for path in files if ".venv" in path.parts or not path.is_relative_to(ROOT))}
    ours = sorted(files - others)
    return hashlib.sha256(b"".join(path.read_bytes() for path in ours)).hexdigest()[:16]


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its processes end with it
    code = code_of(sys.modules)
    record = Record(**load(asked.file).get(code, {}))
    record.commit = _commit()
    soak(record, asked.file, code, short=asked.short, long=asked.long, minutes=asked.minutes, jobs=asked.jobs)
    print("\n".join(record.violations))  # noqa: T201 - a command line prints
    print({scale: record.count(scale) for scale in SCALES}, f"schedules, {len(record.violations)} violations")  # noqa: T201 - a command line prints
    print(f"caught {record.caught}, not yet {record.hunted}")  # noqa: T201 - a command line prints
    return 1 if record.violations or None in record.caught.values() else 0


if __name__ == "__main__":
    raise SystemExit(main())
