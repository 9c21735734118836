"""Google Sheets: reads per poll, the use of the quota, how fair it is, and what a change of a large sheet costs."""

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import gspread
import msgspec
from google.oauth2.service_account import Credentials

from bench.claim import Claim, report
from contracts import steps
from contracts.clock import MINUTE_MS
from fetching.document import Document, Reading
from fetching.sheets import reading
from fetching.sheets.client import SCOPES, SHEETS_ORIGIN
from fetching.sheets.table import Shape
from local.google.read_quota import PROJECT_READS_PER_MINUTE, Window
from tests.fetching.sheets.google import BOOK, standing
from tests.monitor_fleet.sheets import hinted
from tests.monitor_fleet.sheets.rush import Sheet, cycle_s, play
from tests.monitor_fleet.sheets.test_poller import at_desk

MINUTES = 30
ROWS, COLUMNS, CHANGED = 20_000, 10, 200
ROUNDS = 9


def main() -> None:
    """Measure everything."""
    report([*asyncio.run(reads()), *quota(), *fairness(), *one_project(), *hinted_sheets(), *large_sheet()])


async def reads() -> list[Claim]:
    """Count what a poll costs: by us, and the way that gspread documents."""
    async with at_desk(["Name", "Price"], ["Amber", 1]) as desk:
        some = [desk.watch(number, ranges=["A1:B"]) for number in range(3)]
        polls = 20
        for number in range(polls):
            desk.edit(1, 1, number)
            await asyncio.gather(*map(desk.look, some))
        ours = len(desk.stand.service.requests) / polls
    async with standing(["Name", "Price"], ["Amber", 1]) as stand:
        with ThreadPoolExecutor(1) as threads:
            await asyncio.get_running_loop().run_in_executor(threads, documented_way, stand.keys[0], stand.origin)
        theirs = len(stand.service.requests)
    how = "real gspread against a stand-in on loopback"
    return [
        Claim(
            claim="reads per poll, three sources of one spreadsheet", value=ours, unit="reads", op="==", bar=1, how=how,
        ),
        Claim(
            claim="anchor: one worksheet the way that gspread documents", value=theirs, unit="reads", op=">=", bar=3,
            how=how,
        ),
    ]  # fmt: skip


def documented_way(key: dict[str, Any], origin: str) -> None:
    """Read a worksheet as gspread's first page shows."""
    signs_in = Credentials.from_service_account_info(key, scopes=SCOPES)  # type: ignore[no-untyped-call] # ships no types
    client = gspread.Client(auth=signs_in)
    send = client.http_client.session.request

    def redirected(method: str, url: str, **kwargs: Any) -> Any:
        return send(method, url.replace(SHEETS_ORIGIN, origin), **kwargs)

    client.http_client.session.request = redirected  # type: ignore[method-assign, assignment] # it knows one Google only
    client.open_by_key(BOOK).worksheet("Sheet1").get_all_values()


def quota() -> Iterator[Claim]:
    """Use it by 1, 4 and 16 workers, counted in fixed and in sliding minutes, by clocks up to 2 s off."""
    windows: tuple[Window, ...] = ("fixed", "sliding")
    for window in windows:
        for workers in (1, 4, 16):
            sheets = [Sheet(number=number, interval_s=60) for number in range(400)]
            google = play(sheets, workers=workers, window=window, minutes=MINUTES).google
            used = 100 * google.reads.total() / (PROJECT_READS_PER_MINUTE * MINUTES)
            how = f"virtual, {workers} workers, 400 sheets that wish for 400 reads a minute, {MINUTES} min"
            yield Claim(
                claim=f"Google's quota used, {workers} workers, {window}",
                value=used,
                unit="%",
                op=">=",
                bar=95,
                how=how,
            )
            yield Claim(
                claim=f"reads refused (429), {workers} workers, {window}",
                value=google.refused,
                unit="reads",
                op="==",
                bar=0,
                how=how,
            )


