"""
What a change costs: its step, the way from bytes to a commit, the event loop meanwhile, and the memory of bombs.

Steps are timed in CPU of this process. The loop's stall is that of a ticker of 1 ms while the whole pipeline takes a
300 KB XML and a 1 MB JSON document that change with every poll, against the same ticker while nothing is polled.
Bombs come from a server in another process through the real fetch; counted is what the worker and its pool have more
at their peak than after good documents.
"""

import asyncio
import json
import os
import random
import statistics
import time
import zlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped] # ships no types
import msgspec
import uvloop
from backports import zstd
from yarl import URL

from bench import rig
from bench.claim import Claim, percentile, report
from contracts import steps
from contracts.canonical import canonical
from contracts.table.values import Item
from fetching.document import Reading
from fetching.guard import connector
from fetching.session import session
from local.memory import NAMES
from monitor_fleet import step
from monitor_fleet.offload import Pool
from monitor_fleet.turn import Turns
from monitor_fleet.visit import Seen, Visit
from monitor_fleet.watched import Watched

ROWS = 12_000
REPEATS = 15
PAIRS = 100_000
TICK_S = 0.001
WINDOW_S = 5.0
ROUNDS = 3
POLL_EVERY_S = 0.25
MIB = 1_024 * 1_024
BLOCK = bytes(16 * MIB)

#: Content-Type and whatever header follows it.
GZIP, BROTLI, ZSTD = (f"application/json\r\nContent-Encoding: {coding}" for coding in ("gzip", "br", "zstd"))


def table(rows: int = ROWS) -> list[dict[str, Any]]:
    """Give a table of about 100 bytes a row."""
    return [
        {
            "id": n, "name": f"item {n:05d}", "price": round(n * 1.37, 2), "stock": n % 97,
            "seen": f"2026-11-{n % 28 + 1:02d}T10:00:00Z",
        }
        for n in range(rows)
    ]  # fmt: skip


