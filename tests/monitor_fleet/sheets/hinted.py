"""Many slow sheets that people edit, watched by hints of Drive: the real hints and quota over a Google that counts."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.source import Source
from contracts.table.fleet import Shard
from fetching.sheets.account import Account, read_accounts
from fetching.sheets.server_clock import ServerClock
from local.google.drive import Changes
from local.google.read_quota import ReadQuota
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.schedule import grid_after
from monitor_fleet.sheets.hints import Hints
from monitor_fleet.sheets.key_book import KeyBook
from monitor_fleet.sheets.quota import Quota
from monitor_fleet.watched import Watched
from tests.monitor_fleet.sheets.rush import ACCOUNTS, START_MS
from tests.simulation.virtual import run

EDITS_PER_MINUTE = 60
INTERVAL_S = 180
#: 3,000 sheets at 289 reads a minute.
FIRST_READS_S = 660


@dataclass(kw_only=True)
class World:
    """Sheets, who reads them, and who edits them; times are Google's own (ms)."""

    store: MemoryStore = field(default_factory=lambda: MemoryStore(Memory()))
    google: ReadQuota = field(default_factory=lambda: ReadQuota(window="sliding"))
    changes: Changes = field(default_factory=Changes)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    reads_ms: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    unread_ms: dict[str, int] = field(default_factory=dict)
    """Edits that nobody has read yet."""
    lags_ms: list[int] = field(default_factory=list)
    """How long edits took to be read."""

    def now_ms(self) -> int:
        """Give the time."""
        return START_MS + int(asyncio.get_running_loop().time() * SECOND_MS)

    async def values(self, *_: Any) -> list[bytes]:
        """Give nothing: reads are counted by who sends them."""
        raise AssertionError

    async def tabs(self, *_: Any) -> dict[int, str]:
        """Give nothing, likewise."""
        raise AssertionError

    async def drive(self, _account: Account, path: str, params: dict[str, Any]) -> Any:
        """Answer as Drive does, with its lag; every account sees every sheet."""
        await asyncio.sleep(0.1)
        if path.endswith("startPageToken"):
            return {"startPageToken": self.changes.start(self.now_ms())}
        edited, token = self.changes.since(params["pageToken"], self.now_ms())
        return {"changes": [{"fileId": one} for one in edited], "newStartPageToken": token}

    async def edit_for_ever(self, spreadsheets: Sequence[str]) -> None:
        """Edit one after the other by hand."""
        while True:
            await asyncio.sleep(self.chance.expovariate(EDITS_PER_MINUTE / 60))
            spreadsheet_id = self.chance.choice(spreadsheets)
            self.changes.edited(spreadsheet_id, self.now_ms())
            self.unread_ms.setdefault(spreadsheet_id, self.now_ms())

    async def work(self, number: int, sheets: Sequence[Watched]) -> None:
        """Watch some sheets as a worker does."""
        keys = KeyBook(_secret, now_ms=self.now_ms)
        await keys.accounts()
        quota = Quota(
            store=self.store, table=NAMES.budget, worker_id=f"w{number}", clock=ServerClock(self.now_ms),
            sleep=asyncio.sleep, reads_per_minute=lambda _: 60,
        )  # fmt: skip
        wake = {_id_of(watched): asyncio.Event() for watched in sheets}

        def on_edited(spreadsheet_ids: Iterable[str]) -> None:
            for spreadsheet_id in spreadsheet_ids:
                if spreadsheet_id in wake:
                    wake[spreadsheet_id].set()

        hints = Hints(
            google=self, keys=keys, now_ms=self.now_ms, sleep=asyncio.sleep, on_edited=on_edited, is_on=True
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            group.create_task(hints.run())
            for watched in sheets:
                group.create_task(self._watch(watched, hints, quota, wake[_id_of(watched)]))

    async def _watch(self, watched: Watched, hints: Hints, quota: Quota, edited: asyncio.Event) -> None:
        """Take a sheet's turns: at its due times, and when it is woken."""
        target, account = watched.target, ACCOUNTS[int(watched.target.id[-8:], 16) % len(ACCOUNTS)]
        due_ms = self.now_ms()
        while True:
            if not hints.may_skip(watched):
                await quota.turn(account, due_ms=due_ms, interval_ms=hints.patience_ms(watched))
                self._read(watched, account)
                hints.saw_read(watched)
            edited.clear()
            due_ms = grid_after(target.request, target.interval_ms, self.now_ms())
            try:
                await asyncio.wait_for(edited.wait(), (due_ms - self.now_ms()) / SECOND_MS)
            except TimeoutError:
                continue
            due_ms = self.now_ms()

    def _read(self, watched: Watched, account: str) -> None:
        now_ms, spreadsheet_id = self.now_ms(), _id_of(watched)
        if not self.google.allow(account, now_ms):
            return
        self.reads_ms[spreadsheet_id].append(now_ms)
        if spreadsheet_id in self.unread_ms:
            self.lags_ms.append(now_ms - self.unread_ms.pop(spreadsheet_id))


def play(*, sheets: int, workers: int, minutes: int) -> World:
    """Let so many workers watch so many sheets for so long, once all were read a first time and edits begin."""
    watched = [_watched(number) for number in range(sheets)]

    async def main() -> World:
        world = World()
        tasks = [asyncio.create_task(world.work(number, watched[number::workers])) for number in range(workers)]
        await asyncio.sleep(FIRST_READS_S)
        assert len(world.reads_ms) == sheets
        world.lags_ms.clear()
        tasks.append(asyncio.create_task(world.edit_for_ever([*map(_id_of, watched)])))
        await asyncio.sleep(minutes * MINUTE_MS / SECOND_MS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return world

    return run(main())


def longest_gap_ms(world: World, end_ms: int) -> int:
    """Say for how long a sheet went unread, until the end."""
    gaps = (
        later - earlier
        for times in world.reads_ms.values()
        for earlier, later in zip(times, [*times[1:], end_ms], strict=True)
    )
    return max(gaps)


def end_ms(world: World) -> int:
    """Give the time of the last read."""
    return max(times[-1] for times in world.reads_ms.values())


def _watched(number: int) -> Watched:
    told = {
        "name": "Slow", "type": "googleSheet", "url": f"spreadsheet-of-somebody-{number:05}",
        "pollingInterval": INTERVAL_S, "id": f"googleSheet-{number:08x}", "incarnation": "i", "shard": 1,
        "createdAt": "", "lastUpdated": "",
    }  # fmt: skip
    return Watched.begin(Source.model_validate(told), Shard(number=1, epoch=1))


def _id_of(watched: Watched) -> str:
    assert watched.target.sheet is not None
    return watched.target.sheet.spreadsheet_id


async def _secret() -> str:
    keys = [
        {
            "type": "service_account", "client_email": email, "private_key": "p", "private_key_id": "i",
            "token_uri": "https://t", "project_id": "example",
        }
        for email in ACCOUNTS
    ]  # fmt: skip
    assert read_accounts(json.dumps(keys))
    return json.dumps(keys)
