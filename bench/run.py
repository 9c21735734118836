"""Run every bench, or those that are named, and write the README's table; what misses its bar stays in it as missed."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- numbers: make bench -->", "<!-- end of numbers -->"
NOT_A_BENCH = {
    "__init__",
    "audience",
    "certificate",
    "claim",
    "cost",
    "counted",
    "crowds",
    "rig",
    "rivals",
    "run",
    "schedule_memory",
}
BENCH_TIMEOUT_S = 600


def main() -> None:
    """Run them one after the other: they would disturb each other. What was not run keeps its lines."""
    every = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_A_BENCH)
    names = sys.argv[1:] or every
    rows = [row for name in names for row in run(name)]
    text = README.read_text()
    README.write_text(replaced(text, table([*kept(text, names), *map(line, rows)])))
    missed = [row["claim"] for row in rows if not row["ok"]]
    print(f"{len(rows)} claims, {len(missed)} missed: {missed}")


def run(name: str) -> list[dict[str, Any]]:
    """Run one bench in a process of its own and read its claims."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{name}.json"
        command = [sys.executable, "-m", f"bench.{name}", "--json", str(target)]
        subprocess.run(command, check=True, timeout=BENCH_TIMEOUT_S, cwd=HERE.parent)
        rows: list[dict[str, Any]] = json.loads(target.read_text())
    return [row | {"bench": name} for row in rows]


def kept(text: str, names: list[str]) -> list[str]:
    """Give the lines of the table that are of other benches than these."""
    _, _, rest = text.partition(BEGIN)
    lines = [one for one in rest.partition(END)[0].splitlines() if "`python -m bench." in one]
    return [one for one in lines if not any(f"`python -m bench.{name}`" in one for name in names)]


def line(row: dict[str, Any]) -> str:
    """Write one claim as a line of the table."""
    bar = f"{row['bar']['op']} {row['bar']['value']:g}" + ("" if row["ok"] else " **missed**")
    how = f"{row['how']} (`python -m bench.{row['bench']}`)"
    return f"| {row['claim']} | {row['value']:g} {row['unit']} | {bar} | {how} |"


def table(lines: list[str]) -> str:
    """Put the lines under their head."""
    return "\n".join(["| claim | measured | bar | how |", "|---|---|---|---|", *lines])


def replaced(text: str, numbers: str) -> str:
    """Put the table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{numbers}\n{END}{after}"


if __name__ == "__main__":
    main()
