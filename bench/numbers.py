"""The written numbers: `docs/numbers.md` holds all that the benches measured, the README what a reader asks first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE, README = ROOT / "docs" / "numbers.md", ROOT / "README.md"
BEGIN, END = "<!-- numbers: make bench -->", "<!-- end of numbers -->"
HEAD = "| claim | measured | bar | how |\n|---|---|---|---|"
SHORT_HEAD = "| claim | measured | bar |\n|---|---|---|"
SECTION = "## `python -m bench."
INTRO = """# The numbers

What each bench measured when it last ran, written by `make bench` (`make bench ONLY="sheets diff"` runs those two).
Each compares in the same run: ratios travel from machine to machine, absolute times do not. *Real* means real sockets
and the machine's clock, *virtual* the product's own code on a clock that is handed in, *counted* no clock at all. A
bar that was missed stays in the table as missed."""

#: Claims by which a reader judges the whole; each must stand on the page.
HEADLINES = (
    "poll that saw a change → frame at the client, p50",
    "poll that saw a change → frame at the client, p99",
    "subscribe → snapshot, p50",
    "change committed → last of 1,000 WebSocket clients: p99",
    "100,000 subscribers at the default quota",
    "posts per CPU second against single-threaded boto3",
    "cost per million deliveries to an audience of 100,000",
    "CPU of an unchanged poll against a bare GET, 304",
    "AWS calls of an unchanged poll, 304",
    "CPU of a poll of urlwatch, against one of ours",
    "CPU of a poll of prometheus, against one of ours",
    "a poll begins after it is due, p99",
    "changed polls on one process",
    "poll → notified at 200 changed polls a second, p99",
    "step of 2 cells in 12,000 rows",
    "steps that do not lead to the new document",
    "memory of an idle source",
    "more memory for a bomb that is refused",
    "reads per poll, three sources of one spreadsheet",
    "crash → every shard owned, p50",
    "worker killed → every source polled again, longest",
    "polls skipped or doubled while shards are handed over",
    "lease writes a minute, 1000 shards",
    "5,000 changes a second: main thread",
)

#: What a bench is called, and its lines of the table.
Sections = Mapping[str, tuple[str, ...]]


def read(page: str) -> Sections:
    """Give the lines of every bench on the page."""
    found = {}
    for part in page.split(SECTION)[1:]:
        name, _, body = part.partition("`")
        found[name] = tuple(one for one in body.splitlines() if one.startswith("| ") and one not in HEAD)
    return found


def write(sections: Sections) -> str:
    """Write the page, benches in the order of their names."""
    parts = ("\n".join([f"{SECTION}{name}`", HEAD, *sections[name]]) for name in sorted(sections))
    return "\n\n".join([INTRO, *parts]) + "\n"


def line(row: Mapping[str, Any]) -> str:
    """Write one claim, as a bench's JSON file has it, as a line of the table."""
    bar = f"{row['bar']['op']} {row['bar']['value']:,g}" + ("" if row["ok"] else " **missed**")
    return f"| {row['claim']} | {shown(row['value'])} {row['unit']}".rstrip() + f" | {bar} | {row['how']} |"


def shown(value: float) -> str:
    """Write a number with no more digits than a noisy machine can mean: three, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def headlines(sections: Sections) -> str:
    """Give the README's table, without what was not measured: what is compared with may not be installed."""
    cells = _cells(sections)
    lines = (f"| {claim} | {cells[claim][1]} | {cells[claim][2]} |" for claim in HEADLINES if claim in cells)
    return "\n".join([SHORT_HEAD, *lines])


def claims(sections: Sections) -> set[str]:
    """Give what is claimed anywhere."""
    return set(_cells(sections))


def between(text: str) -> str:
    """Give what the README has between its two marks."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def replaced(text: str, numbers: str) -> str:
    """Put a table between the README's two marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{numbers}\n{END}{rest.partition(END)[2]}"


def _cells(sections: Sections) -> Mapping[str, Sequence[str]]:
    """Give each claim's line in its parts."""
    lines = (one.removeprefix("| ").split(" | ") for every in sections.values() for one in every)
    return {cells[0]: cells for cells in lines}
