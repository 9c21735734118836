"""
A worker's leases: joining, keeping its right, owning its share of the shards, and parting in good order.

The protocol: one heartbeat row per worker and none per shard; who is silent for long enough is marked dead, once and
for ever, and only the shards of the dead are claimed by others; the living hand theirs off. There is no leader.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.table.fleet import DRAINING, UP, Shard, Tally
from monitor_fleet.doorbell import Doorbell
from monitor_fleet.errors import StoreError
from monitor_fleet.holdings import Holdings
from monitor_fleet.lookout import LOOK_EVERY_S, Lookout
from monitor_fleet.moves import Moves
from monitor_fleet.renewal import RENEW_EVERY_S, BootNow, Carried, Renewal, Sleep
from monitor_fleet.shard_rows import ShardRows
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

AUDIT_EVERY_S = 5.0
JOIN_AGAIN_S = 1.0
#: However much there is to claim, the rows are not read more often than this.
ACT_GAP_MIN_S = 0.1
#: A worker that polls nothing renews nothing; so soon it looks whether it polls again.
STUCK_LOOK_S = 0.5
#: ECS kills a task 120 s after SIGTERM (`stack/fleet.py`); by then the row must say that this worker is dead. A worker
#: that has all of a thousand shards, a fifth of them with polls that hang, needs half a minute.
DRAIN_MAX_S = 100.0


class Leases:
    """
    The right of one process to its shards.

    `on_claimed(shard)` says that a shard is now this worker's; `on_lost(number)` that it is no more;
    `on_giving(number)` asks to end its polls and answers with the last due time dispatched (ms). Either may come twice.
    A shard is in `owned` until it is given, and whoever begins anything for it asks `may_act` first. `boot_now` is
    CLOCK_BOOTTIME in seconds: it goes on while the machine is suspended. `worker_id` must never have been used before.
    `loads` tells what shards cost, as measured here (ms of work per second); of one not measured yet, what its last
    owner told of it counts. A worker of whom `is_working` says that it is stuck does not renew: others do its work.
    `release` names the program: while two releases run, shards move to the newest.
    """

    def __init__(
        self, *, table: str, kind: SourceType, worker_id: str, shards: int, store: StoreVerbs,
        now_ms: NowMs, boot_now: BootNow, chance: Random,
        on_claimed: Callable[[Shard], None], on_giving: Callable[[int], Awaitable[int]], on_lost: Callable[[int], None],
        loads: Callable[[], Mapping[int, float]] = dict, overdue_ms: Callable[[], int] = lambda: 0,
        is_overloaded: Callable[[], bool] = lambda: False, tally: Callable[[], Tally] = Tally,
        is_working: Callable[[], bool] = lambda: True,
        release: str = "", sleep: Sleep = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._table = table
        self._kind = kind
        self._shards = shards
        self._store = store
        self._now_ms = now_ms
        self._boot_now = boot_now
        self._chance = chance
        self._sleep = sleep
        self._on_giving = on_giving
        self._on_claimed = on_claimed
        self._measured = loads
        self._inherited: dict[int, float] = {}
        self._overdue_ms = overdue_ms
        self._is_overloaded = is_overloaded
        self._tally = tally
        self._is_working = is_working
        self._release = release
        self._first_id = worker_id
        self._lives = 0
        self._state = UP
        self._over = asyncio.Event()
        self._acting = asyncio.Lock()
        self._holdings = Holdings(on_claimed=self._claimed, on_lost=on_lost, boot_now=boot_now)
        self._begin(renewed_s=None)

    @property
    def worker_id(self) -> str:
        """The id in the roster; another one after this worker was declared dead."""
        return self._renewal.worker_id

    @property
    def owned(self) -> Mapping[int, Shard]:
        """The shards that are this worker's, by number."""
        return self._holdings.owned

    def may_act(self) -> bool:
        """Say whether the right holds now: no poll, load or commit begins without it."""
        return self._renewal.holds()

    def heartbeat_age_s(self) -> float | None:
        """Say how long ago the last good renewal was sent, in whichever life; None before the first."""
        return self._renewal.age_s()

    def look_now(self) -> None:
        """Read the roster at once: somebody died."""
        self._lookout.now.set()

    async def run(self) -> None:
        """
        Hold leases until drained.

        While the store is away nothing is lost: the right lapses, and comes back with the next renewal unless somebody
        declared this worker dead. Then it lets go of everything and joins anew. Raises `WrongShardCount`.
        """
        while not self._over.is_set():
            await _first(self._live(), self._over.wait())
            if not self._over.is_set():
                log.warning("self_fenced", extra={"worker": self.worker_id, "shards": len(self.owned)})
                self._holdings.lose_all()
                self._begin(renewed_s=self._renewal.renewed_s)

    async def drain(self) -> None:
        """Hand every shard to its next owner while still renewing, then part; at most `DRAIN_MAX_S`."""
        self._state = self._moves.state = DRAINING
        try:
            async with asyncio.timeout(DRAIN_MAX_S):
                await self._hand_everything_off()
        except TimeoutError:
            log.warning("drain_unfinished", extra={"worker": self.worker_id, "shards": len(self.owned)})
        await self.part()

    async def part(self) -> None:
        """Let go of everything at once, and be marked dead: others claim what is left without waiting for silence."""
        self._holdings.lose_all()
        self._over.set()
        await self._renewal.part()

    async def _hand_everything_off(self) -> None:
        await self._beat()  # first of all, nobody is to choose this worker any more
        async with self._acting:
            while self.owned and not self._renewal.is_dead:
                try:
                    await self._moves.give_all()
                except StoreError as error:
                    log.warning("drain_interrupted", extra={"worker": self.worker_id, "error": str(error)})
                    await self._sleep(JOIN_AGAIN_S)

    def _begin(self, *, renewed_s: float | None) -> None:
        """Start a life: a new id and no memory of who was seen when."""
        worker_id = f"{self._first_id}~{self._lives}" if self._lives else self._first_id
        self._lives += 1
        where: dict[str, Any] = {"table": self._table, "kind": self._kind, "store": self._store}
        self._doorbell = Doorbell(
            **where, worker_id=worker_id, boot_now=self._boot_now, sleep=self._sleep, on_given=self._receive
        )
        self._renewal = Renewal(
            **where, worker_id=worker_id, now_ms=self._now_ms, boot_now=self._boot_now, release=self._release,
            on_row=self._doorbell.hear, renewed_s=renewed_s,
        )  # fmt: skip
        self._lookout = Lookout(
            **where, boot_now=self._boot_now, worker_id=worker_id,
            may_judge=lambda: self._renewal.is_well and self._renewal.holds(),
        )  # fmt: skip
        rows = ShardRows(
            **where, shards=self._shards, chance=self._chance, sleep=self._sleep, may_act=self.may_act,
            now_ms=self._now_ms,
        )  # fmt: skip
        self._moves = Moves(
            **where, shards=self._shards, worker_id=worker_id, rows=rows, lookout=self._lookout,
            holdings=self._holdings, boot_now=self._boot_now, sleep=self._sleep, on_giving=self._on_giving,
            loads=self._loads,
        )  # fmt: skip
        self._moves.state = self._state

    async def _live(self) -> None:
        """Join, then do everything at once until declared dead."""
        await self._join()
        await self._beat()
        await _first(
            self._keep_renewing(),
            self._keep_looking(),
            self._keep_acting(),
            self._keep_auditing(),
            self._doorbell.keep_listening(),
        )

    async def _join(self) -> None:
        while True:
            try:
                await self._renewal.join(self._shards)
            except StoreError as error:
                log.warning("join_failed", extra={"worker": self.worker_id, "error": str(error)})
                await self._sleep(JOIN_AGAIN_S * self._chance.uniform(0.5, 1.5))
            else:
                return

    async def _keep_renewing(self) -> None:
        while not self._renewal.is_dead:
            began_s = self._boot_now()
            if not self._is_working():
                log.error("stuck", extra={"worker": self.worker_id, "overdue_ms": self._overdue_ms()})
                await self._sleep(STUCK_LOOK_S)
                continue
            await self._beat()
            await self._sleep(max(0.0, began_s + RENEW_EVERY_S - self._boot_now()))

    async def _beat(self) -> None:
        carried = Carried(
            state=self._state, owned=frozenset(self.owned), loads=self._loads(), young=self._holdings.young(),
            overdue_ms=self._overdue_ms(), overloaded=self._is_overloaded(), tally=self._tally(),
            taken=self._doorbell.taken,
        )  # fmt: skip
        await self._renewal.renew(carried)

    def _loads(self) -> dict[int, float]:
        known = {**self._inherited, **self._measured()}
        return {number: known.get(number, 0.0) for number in self.owned}

    def _claimed(self, shard: Shard) -> None:
        told = (worker.loads.get(shard.number) for worker in self._lookout.roster.workers.values())
        self._inherited[shard.number] = max((load for load in told if load is not None), default=0.0)
        self._on_claimed(shard)

    async def _receive(self, numbers: frozenset[int]) -> None:
        if self.may_act():
            await self._moves.receive(numbers)

    async def _keep_looking(self) -> None:
        while True:
            began_s = self._boot_now()
            self._lookout.now.clear()
            await self._lookout.look()
            wait_s = max(0.0, self._lookout.next_at_s(began_s) - self._boot_now())
            await _first(self._sleep(wait_s), self._lookout.now.wait())

    async def _keep_acting(self) -> None:
        while True:
            await self._lookout.news.wait()
            self._lookout.news.clear()
            async with self._acting:
                if self.may_act() and self._state == UP:
                    await self._moves.act()
            turn_in_s = self._moves.turn_in_s()
            if turn_in_s is not None and turn_in_s < LOOK_EVERY_S:
                await self._sleep(max(turn_in_s, ACT_GAP_MIN_S))
                self._lookout.news.set()

    async def _keep_auditing(self) -> None:
        while True:
            await self._sleep(AUDIT_EVERY_S * self._chance.uniform(0.5, 1.5))
            if self.may_act():
                await self._moves.audit()


async def _first(*ways: Awaitable[object]) -> None:
    """Run until one of them ends, end the others, and raise what any of them raised."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