def fairness() -> Iterator[Claim]:
    """Compare how late sheets of 10 s and of 10 min are when all wish for more than there is."""
    fast = [Sheet(number=number, interval_s=10) for number in range(80)]
    slow = [Sheet(number=number, interval_s=600) for number in range(80, 280)]
    world = play([*fast, *slow], workers=4, window="sliding", minutes=120)
    ratios = [cycle_s(times) / sheet.interval_s for sheet, times in world.reads.items()]
    how = "virtual, 4 workers, 80 sheets at 10 s and 200 at 10 min, 2 h"
    yield Claim(
        claim="lateness in intervals, latest against soonest sheet", value=max(ratios) / min(ratios), unit="times",
        op="<=", bar=1.5, how=how,
    )  # fmt: skip


def one_project() -> Iterator[Claim]:
    """Read 300 sheets at 60 s with the quota of one project."""
    sheets = [Sheet(number=number, interval_s=60) for number in range(300)]
    world = play(sheets, workers=4, window="sliding", minutes=MINUTES)
    how = f"virtual, 300 sheets on 5 accounts of one project, 4 workers, {MINUTES} min"
    apart = [cycle_s(times) for times in world.reads.values()]
    yield Claim(
        claim="300 sheets at 60 s on one project: interval, slowest sheet",
        value=max(apart),
        unit="s",
        op="<=",
        bar=64,
        how=how,
    )


def hinted_sheets() -> Iterator[Claim]:
    """Sweep 3,000 slow sheets with the quota of one project while people edit some of them."""
    world = hinted.play(sheets=3_000, workers=4, minutes=120)
    late = sorted(world.lags_ms)
    how = (
        f"virtual, 3,000 sheets at {hinted.INTERVAL_S} s on 5 accounts of one project, 4 workers,"
        f" {hinted.EDITS_PER_MINUTE} edits a minute, Drive 3 min late, 2 h after the first reads"
    )
    yield Claim(
        claim="3,000 hinted sheets: longest time that one goes unread",
        value=hinted.longest_gap_ms(world, hinted.end_ms(world)) / MINUTE_MS,
        unit="min",
        op="<=",
        bar=20,
        how=how,
    )
    yield Claim(
        claim="3,000 hinted sheets: an edit by hand is read within, p99",
        value=late[len(late) * 99 // 100] / MINUTE_MS,
        unit="min",
        op="<=",
        bar=3.5,
        how=f"{how}; latest {late[-1] / MINUTE_MS:.1f}",
    )
    yield Claim(
        claim="3,000 hinted sheets: reads refused (429)", value=world.google.refused, unit="reads", op="==", bar=0,
        how=how,
    )  # fmt: skip


def large_sheet() -> Iterator[Claim]:
    """Read, compare and patch a sheet of 20,000 rows of which one in a hundred cells changed."""
    chance = random.Random(1)
    rows: list[list[Any]] = [[f"c{column}" for column in range(COLUMNS)]]
    rows += [[f"item {row}", *(chance.random() for _ in range(COLUMNS - 1))] for row in range(ROWS)]
    before = read_sheet(rows)
    for _ in range(CHANGED * COLUMNS):
        rows[chance.randrange(1, ROWS)][chance.randrange(1, COLUMNS)] = chance.random()
    encoded = msgspec.json.encode(rows)
    after = read_sheet(rows)
    stepping = median(timed(lambda: steps.between(before.canonical, after.canonical)) for _ in range(ROUNDS))
    reading_ms = median(
        timed(lambda: reading.read([encoded], Shape(), Reading(), known=None, held={})) for _ in range(ROUNDS)
    )
    how = f"real, {ROWS} x {COLUMNS}, {len(encoded) >> 10} KiB, 1 % of cells, median of {ROUNDS}"
    yield Claim(
        claim="a sheet of 20,000 x 10, 1 % changed: from two canonical forms to the patch",
        value=stepping,
        unit="ms",
        op="<=",
        bar=25,
        how=how,
    )
    yield Claim(
        claim="the same sheet: Google's answer to canonical document (in another process)",
        value=reading_ms,
        unit="ms",
        op="<=",
        bar=150,
        how=how,
    )


def read_sheet(rows: list[list[Any]]) -> Document:
    """Make the document of a sheet."""
    found = reading.read([msgspec.json.encode(rows)], Shape(), Reading(), known=None, held={})
    assert isinstance(found, reading.Sheet)
    return found.document


def timed(work: Any) -> float:
    """Say how long something takes (ms of CPU)."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1_000


if __name__ == "__main__":
    main()
