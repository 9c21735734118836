"""
The worker: what joins leases, catalog, schedule and turns.

A source enters the schedule once its head is fenced. A turn that comes is admitted or waits; at its end the source
gets its next turn. A shard that is given away stops at a moment, `through`: what was due until then is polled here,
what is due later by its next owner.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from contracts.clock import SECOND_MS, NowMs
from contracts.kinds import SourceType, State
from contracts.source import Source
from contracts.table.fleet import Shard
from monitor_fleet.admission import Admission
from monitor_fleet.burden import Burden
from monitor_fleet.lags import Lags
from monitor_fleet.schedule import Schedule, first_due, grid_after
from monitor_fleet.turn import Turns
from monitor_fleet.watched import Watched

log = logging.getLogger(__name__)

#: So many turns are begun before others of the loop have theirs.
DISPATCHES_MAX = 256
#: The wall clock may be set: look at it at least this often.
TICK_MAX_S = 1.0
#: While the right has lapsed, look this often whether it is back.
LAPSED_TICK_S = 0.1
LOADERS = 16
GIVING_WAIT_S = 2.0
CRASHED_WAIT_MS = 30 * SECOND_MS
#: Turns are looked for at least each second; who has not for so long is stuck, though its loop may run.
STUCK_AFTER_S = 5.0


@dataclass(kw_only=True, slots=True)
class Turn:
    """A turn that has come: it waits for admission or is under way."""

    watched: Watched
    due_ms: int


@dataclass(kw_only=True, slots=True)
class Held:
    """What is going on in one shard."""

    shard: Shard
    sources: set[str] = field(default_factory=set)
    loading: set[str] = field(default_factory=set)
    turns: dict[str, Turn] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    leaving: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """Polls the sources of the shards it holds. Its callbacks are those that leases and catalog call."""

    def __init__(
        self, *, turns: Turns, admission: Admission[Turn], now_ms: NowMs, may_act: Callable[[], bool], burden: Burden
    ) -> None:
        self._turns = turns
        self._admission = admission
        self._now_ms = now_ms
        self._may_act = may_act
        self._burden = burden
        self._ticked_s = math.inf
        self._schedule = Schedule()
        self._held: dict[int, Held] = {}
        self._watched: dict[str, Watched] = {}
        self._through_ms: dict[int, int] = {}
        self._to_load: asyncio.Queue[Watched] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ms = 0
        self._told_of_sheets = False
        self.lags = Lags()

    async def run(self) -> None:
        """Load and poll until cancelled."""
        self._arm()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(LOADERS):
                    group.create_task(self._keep_loading())
        finally:
            if self._timer:
                self._timer.cancel()
            for number in self.owned:
                self.on_lost(number)

    # What leases call.

    def on_claimed(self, shard: Shard) -> None:
        """Begin a shard; its sources come through `on_source`."""
        held = self._held.get(shard.number)
        if held is None or held.shard.epoch != shard.epoch or held.leaving:
            self.on_lost(shard.number)
            self._held[shard.number] = Held(shard=shard)

    async def on_giving(self, number: int) -> int:
        """End a shard's polls; up to which due time (ms) they were dispatched."""
        held = self._held.get(number)
        if held is None:
            return self._through_ms.get(number, 0)
        through_ms = self._stop_dispatching(held)
        try:
            await asyncio.wait_for(_ended(held), GIVING_WAIT_S)
        except TimeoutError:
            # The next owner takes these turns; a poll more for others is no harm, a poll less would be.
            through_ms = min([through_ms, *(turn.due_ms - 1 for turn in held.turns.values())])
        self._through_ms[number] = through_ms
        self.on_lost(number)
        return through_ms

    def on_lost(self, number: int) -> None:
        """Drop a shard at once: whatever is still in flight for it is refused by its fence."""
        held = self._held.pop(number, None)
        if held is None:
            return
        held.leaving = True
        self._burden.drop(number)
        for source_id in tuple(held.sources):
            self._end(source_id, held)
        for task in tuple(held.tasks):
            task.cancel()

    # What the catalog calls.

    def on_source(self, source: Source, shard: Shard) -> None:
        """Watch a source as it is configured now; called again after each edit."""
        held = self._held.get(shard.number)
        if held is None or held.leaving or held.shard.epoch != shard.epoch:
            return
        known = self._watched.get(source.id)
        if known and known.target.revision >= source.revision and known.shard.epoch == shard.epoch:
            return
        self._end(source.id, held)
        if source.enabled and self._can_poll(source):
            self._begin(Watched.begin(source, held.shard), held, at_once=known is not None)

    def on_gone(self, source_id: str) -> None:
        """Stop watching a source."""
        watched = self._watched.get(source_id)
        if watched:
            self._end(source_id, self._held[watched.shard.number])

    def on_poll(self, source_id: str) -> None:
        """Poll a source now, unless that is under way."""
        watched = self._watched.get(source_id)
        held = self._held.get(watched.shard.number) if watched else None
        if watched and held and source_id not in held.turns and source_id not in held.loading:
            watched.forget_answers()
            self._set_turn(watched, self._now_ms())

    # What health and heartbeat tell.

    @property
    def owned(self) -> list[int]:
        """The shards this worker polls."""
        return sorted(self._held)

    @property
    def sources(self) -> int:
        """How many sources are watched."""
        return len(self._watched)

    @property
    def failing(self) -> int:
        """How many of them have failed for a while."""
        return sum(watched.health.state in (State.FAILING, State.DORMANT) for watched in self._watched.values())

    @property
    def in_flight(self) -> int:
        """How many polls are under way."""
        return self._admission.in_flight

    def is_ticking(self) -> bool:
        """Say whether turns are being looked for: a worker that has ceased to must not go on holding its shards."""
        return asyncio.get_running_loop().time() - self._ticked_s < STUCK_AFTER_S

    def overdue_ms(self) -> int:
        """Say by how much the oldest turn that has not begun is late."""
        now_ms = self._now_ms()
        waiting = (now_ms - turn.due_ms for turn in self._admission.turns_waiting() if turn.watched.current)
        return max(self._schedule.overdue_ms(now_ms), *waiting, 0)

    # Sources come and go.

    def _begin(self, watched: Watched, held: Held, *, at_once: bool) -> None:
        source_id = watched.target.id
        watched.at_once = at_once or watched.health.state is State.NEW
        self._watched[source_id] = watched
        held.sources.add(source_id)
        held.loading.add(source_id)
        self._to_load.put_nowait(watched)

    def _end(self, source_id: str, held: Held) -> None:
        watched = self._watched.pop(source_id, None)
        if watched is None:
            return
        watched.current = False
        held.sources.discard(source_id)
        held.loading.discard(source_id)
        self._schedule.remove(source_id)

    def _can_poll(self, source: Source) -> bool:
        if source.type is SourceType.EXTERNAL:
            return True
        if not self._told_of_sheets:
            log.warning("sheets_not_polled", extra={"source": source.id, "why": "this release polls JSON and XML only"})
            self._told_of_sheets = True
        return False

    async def _keep_loading(self) -> None:
        while True:
            watched = await self._to_load.get()
            if not watched.current:
                continue
            wait_ms = await self._load(watched)
            if wait_ms:
                asyncio.get_running_loop().call_later(wait_ms / SECOND_MS, self._to_load.put_nowait, watched)
            else:
                self._loaded(watched)

    async def _load(self, watched: Watched) -> int | None:
        try:
            return await self._turns.load(watched, self._spawn)
        except Exception:  # a mistake of ours with one source must not end the loading of others
            log.exception("load_crashed", extra={"source": watched.target.id})
            return CRASHED_WAIT_MS

    def _loaded(self, watched: Watched) -> None:
        held = self._held.get(watched.shard.number)
        if watched.current and held:
            held.loading.discard(watched.target.id)
            if not held.leaving:
                self._set_turn(watched, self._first_ms(watched))

    def _first_ms(self, watched: Watched) -> int:
        target, now_ms = watched.target, self._now_ms()
        if watched.at_once:
            return now_ms
        return first_due(target.id, target.interval_ms, now_ms=now_ms, through_ms=watched.shard.through_ms)

    # Turns come and end.

    def _set_turn(self, watched: Watched, at_ms: int) -> None:
        self._schedule.set(watched.target.id, at_ms)
        if at_ms < self._timer_ms:
            self._arm()

    def _arm(self) -> None:
        now_ms, next_ms = self._now_ms(), self._schedule.next_ms()
        wait_s = TICK_MAX_S if next_ms is None else min(TICK_MAX_S, max(0.0, (next_ms - now_ms) / SECOND_MS))
        if not self._may_act():
            wait_s = LAPSED_TICK_S
        if self._timer:
            self._timer.cancel()
        self._timer_ms = now_ms + int(wait_s * SECOND_MS)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._ticked_s = asyncio.get_running_loop().time()
        if self._timer:
            self._burden.note_lag(self._ticked_s - self._timer.when())
        if self._may_act():
            self._dispatch(self._now_ms(), limit=DISPATCHES_MAX)
        self._arm()

    def _dispatch(self, until_ms: int, *, limit: int) -> None:
        for due in self._schedule.take(until_ms, limit=limit):
            watched = self._watched[due.source_id]
            turn = Turn(watched=watched, due_ms=due.at_ms)
            self._held[watched.shard.number].turns[due.source_id] = turn
            if self._admission.enter(watched.target.host, turn):
                self._start_turn(turn)

    def _start_turn(self, turn: Turn) -> None:
        self.lags.note(self._now_ms() - turn.due_ms)
        held = self._held[turn.watched.shard.number]
        task = asyncio.get_running_loop().create_task(self._take(turn))
        held.tasks.add(task)
        task.add_done_callback(held.tasks.discard)
        # Not a `finally` of the task: one that is cancelled before its first step never gets there.
        task.add_done_callback(lambda done: self._turn_over(turn, done))

    async def _take(self, turn: Turn) -> int | None:
        try:
            return await self._turns.take(turn.watched, self._spawn)
        except Exception:  # a mistake of ours must not end the polling of a source
            log.exception("turn_crashed", extra={"source": turn.watched.target.id})
            return CRASHED_WAIT_MS

    def _turn_over(self, turn: Turn, done: asyncio.Task[int | None]) -> None:
        self._burden.note_poll(turn.watched.shard.number, taken_bytes=turn.watched.taken_bytes)
        turn.watched.taken_bytes = 0
        self._leave(turn)
        self._next_turn(turn, CRASHED_WAIT_MS if done.cancelled() else done.result())

    def _leave(self, turn: Turn) -> None:
        """End a turn and begin those that waited; one whose source ended meanwhile only passes its place on."""
        over = [turn]
        while over:
            ended = over.pop()
            self._forget(ended)
            for admitted in self._admission.leave(ended.watched.target.host):
                if admitted.watched.current:
                    self._start_turn(admitted)
                else:
                    over.append(admitted)

    def _forget(self, turn: Turn) -> None:
        held = self._held.get(turn.watched.shard.number)
        if held and held.turns.get(turn.watched.target.id) is turn:
            del held.turns[turn.watched.target.id]
            if not held.turns:
                held.idle.set()

    def _next_turn(self, turn: Turn, wait_ms: int | None) -> None:
        target = turn.watched.target
        held = self._held.get(turn.watched.shard.number)
        if not turn.watched.current or held is None or held.leaving:
            return
        now_ms = self._now_ms()
        on_grid_ms = grid_after(target.id, target.interval_ms, max(turn.due_ms, now_ms))
        self._set_turn(turn.watched, on_grid_ms if wait_ms is None else now_ms + wait_ms)

    def _spawn(self, watched: Watched, work: Coroutine[Any, Any, None]) -> None:
        """Run something for as long as its shard is held."""
        held = self._held.get(watched.shard.number)
        if held is None:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        held.tasks.add(task)
        task.add_done_callback(held.tasks.discard)

    def _stop_dispatching(self, held: Held) -> int:
        """Dispatch what is due until now and nothing later; that moment."""
        now_ms = self._now_ms()
        self._dispatch(now_ms, limit=len(self._schedule))
        held.leaving = True
        for source_id in held.sources:
            self._schedule.remove(source_id)
        return held.shard.through_ms if held.loading else now_ms


async def _ended(held: Held) -> None:
    while held.turns:
        held.idle.clear()
        await held.idle.wait()
    if held.tasks:
        await asyncio.wait(held.tasks)
