"""A rush on the quota: workers with clocks of their own over one row per account, and a Google that counts. Virtual."""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field

from contracts.clock import NowMs
from fetching.sheets.server_clock import ServerClock
from local.google.read_quota import ReadQuota, Window
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.sheets.quota import Quota
from tests.simulation.virtual import run

START_MS = 1_764_200_030_000
ACCOUNTS = [f"poller-{number}@example.iam.gserviceaccount.com" for number in range(5)]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A sheet that wants to be read."""

    number: int
    interval_s: int

    @property
    def account(self) -> str:
        """Name the account it is read by."""
        return ACCOUNTS[self.number % len(ACCOUNTS)]


@dataclass(kw_only=True)
class World:
    """Some workers over one row per account, and a Google that counts."""

    google: ReadQuota
    store: MemoryStore = field(default_factory=lambda: MemoryStore(Memory()))
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    reads: dict[Sheet, list[float]] = field(default_factory=lambda: defaultdict(list))

    def google_ms(self) -> int:
        """Give Google's time."""
        return START_MS + int(asyncio.get_running_loop().time() * 1_000)

    async def worker(self, number: int, sheets: list[Sheet], *, ahead_ms: int) -> None:
        """Read some sheets for ever, by a wall clock that is `ahead_ms` ahead of Google's."""

        def local_ms() -> int:
            return self.google_ms() + ahead_ms

        clock = ServerClock(local_ms)
        clock.note(self.google_ms() // 1_000, sent_ms=local_ms() - 40, received_ms=local_ms())
        quota = Quota(
            store=self.store, table=NAMES.budget, worker_id=f"w{number}", clock=clock, sleep=asyncio.sleep,
            reads_per_minute=lambda _: 60,
        )  # fmt: skip
        for account in ACCOUNTS:
            quota.wish(account, sum(60 / sheet.interval_s for sheet in sheets if sheet.account == account))
        await asyncio.gather(*(self._read_for_ever(quota, clock, local_ms, sheet) for sheet in sheets))

    async def _read_for_ever(self, quota: Quota, clock: ServerClock, local_ms: NowMs, sheet: Sheet) -> None:
        due_ms = local_ms() + self.chance.randrange(sheet.interval_s * 1_000)
        while True:
            await asyncio.sleep(max(0, due_ms - local_ms()) / 1_000)
            interval_ms = sheet.interval_s * 1_000
            await quota.turn(sheet.account, due_ms=due_ms, interval_ms=interval_ms)
            sent_ms = local_ms()
            await asyncio.sleep(self.chance.uniform(0.02, 0.25))
            at_ms = self.google_ms()
            if self.google.allow(sheet.account, at_ms):
                self.reads[sheet].append(at_ms)
            clock.note(at_ms // 1_000, sent_ms=sent_ms, received_ms=local_ms())
            due_ms = max(due_ms + round(interval_ms * quota.stretch(sheet.account)), local_ms())


def play(sheets: list[Sheet], *, workers: int, window: Window, minutes: int, skew_ms: int = 2_000) -> World:
    """Let so many workers, each with its share of the sheets, read for so long."""

    async def main() -> World:
        world = World(google=ReadQuota(window=window))
        tasks = [
            asyncio.create_task(
                world.worker(number, sheets[number::workers], ahead_ms=world.chance.randint(-skew_ms, skew_ms))
            )
            for number in range(workers)
        ]
        await asyncio.sleep(minutes * 60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return world

    return run(main())


def cycle_s(times: list[float]) -> float:
    """Say how long a sheet's reads are apart, without the first, which everybody wants at once."""
    return (times[-1] - times[1]) / (len(times) - 2) / 1_000
