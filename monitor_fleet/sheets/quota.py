"""
Google's quota, shared by all workers: who wants to read waits for its turn here.

Moments are reserved in the account's row (`contracts.table.google_quota`) for as many reads as wait, and no more.
At each moment the read goes to whoever is latest in proportion to its interval, so that a sheet of 10 s and one of
10 min are late alike. When all wishes together exceed the quota, everybody's intervals stretch by the same factor.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.table import google_quota
from contracts.table.google_quota import Ledger, Wish
from fetching.sheets.server_clock import ServerClock
from monitor_fleet.errors import Refused, StoreError
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

#: A worker speaks for at most so many reads at once: what it does not use, nobody can.
BLOCK_MAX = 4
#: A moment that was missed by more (the process stood still) is not made up for: the reads would bunch.
MISSED_MAX_MS = 250
ASK_AGAIN_S = 0.5


@dataclass(eq=False, kw_only=True)
class Waiting:
    """A read that waits for its turn."""

    due_ms: int
    interval_ms: int
    turn: asyncio.Future[None]

    def lateness(self, now_ms: int) -> float:
        """Say how late it is, in intervals."""
        return (now_ms - self.due_ms) / self.interval_ms


@dataclass(eq=False, kw_only=True)
class _Account:
    spacing_ms: float
    waiting: list[Waiting] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    wish: float = 0.0
    stretch: float = 1.0


class Quota:
    """One worker's view of the quota of all accounts. `reads_per_minute` is what Google grants an account."""

    def __init__(
        self, *, store: StoreVerbs, table: str, worker_id: str, clock: ServerClock,
        sleep: Callable[[float], Awaitable[None]], reads_per_minute: Callable[[str], float],
    ) -> None:  # fmt: skip
        self._store = store
        self._table = table
        self._worker_id = worker_id
        self._clock = clock
        self._sleep = sleep
        self._reads_per_minute = reads_per_minute
        self._accounts: dict[str, _Account] = {}

    async def turn(self, account: str, *, due_ms: int, interval_ms: int) -> None:
        """Wait until one read of an account may be sent."""
        lane = self._lane(account)
        waiting = Waiting(due_ms=due_ms, interval_ms=interval_ms, turn=asyncio.get_running_loop().create_future())
        lane.waiting.append(waiting)
        if lane.task is None or lane.task.done():
            lane.task = asyncio.get_running_loop().create_task(self._serve(account, lane))
        try:
            await waiting.turn
        finally:
            if waiting in lane.waiting:  # cancelled: the moment is somebody else's
                lane.waiting.remove(waiting)

    def wish(self, account: str, reads_per_minute: float) -> None:
        """Say how much this worker would read of an account; others see it with the next reservation."""
        self._lane(account).wish = reads_per_minute

    def stretch(self, account: str) -> float:
        """Say by which factor intervals must be stretched for all wishes to fit; 1 while they do."""
        return self._lane(account).stretch

    async def hold(self, account: str, seconds: float) -> None:
        """Let no worker read for a while: Google said that it is enough."""
        until_ms = self._clock.now_ms() + seconds * SECOND_MS
        try:
            await self._store.update(google_quota.hold(self._table, account, until_ms=until_ms))
        except Refused:
            return  # somebody else said so already

    async def close(self) -> None:
        """End what waits."""
        tasks = [lane.task for lane in self._accounts.values() if lane.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _lane(self, account: str) -> _Account:
        lane = self._accounts.get(account)
        spacing_ms = google_quota.spacing_ms(self._reads_per_minute(account))
        if lane is None:
            lane = self._accounts[account] = _Account(spacing_ms=spacing_ms)
        lane.spacing_ms = spacing_ms
        return lane

    async def _serve(self, account: str, lane: _Account) -> None:
        """Reserve moments and give them away, for as long as anybody waits."""
        while lane.waiting:
            try:
                moments = await self._reserve(account, lane)
            except StoreError as error:
                log.warning("quota_not_reserved", extra={"account": account, "error": str(error)})
                await self._sleep(ASK_AGAIN_S)
                continue
            for at_ms in moments:
                await self._give(lane, at_ms)

    async def _give(self, lane: _Account, at_ms: float) -> None:
        wait_ms = at_ms - self._clock.now_ms()
        if wait_ms > 0:
            await self._sleep(wait_ms / SECOND_MS)
        now_ms = self._clock.now_ms()
        if now_ms - at_ms > MISSED_MAX_MS or not lane.waiting:
            return
        latest = max(lane.waiting, key=lambda one: one.lateness(now_ms))
        lane.waiting.remove(latest)
        latest.turn.set_result(None)

    async def _reserve(self, account: str, lane: _Account) -> list[float]:
        """Speak for the next moments of an account, oldest first (ms, Google's time)."""
        count = min(len(lane.waiting), BLOCK_MAX)
        now_ms, span_ms = self._clock.now_ms(), count * lane.spacing_ms
        wish = Wish(worker=self._worker_id, reads_per_minute=lane.wish, at_ms=now_ms)
        ledger = await self._write(account, wish, span_ms=span_ms, earliest_ms=now_ms)
        lane.stretch = max(1.0, ledger.wished(now_ms=now_ms) * lane.spacing_ms / MINUTE_MS)
        await self._forget(account, ledger, now_ms)
        return [ledger.until_ms - (count - number) * lane.spacing_ms for number in range(count)]

    async def _forget(self, account: str, ledger: Ledger, now_ms: int) -> None:
        """Drop the wish of one worker that is gone: the row must stay small."""
        for worker in ledger.forgotten(now_ms=now_ms)[:1]:
            try:
                await self._store.update(google_quota.forget(self._table, account, worker, at_ms=now_ms))
            except Refused:
                return  # another one did, or it is back

    async def _write(self, account: str, wish: Wish, *, span_ms: float, earliest_ms: int) -> Ledger:
        """Queue up behind those before, or begin anew where nobody reads."""
        for build in (google_quota.reserve, google_quota.restart, google_quota.reserve):
            request = build(self._table, account, wish, span_ms=span_ms, earliest_ms=earliest_ms)
            try:
                return Ledger.read(await self._store.update(request))
            except Refused:
                continue
        raise StoreError(f"the quota row of {account} changes too fast")
