"""The sheets monitor, put together: what polls, what listens to Drive, what says how much this worker wishes for."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from contracts.clock import MINUTE_MS, NowMs
from fetching.sheets.account import reads_per_minute
from fetching.sheets.server_clock import ServerClock
from fetching.sheets.verbs import GoogleVerbs
from monitor_fleet.documents import Documents
from monitor_fleet.offload import Offload
from monitor_fleet.sheets.demand import DemandWriter
from monitor_fleet.sheets.hints import Hints, OnEdited
from monitor_fleet.sheets.key_book import KeyBook, ReadSecret
from monitor_fleet.sheets.poller import SheetPoller
from monitor_fleet.sheets.quota import Quota
from monitor_fleet.sheets.reads import Reads
from monitor_fleet.sheets.rules import GoogleRules
from monitor_fleet.store import StoreVerbs
from monitor_fleet.watched import Target

WISH_EVERY_S = 10.0


@dataclass(frozen=True, kw_only=True)
class GoogleSeams:
    """How a sheets worker touches Google."""

    google: GoogleVerbs
    clock: ServerClock
    read_secret: ReadSecret


class SheetMonitor:
    """Polls sheets; `run` beside the worker."""

    def __init__(
        self, *, seams: GoogleSeams, rules: GoogleRules, store: StoreVerbs, budget_table: str, worker_id: str,
        documents: Documents, offload: Offload, now_ms: NowMs, sleep: Callable[[float], Awaitable[None]],
        watching: Callable[[], Iterable[Target]], on_edited: OnEdited,
    ) -> None:  # fmt: skip
        self._rules = rules
        self._sleep = sleep
        self._watching = watching
        self._keys = KeyBook(seams.read_secret, now_ms=now_ms)
        self._quota = Quota(
            store=store, table=budget_table, worker_id=worker_id, clock=seams.clock, sleep=sleep,
            reads_per_minute=self._reads_per_minute,
        )  # fmt: skip
        self._demand = DemandWriter(
            store=store, table=budget_table, keys=self._keys, now_ms=now_ms, sleep=sleep,
            reads_per_minute=self._reads_per_minute,
        )  # fmt: skip
        self._hints = Hints(
            google=seams.google, keys=self._keys, now_ms=now_ms, sleep=sleep, on_edited=on_edited, is_on=rules.hints
        )
        self.poller = SheetPoller(
            google=seams.google, keys=self._keys, quota=self._quota, hints=self._hints, documents=documents,
            offload=offload, now_ms=now_ms, reads=Reads(google=seams.google, quota=self._quota, sleep=sleep),
        )  # fmt: skip

    async def run(self) -> None:
        """Listen, wish and sum up until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hints.run())
                group.create_task(self._keep_wishing())
                group.create_task(self._demand.run())
        finally:
            await self._quota.close()

    async def _keep_wishing(self) -> None:
        while True:
            self._wish()
            await self._sleep(WISH_EVERY_S)

    def _wish(self) -> None:
        """Say by account how many reads a minute the watched sheets come to."""
        intervals: dict[str, set[int]] = defaultdict(set)
        for target in self._watching():
            if target.sheet:
                intervals[target.sheet.spreadsheet_id].add(self._hints.interval_ms(target))
        wishes = dict.fromkeys((account.email for account in self._keys.known), 0.0)
        for spreadsheet_id, of_sources in intervals.items():
            email = self.poller.reader_of(spreadsheet_id)
            if email:
                wishes[email] = wishes.get(email, 0.0) + reads_together(of_sources)
        for email, wish in wishes.items():
            self._quota.wish(email, wish)

    def _reads_per_minute(self, email: str) -> float:
        accounts = self._keys.known
        account = next((one for one in accounts if one.email == email), None)
        per_account = float(self._rules.account_reads_per_minute)
        if account is None:
            return per_account
        return reads_per_minute(
            account, accounts, per_account=per_account, per_project=self._rules.project_reads_per_minute
        )


def reads_together(intervals_ms: Iterable[int]) -> float:
    """Say how many reads a minute sources on one spreadsheet come to: due times of 10 s hold those of 60 s."""
    apart: list[int] = []
    for interval_ms in sorted(intervals_ms):
        if all(interval_ms % shorter for shorter in apart):
            apart.append(interval_ms)
    return sum(MINUTE_MS / interval_ms for interval_ms in apart)
