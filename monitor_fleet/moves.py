"""
Moving shards: claiming what nobody living owns, giving what the plan says, and setting right what does not add up.

Most of the time there is nothing to do, and the roster alone shows it: every shard is in exactly one living worker's
set. Only when something changes are the shards' rows read.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import DEAD, UP, Shard, Why, Worker
from monitor_fleet.doorbell import HEARD_AFTER_S, LISTEN_S, RING_AGAIN_S
from monitor_fleet.errors import StoreError
from monitor_fleet.holdings import Holdings
from monitor_fleet.lookout import Lookout
from monitor_fleet.orphans import Orphans
from monitor_fleet.parallel import each
from monitor_fleet.plan import Give, is_urgent, partings, plan
from monitor_fleet.renewal import BootNow, Sleep, timed
from monitor_fleet.roster import Roster, cost, misplaced, ranking
from monitor_fleet.shard_rows import MOVES_AT_ONCE_MAX, ShardRows
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

#: A move shows in two rows of the roster within a heartbeat and a look each; what stays longer is looked into.
MISPLACED_MAX_S = 5.0
#: Act on an imbalance only when two looks in a row agree.
VIEWS_MIN = 2
TUNE_EVERY_S = 5.0
#: Hand-offs to one target within this are told by one ring.
RING_TOGETHER_S = 0.01
#: While something is to be settled the roster is read each second for that long.
SETTLING_S = 5.0


@dataclass(frozen=True, kw_only=True)
class _Rung:
    """When a target was rung first, of the rings that kept it listening, and last; its number before the first."""

    first_s: float
    last_s: float
    beat: int


class Moves:
    """What one worker does about shards. `state` says whether it is up; it gives and claims only while it is."""

    def __init__(
        self, *, table: str, kind: SourceType, shards: int, worker_id: str, store: StoreVerbs, rows: ShardRows,
        lookout: Lookout, holdings: Holdings, boot_now: BootNow, sleep: Sleep,
        on_giving: Callable[[int], Awaitable[int]], loads: Callable[[], Mapping[int, float]],
    ) -> None:  # fmt: skip
        self.state = UP
        self._table = table
        self._kind = kind
        self._shards = shards
        self._worker_id = worker_id
        self._store = store
        self._rows = rows
        self._lookout = lookout
        self._holdings = holdings
        self._boot_now = boot_now
        self._sleep = sleep
        self._on_giving = on_giving
        self._loads = loads
        self._rung_s: dict[str, _Rung] = {}
        self._to_ring: dict[str, set[int]] = {}
        #: The dead whom no shard names any more.
        self._settled: set[str] = set()
        self._orphans = Orphans()
        self._turns: dict[int, float] = {}
        self._is_sweep_due = True
        self._misplaced_since_s: float | None = None
        self._views = 0
        self._tune_at_s = 0.0
        self._seen_owned: Mapping[str, frozenset[int]] = {}
        self._audited = 0

    async def act(self) -> None:
        """Do what the newest roster calls for."""
        try:
            if self._calls_for_sweep():
                await self._sweep()
            await self._balance()
        except StoreError as error:
            self._is_sweep_due = True
            log.warning("moves_interrupted", extra={"worker": self._worker_id, "error": str(error)})

    def turn_in_s(self) -> float | None:
        """Say in how many seconds this worker's turn comes to claim an orphan, if there is one."""
        return max(0.0, min(self._turns.values()) - self._boot_now()) if self._turns else None

    async def receive(self, numbers: Iterable[int]) -> None:
        """Look for shards that were handed to this worker: their rows say whether they were."""

        async def one(number: int) -> None:
            row = await self._rows.get(number)
            if row:
                self._holdings.reconcile(row, self._worker_id)

        try:
            await each(one, numbers, at_once_max=MOVES_AT_ONCE_MAX)
        except StoreError as error:
            self._is_sweep_due = True
            log.info("rows_unread", extra={"worker": self._worker_id, "error": str(error)})

    async def audit(self) -> None:
        """Read one partition of the rows and set right what they say otherwise; all have had their turn in a while."""
        self._audited = (self._audited + 1) % self._rows.buckets
        try:
            rows = await self._rows.read(self._audited)
        except StoreError as error:
            log.info("audit_failed", extra={"worker": self._worker_id, "error": str(error)})
            return
        self._reconcile(rows)
        roster = self._lookout.roster
        self._is_sweep_due |= any(row.owner is None or roster.is_gone(row.owner) for row in rows)

    async def give_all(self) -> None:
        """
        Hand every shard to another worker that is up, or let go of it when there is none.

        The targets are told first, and polls go on here until they must have heard.
        """
        roster = await self._lookout.read()
        # To those that may be dying only if there is nobody else: they may also be all right.
        up = [worker for worker in roster.up() if worker.id not in self._lookout.still] or roster.up()
        targets = dict(partings(up, self._worker_id, self._holdings.owned, self._loads()))
        told = {target for target in targets.values() if target}
        await self._announce(told)
        await self._sleep(max(map(self._unheard_s, told), default=0.0))
        given: list[str | None] = []

        async def one(number: int) -> None:
            if await self._give(number, targets[number], Why.DRAIN):
                given.append(targets[number])

        await each(one, targets, at_once_max=MOVES_AT_ONCE_MAX)
        self._tell("handed_off", why=Why.DRAIN, to=_tally(given))

    def _calls_for_sweep(self) -> bool:
        roster = self._lookout.roster
        is_dead_there = any(
            worker.state == DEAD and worker.id not in self._settled for worker in roster.workers.values()
        )
        return self._is_sweep_due or bool(self._turns) or is_dead_there or self._is_misplaced_long()

    def _is_misplaced_long(self) -> bool:
        if not misplaced(self._view(), self._shards):
            self._misplaced_since_s = None
            return False
        self._look_closely()
        if self._misplaced_since_s is None:
            self._misplaced_since_s = self._boot_now()
        return self._boot_now() - self._misplaced_since_s >= MISPLACED_MAX_S

    async def _sweep(self) -> None:
        """Read every row, then the roster again (see `Roster.is_gone`), and act on the difference."""
        rows = await self._rows.read_all()
        roster = await self._lookout.read()
        self._is_sweep_due, self._misplaced_since_s = False, None
        if len(rows) < self._shards:
            await self._rows.make()
            self._is_sweep_due = True
        self._reconcile(rows)
        await self._claim(rows, roster)
        await self._forget(rows, roster)

    def _reconcile(self, rows: Sequence[Shard]) -> None:
        for row in rows:
            self._holdings.reconcile(row, self._worker_id)

    async def _claim(self, rows: Sequence[Shard], roster: Roster) -> None:
        orphans = self._orphans.note(rows, roster, now_s=self._boot_now())
        self._turns = self._orphans.turns(orphans, self._worker_id, roster)
        due = [number for number, at_s in self._turns.items() if at_s <= self._boot_now()]
        dead = {worker.id for worker in roster.workers.values() if worker.state == DEAD}

        async def one(number: int) -> None:
            if self.state == UP:
                row = await self._rows.claim(orphans[number], by=self._worker_id)
                if row.owner in dead:  # whoever was faster has died since; it will not poll
                    row = await self._rows.claim(row, by=self._worker_id)
                self._turns.pop(number, None)
                self._holdings.reconcile(row, self._worker_id)

        await each(one, due, at_once_max=MOVES_AT_ONCE_MAX)
        if due:
            self._tell("claimed", tried=_tally(orphans[number].owner for number in due))

    async def _forget(self, rows: Sequence[Shard], roster: Roster) -> None:
        """Delete the rows of the dead that own nothing; one of the living does it."""
        named = {row.owner for row in rows}
        self._settled = {one.id for one in roster.workers.values() if one.state == DEAD} - named
        alike = dict.fromkeys((one.id for one in roster.up()), 1.0)
        for worker in roster.workers.values():
            is_mine_to_do = ranking(worker.id, alike)[:1] == [self._worker_id]
            if worker.state == DEAD and worker.id not in named and is_mine_to_do:
                await timed(self._store.delete(fleet.forget(self._table, self._kind, worker.id)))

    async def _balance(self) -> None:
        """Perform the own part of the plan, on a view in which no move is under way."""
        view = self._view()
        self._note_gives(view)
        is_moving = misplaced(view, self._shards)
        gives = [] if is_moving else plan(view, shards=self._shards, barred=self._holdings.came_from())
        self._views = self._views + 1 if gives else 0
        if not gives:
            return
        self._look_closely()
        own = [give for give in gives if give.giver == self._worker_id]
        await self._announce({give.target for give in own})
        own = [give for give in own if self._listens(give.target)]
        if self._views < VIEWS_MIN or self._must_wait(view):
            return
        self._views = 0
        if own:
            self._tell("planned", gives=len(gives), own=len(own), costs=sorted(round(cost(one), 1) for one in view))
            await self._perform(own)
            self._tune_at_s = self._boot_now() + TUNE_EVERY_S

    def _must_wait(self, view: Sequence[Worker]) -> bool:
        """Tune only now and then, whoever gave last: what is nearly even may come right by itself."""
        return not is_urgent(view) and self._boot_now() < self._tune_at_s

    def _note_gives(self, view: Sequence[Worker]) -> None:
        """See in the roster that another has given: the budget is the fleet's."""
        before, self._seen_owned = self._seen_owned, {one.id: one.owned for one in view if one.id != self._worker_id}
        if any(before.get(name, owned) - owned for name, owned in self._seen_owned.items()):
            self._tune_at_s = self._boot_now() + TUNE_EVERY_S

    def _view(self) -> list[Worker]:
        """Show the living as the roster does, but the own shards as they are now."""
        return [
            self._as_now(worker) if worker.id == self._worker_id else worker for worker in self._lookout.roster.living()
        ]

    def _as_now(self, own: Worker) -> Worker:
        owned = frozenset(self._holdings.owned)
        # As the others see them: else two that are as heavy could each take the other for the heavier, and none gives.
        loads = fleet.as_told(owned, self._loads())
        return replace(own, owned=owned, loads=loads, young=self._holdings.young(), state=self.state)

    async def _perform(self, gives: Sequence[Give]) -> None:
        given: list[str] = []

        async def one(give: Give) -> None:
            target = self._lookout.roster.workers.get(give.target)
            is_there = target and target.state == UP and give.target not in self._lookout.still
            # Both may have changed since the plan.
            if self.state == UP and is_there and await self._give(give.shard, give.target, Why.PLAN):
                given.append(give.target)

        await each(one, gives, at_once_max=MOVES_AT_ONCE_MAX)
        self._tell("handed_off", why=Why.PLAN, to=_tally(given))

    async def _give(self, number: int, target: str | None, why: Why) -> bool:
        """End the shard's polls, then move its row (did it?); until that is known nobody polls it here."""
        if number not in self._holdings.owned:
            return False
        is_given = False
        self._holdings.moving.add(number)
        try:
            through_ms = await self._on_giving(number)
            shard = self._holdings.owned.get(number)
            if shard:
                shard = replace(shard, through_ms=through_ms)
                rows = self._rows
                row = await (rows.hand_off(shard, to=target, why=why) if target else rows.release(shard, why=why))
                is_given = row.owner == target
                self._holdings.gave(row)
        finally:
            self._holdings.moving.discard(number)
        if target:
            await self._ring_soon(target, number)
        return is_given

    async def _announce(self, targets: Iterable[str]) -> None:
        """Ring those that do not listen yet, and those that would soon cease to (see `doorbell`)."""
        now_s = self._boot_now()
        self._rung_s = {name: rung for name, rung in self._rung_s.items() if now_s < rung.last_s + LISTEN_S}
        due = [name for name in targets if name not in self._rung_s or self._rung_s[name].last_s + RING_AGAIN_S < now_s]
        beats = {name: worker.beat for name, worker in self._lookout.roster.workers.items()}
        await each(self._rows.ring, sorted(due), at_once_max=MOVES_AT_ONCE_MAX)
        for name in due:
            rung = self._rung_s.get(name) or _Rung(first_s=self._boot_now(), last_s=now_s, beat=beats.get(name, 0))
            self._rung_s[name] = replace(rung, last_s=now_s)

    def _listens(self, target: str) -> bool:
        """
        Say whether a target that was rung must have heard and is still there: its number moved since, and goes on.

        What is given to one that has just died is polled by nobody until the verdict on it.
        """
        worker = self._lookout.roster.workers.get(target)
        is_moving = worker and worker.beat > self._rung_s[target].beat and target not in self._lookout.still
        return bool(is_moving) and not self._unheard_s(target)

    def _unheard_s(self, target: str) -> float:
        """Say in how many seconds a target that was rung must have heard."""
        return max(0.0, self._rung_s[target].first_s + HEARD_AFTER_S - self._boot_now())

    async def _ring_soon(self, target: str, number: int) -> None:
        """Tell a target what came; one ring for all that comes at once."""
        waiting = self._to_ring.setdefault(target, set())
        waiting.add(number)
        if len(waiting) > 1:
            return
        await self._sleep(RING_TOGETHER_S)
        del self._to_ring[target]
        await self._rows.ring(target, given=frozenset(waiting))

    def _look_closely(self) -> None:
        self._lookout.close_until_s = max(self._lookout.close_until_s, self._boot_now() + SETTLING_S)

    def _tell(self, event: str, **fields: object) -> None:
        log.info(event, extra={"worker": self._worker_id, **fields, "held": len(self._holdings.owned)})


def _tally(owners: Iterable[str | None]) -> dict[str, int]:
    """Say of many shards in few words whose they are."""
    return dict(Counter(owner or "nobody" for owner in owners))
