"""
A worker's own row: joining, renewing, and until when its right holds.

The right is counted from before a renewal was sent, on the boot clock: however late the answer comes, others count
from when the number moved, which is later. One number, one right; a lost reply is not a lost lease.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import DEAD, UP, Tally, Worker
from contracts.table.values import Item
from monitor_fleet.errors import Ambiguous, Refused, StoreError
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

type BootNow = Callable[[], float]
type Sleep = Callable[[float], Awaitable[object]]

RENEW_EVERY_S = 2.0
REQUEST_TIMEOUT_S = 1.0
TRIES_MAX = 2
#: Two renewals and a time-out may go wrong before the right ends; an observer waits longer (`liveness.DEAD_AFTER_S`).
RIGHT_S = 5.0
#: A parting worker tries this often to say so; if it cannot, the others notice by themselves.
PARTING_TRIES_MAX = 3


class WrongShardCount(ValueError):
    """This fleet was set up with another number of shards, and that can never change."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """
    What a heartbeat tells: the shards held, what each costs, which came lately, how late polls are.

    `overloaded` (due times passed because polls had to wait) and `tally` are for people only.
    """

    state: str = UP
    owned: frozenset[int] = frozenset()
    loads: Mapping[int, float] = field(default_factory=dict)
    young: frozenset[int] = frozenset()
    overdue_ms: int = 0
    overloaded: bool = False
    tally: Tally = field(default_factory=Tally)
    taken: frozenset[int] = frozenset()


class Renewal:
    """
    The row of one worker id. Ends for ever once the row is marked dead.

    `on_row(row)` is told the worker's own row, as each good renewal shows it: others ring there. `renewed_s` is when
    the last good renewal was sent, also one under the id before this; the right follows from those of this id alone.
    """

    def __init__(
        self, *, table: str, kind: SourceType, store: StoreVerbs, worker_id: str, now_ms: NowMs, boot_now: BootNow,
        release: str = "", on_row: Callable[[Item], None] = lambda _: None, renewed_s: float | None = None,
    ) -> None:  # fmt: skip
        self.worker_id = worker_id
        self._release = release
        self._on_row = on_row
        self.is_dead = False
        self.is_well = False
        self.renewed_s = renewed_s
        self._table = table
        self._kind = kind
        self._store = store
        self._now_ms = now_ms
        self._boot_now = boot_now
        self._beat = 0
        self._right_until_s = 0.0
        self._one_at_a_time = asyncio.Lock()

    def holds(self) -> bool:
        """Say whether the right holds now: nobody can have declared this worker dead."""
        return not self.is_dead and self._boot_now() < self._right_until_s

    def age_s(self) -> float | None:
        """Say how long ago the last good renewal was sent, if there was one."""
        return None if self.renewed_s is None else self._boot_now() - self.renewed_s

    async def join(self, shards: int) -> None:
        """
        Become visible; the right comes with the first renewal.

        Raises `WrongShardCount`, and `StoreError` where it is not known whether it did: join again.
        """
        await self._agree_on(shards)
        worker = Worker(id=self.worker_id, started_ms=self._now_ms(), release=self._release)
        try:
            await timed(self._store.transact(fleet.join(self._table, self._kind, worker)))
        except Refused:
            # The id is ours alone, so an earlier try put the row; whether it still lives, renewing finds out.
            return
        log.info("joined", extra={"worker": self.worker_id, "kind": self._kind.value})

    async def renew(self, carried: Carried) -> None:
        """Move the heartbeat by one. Afterwards `is_well` says whether it moved, `is_dead` whether it never will."""
        async with self._one_at_a_time:
            self._beat += 1
            worker = Worker(
                id=self.worker_id, state=carried.state, beat=self._beat, owned=carried.owned, loads=carried.loads,
                load=round(sum(carried.loads.values()), 3), young=carried.young, overdue_ms=carried.overdue_ms,
                overloaded=carried.overloaded, tally=carried.tally, beat_at_ms=self._now_ms(),
            )  # fmt: skip
            began_s = self._boot_now()
            self.is_well = await self._move(worker, carried.taken)
            if self.is_well:
                self.renewed_s, self._right_until_s = began_s, began_s + RIGHT_S

    async def part(self) -> None:
        """Mark the own row dead after the last shard is handed off."""
        worker = Worker(id=self.worker_id, beat=self._beat)
        for _ in range(PARTING_TRIES_MAX):
            try:
                await timed(self._store.update(fleet.mark_dead(self._table, self._kind, worker, by=self.worker_id)))
            except Refused as refused:
                if not refused.old or Worker.read(refused.old).state == DEAD:
                    break
                worker = Worker.read(refused.old)
            except StoreError as error:
                log.warning("parting_failed", extra={"worker": self.worker_id, "error": str(error)})
            else:
                break
        self.is_dead = True

    async def _move(self, worker: Worker, taken: frozenset[int]) -> bool:
        request = fleet.renew(self._table, self._kind, worker, taken=taken)
        for _ in range(TRIES_MAX):
            try:
                row = await timed(self._store.update(request))
            except Refused as refused:
                return self._stands(worker, refused)
            except StoreError as error:
                self.is_well = False  # from the first try on: others who cannot renew either are judged meanwhile
                log.warning("renewal_failed", extra={"worker": self.worker_id, "error": str(error)})
            else:
                self._on_row(row)
                return True
        return False

    def _stands(self, worker: Worker, refused: Refused) -> bool:
        """Tell a reply that was lost (the number is there) from a row that is dead or gone."""
        stored = Worker.read(refused.old) if refused.old else Worker(id=worker.id, state=DEAD)
        self.is_dead = stored.state == DEAD
        if refused.old:
            self._on_row(refused.old)
        return not self.is_dead and stored.beat == worker.beat

    async def _agree_on(self, shards: int) -> None:
        try:
            await timed(self._store.update(fleet.fix_shard_count(self._table, self._kind, shards)))
        except Refused as refused:
            raise WrongShardCount(f"{shards} shards are configured, not as many as at the first start") from refused


async def timed[Answer](asked: Awaitable[Answer], *, timeout_s: float = REQUEST_TIMEOUT_S) -> Answer:
    """Wait so long for an answer; without one, a write may have landed or may still land."""
    try:
        async with asyncio.timeout(timeout_s):
            return await asked
    except TimeoutError as error:
        raise Ambiguous(f"no answer within {timeout_s} s") from error