def cpu_ms(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Measure the CPU of some work: the median."""
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1_000


def ready(decoded: bytes, old: bytes) -> None:
    """Go the whole way from an answer's bytes to what a commit writes."""
    seen = Visit(
        wire=decoded, coding="", content_type="application/json", how=Reading(), known="", known_decoded=b"",
        base_id="", last=old,
    ).make()  # fmt: skip
    assert isinstance(seen, Seen)
    assert seen.ahead is not None
    assert seen.ahead.made is not None


def of_steps() -> list[Claim]:
    """Measure steps of one large table."""
    old = table()
    new = [dict(row) for row in old]
    new[5]["price"], new[9_000]["name"] = 9.5, "renamed"
    moved = sorted(old, key=lambda row: (row["stock"], -row["id"]))
    was, sorted_anew, sent = canonical(old), canonical(moved), json.dumps(new).encode()
    how = f"real, CPU, median of {REPEATS}, {ROWS} rows, {len(was) / 1e6:.1f} MB"
    return [
        Claim(
            claim="step of 2 cells in 12,000 rows", value=cpu_ms(lambda: steps.make(old, new)), unit="ms",
            op="<=", bar=10, how=how,
        ),
        Claim(
            claim="the same, from an answer's bytes to ready to commit", value=cpu_ms(lambda: ready(sent, was)),
            unit="ms", op="<=", bar=30, how=f"{how}; parse, canonical form, step and compressed body, in one process",
        ),
        Claim(
            claim="step of the same table re-sorted", value=cpu_ms(lambda: step.make(was, sorted_anew), 5),
            unit="ms", op="<=", bar=150, how=f"{how}; done in another process",
        ),
    ]  # fmt: skip


def anything(chance: random.Random, depth: int = 0) -> Any:
    """Make some small document."""
    kind = chance.randrange(9 if depth < 3 else 6)
    if kind < 6:
        values = (
            None,
            chance.random() < 0.5,
            chance.randrange(5),
            chance.random(),
            "abc"[: chance.randrange(4)],
            2**70,
        )
        return values[kind]
    inner = [anything(chance, depth + 1) for _ in range(chance.randrange(5))]
    return inner if kind == 6 else {chance.choice(["a", "b", "~", "/", "0", ""]): value for value in inner}


def altered(value: Any, chance: random.Random) -> Any:
    """Change a document here and there."""
    if chance.random() < 0.1:
        return anything(chance, 2)
    if isinstance(value, dict):
        return {name: altered(member, chance) for name, member in value.items() if chance.random() < 0.9}
    if isinstance(value, list):
        kept = [altered(item, chance) for item in value if chance.random() < 0.9]
        chance.shuffle(kept) if chance.random() < 0.2 else None
        return kept
    return value


def of_pairs() -> list[Claim]:
    """Apply the steps of random pairs: half of them alike, half not."""
    chance, wrong = random.Random(1), 0
    for number in range(PAIRS):
        old = anything(chance)
        new = altered(old, chance) if number % 2 else anything(chance)
        wrong += canonical(steps.apply(steps.make(old, new), old)) != canonical(new)
    how = f"real, {PAIRS} random pairs, canonical bytes compared"
    return [Claim(claim="steps that do not lead to the new document", value=wrong, unit="", op="==", bar=0, how=how)]


class Sink:
    """Tables that say yes at once."""

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = items

    async def get(self, request: dict[str, Any]) -> Item | None:
        """Give a source."""
        return self._items.get(f"{request['TableName']}/{request['Key']['id']['S']}")

    async def update(self, request: dict[str, Any]) -> Item:
        """Give the head as fenced."""
        head = self._items.get(f"{request['TableName']}/{request['Key']['id']['S']}", {})
        return {**head, "epoch": {"N": "1"}, "fence": {"N": "1"}}

    async def put(self, _: dict[str, Any]) -> None:
        """Take it."""

    delete = transact = put

    async def query(self, _: dict[str, Any]) -> list[Item]:
        """Find nothing."""
        return []

    batch_get = query


def watched(urls: Sequence[URL]) -> tuple[Sink, list[Watched]]:
    """Give sources and tables that know them."""
    sources = [rig.registered(number, url) for number, url in enumerate(urls)]
    tables = (NAMES.data_sources, NAMES.sheets_data)
    items = {f"{table}/{source.id}": rig.item_of(table, source) for source in sources for table in tables}
    return Sink(items), [Watched.begin(source, rig.SHARD) for source in sources]


def drop(_: Watched, work: Coroutine[Any, Any, None]) -> None:
    """Tell nobody."""
    work.close()


async def lateness_ms(until_s: float) -> list[float]:
    """Tick, and say how late each tick was."""
    late, loop = [], asyncio.get_running_loop()
    while loop.time() < until_s:
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        late.append((loop.time() - due) * 1_000)
    return late


async def poll_on(taken: Turns, one: Watched) -> None:
    """Poll a source again and again."""
    while True:
        await taken.take(one, drop)
        await asyncio.sleep(POLL_EVERY_S)


async def of_stall(root: URL) -> list[Claim]:
    """Compare a ticker beside changing documents with one beside nothing."""
    store, sources = watched([root / "xml", root / "json"])
    async with session(connector(rig.POLICY)) as http:
        pool = Pool()
        taken = rig.turns(rig.through(http), store, offload=pool)
        for _ in range(6):  # both processes start, and hold their modules
            await asyncio.gather(*(taken.take(one, drop) for one in sources))
        loop, more, changed = asyncio.get_running_loop(), [], taken.counts["changed"]
        for _ in range(ROUNDS):
            idle = percentile(await lateness_ms(loop.time() + WINDOW_S), 0.999)
            polling = [asyncio.create_task(poll_on(taken, one)) for one in sources]
            busy = percentile(await lateness_ms(loop.time() + WINDOW_S), 0.999)
            for task in polling:
                task.cancel()
            await asyncio.gather(*polling, return_exceptions=True)
            more.append(busy - idle)
        pool.close()
    changes = taken.counts["changed"] - changed
    how = f"real, uvloop, median of {ROUNDS} rounds ({', '.join(f'{one:.1f}' for one in more)}), {changes} changes"
    claim = "p99.9 of a 1 ms ticker above an idle loop's, 300 KB XML and 1 MB JSON changing"
    return [Claim(claim=claim, value=statistics.median(more), unit="ms", op="<=", bar=10, how=how)]


def documents() -> dict[bytes, tuple[str, list[bytes]]]:
    """Make what the server serves: two documents that change, and the bombs."""
    row = "<item><id>{0}</id><title>item {0}</title><price>{1}</price></item>"
    xml = [f"<feed>{''.join(row.format(n, n + k) for n in range(4_600))}</feed>" for k in range(3)]
    tables = []
    for k in range(3):  # three of each, because two sources take turns
        rows = table(9_500)
        rows[7]["stock"] = 1_000 + k
        tables.append(json.dumps(rows).encode())
    return {
        b"xml": ("application/xml", [one.encode() for one in xml]),
        b"json": ("application/json", tables),
        **{name.encode(): (kind, [body]) for name, (kind, body) in bombs().items()},
    }


def bombs() -> dict[str, tuple[str, bytes]]:
    """Give what must be refused."""
    return {
        "gzip-2-GiB": (GZIP, _gzip()),
        "brotli-256-MiB": (BROTLI, _brotli()),
        "zstd-256-MiB": (ZSTD, zstd.compress(BLOCK) * 16),
        "xml-elements": ("application/xml", b"<r>" + b"<a/>" * 1_000_000 + b"</r>"),
        "xml-entities": ("application/xml", b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'),
        "xml-depth": ("application/xml", b"<a>" * 100_000 + b"</a>" * 100_000),
        "json-objects": ("application/json", b"[" + b"{}," * 2_000_000 + b"{}]"),
        "json-depth": ("application/json", b"[" * 1_000_000 + b"]" * 1_000_000),
    }


def _gzip() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    first, again = (packer.compress(BLOCK) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * 127


def _brotli() -> bytes:
    packer = brotli.Compressor(quality=5)
    return b"".join([*(packer.process(BLOCK) for _ in range(16)), packer.finish()])


def processes(*, but: Sequence[str] = ()) -> list[str]:
    """Name this process and its children, but for those that were there before the pool."""
    own = f"{os.getpid()}"
    children = Path(f"/proc/self/task/{own}/children").read_text().split()
    return [pid for pid in (own, *children) if pid not in but]


def memory(pids: Sequence[str], what: str) -> int:
    """Sum what processes have (VmRSS) or had at most (VmHWM), in bytes."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) * 1_024 for line in lines if line.startswith(f"{what}:"))


def begin_peak_anew(pids: Sequence[str]) -> None:
    """Forget the peaks so far (proc(5), clear_refs)."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


async def of_bombs(root: URL) -> list[Claim]:
    """Poll each bomb twice, and a good document at the end."""
    names = list(bombs())
    store, sources = watched([root / "json", *(root / name for name in names)])
    more: dict[str, float] = {}
    others = [pid for pid in processes() if pid != f"{os.getpid()}"]
    async with session(connector(rig.POLICY)) as http:
        pool = Pool()
        taken = rig.turns(rig.through(http), store, offload=pool)
        for _ in range(6):
            await taken.take(sources[0], drop)
        pids = processes(but=others)
        for name, one in zip(names, sources[1:], strict=True):
            before = memory(pids, "VmRSS")
            begin_peak_anew(pids)
            for _ in range(2):
                await taken.take(one, drop)
            more[name] = (memory(pids, "VmHWM") - before) / MIB
        refused = sum(count for name, count in taken.counts.items() if name.startswith("failed_"))
        good = taken.counts["changed"]
        await taken.take(sources[0], drop)
        alive = taken.counts["changed"] == good + 1 and processes(but=others) == pids
        pool.close()
    each = ", ".join(f"{name} {value:.1f}" for name, value in more.items())
    how = f"real, worker and pool of {len(pids) - 1} together, peak of each above what they had before: {each}"
    return [
        Claim(
            claim="more memory for a bomb that is refused", value=max(more.values()), unit="MiB",
            op="<=", bar=16, how=how,
        ),
        Claim(
            claim="bombs that were not refused, or ended a process", value=2 * len(names) - refused + (not alive),
            unit="", op="==", bar=0, how=f"real, {len(names)} bombs, each twice; then a good document",
        ),
    ]  # fmt: skip


async def over_http() -> list[Claim]:
    """Measure what needs a server."""
    with rig.site(documents()) as root:
        return [*(await of_stall(root)), *(await of_bombs(root))]


if __name__ == "__main__":
    assert msgspec.json.decode(canonical(table(1)))
    report([*of_steps(), *of_pairs(), *uvloop.run(over_http())])
