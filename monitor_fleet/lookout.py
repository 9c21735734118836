"""
Looking at the roster: who is there, and who is to be marked dead.

Three watchers, chosen by hash, look every 0.8 s, the others every five: looks cost what the roster weighs. Whoever sees
a heartbeat that stands still, or has something to settle, looks as often too. A death is counted where all of them
look each second anyway (the configuration counter), and all look at once.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import DEAD, Worker
from monitor_fleet.errors import Refused, StoreError
from monitor_fleet.liveness import Observer
from monitor_fleet.renewal import BootNow, timed
from monitor_fleet.roster import Roster, ranking
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

#: A little more often than the clock strikes: half of what a crash costs beside the silence is waiting for a look.
LOOK_EVERY_S = 0.8
LOOK_SELDOM_S = 5.0
WATCHERS = 3
#: Who has joined looks closely until all who join with it are there.
SETTLING_S = 10.0
#: However close a verdict is, the roster is not read more often than this.
LOOK_GAP_MIN_S = 0.1


class Lookout:
    """
    Holds the newest roster; `news` is set after each look.

    `may_judge` says whether the own heartbeat is well. Until `close_until_s` (boot clock) it looks closely.
    """

    def __init__(
        self, *, table: str, kind: SourceType, store: StoreVerbs, boot_now: BootNow, worker_id: str,
        may_judge: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.roster = Roster(workers={})
        #: Whose heartbeats stand still in that roster: they may be dying, and should be given nothing.
        self.still: frozenset[str] = frozenset()
        self.news = asyncio.Event()
        self.now = asyncio.Event()
        self.close_until_s = boot_now() + SETTLING_S
        self._table = table
        self._kind = kind
        self._store = store
        self._boot_now = boot_now
        self._worker_id = worker_id
        self._may_judge = may_judge
        self._observer = Observer()

    async def look(self) -> None:
        """Read the roster and mark dead whoever has been silent too long."""
        began_s = self._boot_now()
        try:
            roster = await self.read()
        except StoreError as error:
            self._observer.failed()
            log.warning("roster_unread", extra={"worker": self._worker_id, "error": str(error)})
            return
        workers = roster.workers.values()
        self._observer.read(workers, began_s=began_s, ended_s=self._boot_now())
        if not self._may_judge():
            # The trouble may be ours, or the store's and everybody's: all get the time to renew before any verdict.
            self._observer.failed()
        silent = self._observer.dead(workers)
        still = frozenset(worker.id for worker in self._observer.suspects(workers))
        gone = [await self._mark_dead(worker) for worker in silent if worker.id != self._worker_id]
        self.roster = Roster(workers={**roster.workers, **{worker.id: worker for worker in gone}})
        self.still = still
        self.news.set()

    def next_at_s(self, began_s: float) -> float:
        """Say when to look again after a look that began then: at the latest when a verdict may fall."""
        verdict_at_s = max(self._observer.verdict_at_s(), self._boot_now() + LOOK_GAP_MIN_S)
        return min(began_s + (LOOK_EVERY_S if self._looks_closely() else LOOK_SELDOM_S), verdict_at_s)

    def _looks_closely(self) -> bool:
        workers = self.roster.workers.values()
        watchers = ranking("watch", dict.fromkeys((one.id for one in self.roster.up()), 1.0))[:WATCHERS]
        is_called = self._boot_now() < self.close_until_s or bool(self.still)
        return is_called or not workers or self._worker_id in watchers

    async def read(self) -> Roster:
        """Read the roster strongly."""
        return Roster.read(await timed(self._store.query(fleet.roster(self._table, self._kind))))

    async def _mark_dead(self, worker: Worker) -> Worker:
        """Mark a worker dead unless its number moved; gives it as it stands."""
        try:
            await timed(self._store.update(fleet.mark_dead(self._table, self._kind, worker, by=self._worker_id)))
        except Refused as refused:
            return Worker.read(refused.old) if refused.old else worker
        except StoreError as error:
            log.warning("mark_dead_unanswered", extra={"worker": worker.id, "error": str(error)})
            return worker
        await self._tell_of_death()
        log.warning("marked_dead", extra={"worker": worker.id, "by": self._worker_id, "shards": len(worker.owned)})
        return replace(worker, state=DEAD)

    async def _tell_of_death(self) -> None:
        try:
            await timed(self._store.update(fleet.tell_of_death(self._table, self._kind)))
        except StoreError as error:  # the others see it when they next look
            log.info("death_untold", extra={"worker": self._worker_id, "error": str(error)})
