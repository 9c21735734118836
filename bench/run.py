"""Run every bench, or those that are named, and write what they measured; a missed bar stays written as missed."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import numbers

HERE = Path(__file__).parent
NOT_A_BENCH = {
    "__init__",
    "audience",
    "certificate",
    "claim",
    "cost",
    "counted",
    "crowds",
    "numbers",
    "rig",
    "rivals",
    "run",
    "schedule_memory",
    "soak",  # ten minutes, and nothing but growth: `make soak`
}
BENCH_TIMEOUT_S = 1_200


def main() -> None:
    """Run them one after the other: they would disturb each other. What was not run keeps its lines."""
    missed = [claim for name in sys.argv[1:] or names() for claim in written(name)]
    print(f"missed: {missed}" if missed else "every claim meets its bar")


def names() -> list[str]:
    """Give the name of every bench."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_A_BENCH)


def written(name: str) -> list[str]:
    """Run one bench, write its lines at once (a later one may fail), and give the claims that missed their bar."""
    rows = run(name)
    sections = {**numbers.read(numbers.PAGE.read_text()), name: tuple(map(numbers.line, rows))}
    numbers.PAGE.write_text(numbers.write(sections))
    numbers.README.write_text(numbers.replaced(numbers.README.read_text(), numbers.headlines(sections)))
    return [row["claim"] for row in rows if not row["ok"]]


def run(name: str) -> list[dict[str, Any]]:
    """Run one bench in a process of its own and read its claims."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{name}.json"
        command = [sys.executable, "-m", f"bench.{name}", "--json", str(target)]
        subprocess.run(command, check=True, timeout=BENCH_TIMEOUT_S, cwd=HERE.parent)
        rows: list[dict[str, Any]] = json.loads(target.read_text())
    return rows


if __name__ == "__main__":
    main()
