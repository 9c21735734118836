"""What all workers wish for of Google's quota, summed up once a minute by one of them, for people to see."""

import logging
from collections.abc import Awaitable, Callable

from contracts.clock import MINUTE_MS, NowMs
from contracts.table import google_demand, google_quota
from contracts.table.google_demand import Demand, Summary
from contracts.table.google_quota import Ledger
from monitor_fleet.errors import Refused, StoreError
from monitor_fleet.sheets.key_book import KeyBook
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

EVERY_MS = MINUTE_MS
#: Each worker looks this often whether a summary is due; who looks first writes it.
LOOK_EVERY_S = 10.0


class DemandWriter:
    """Sums up. `reads_per_minute` is what Google grants an account."""

    def __init__(
        self, *, store: StoreVerbs, table: str, keys: KeyBook, now_ms: NowMs,
        sleep: Callable[[float], Awaitable[None]], reads_per_minute: Callable[[str], float],
    ) -> None:  # fmt: skip
        self._store = store
        self._table = table
        self._keys = keys
        self._now_ms = now_ms
        self._sleep = sleep
        self._reads_per_minute = reads_per_minute

    async def run(self) -> None:
        """Sum up whenever it is due, until cancelled."""
        while True:
            await self._sleep(LOOK_EVERY_S)
            try:
                await self.sum_up()
            except StoreError as error:
                log.warning("demand_not_summed_up", extra={"error": str(error)})

    async def sum_up(self) -> None:
        """Write the summary, unless one was written within a minute or no account is known."""
        if not self._keys.known:
            return
        now_ms = self._now_ms()
        seen = Summary.read(await self._store.get(google_demand.get(self._table)))
        if seen.at_ms is not None and now_ms - seen.at_ms < EVERY_MS:
            return
        demands = [await self._demand(account.email, now_ms) for account in self._keys.known]
        try:
            await self._store.update(google_demand.sum_up(self._table, demands, seen=seen, at_ms=now_ms))
        except Refused:
            return  # another worker looked at the same moment

    async def _demand(self, email: str, now_ms: int) -> Demand:
        row = await self._store.get(google_quota.get(self._table, email))
        wished = Ledger.read(row).wished(now_ms=now_ms) if row else 0.0
        return Demand(email=email, wished=wished, granted=google_quota.granted(self._reads_per_minute(email)))
