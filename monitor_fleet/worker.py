"""
The worker: what joins leases, catalog, schedule and turns.

A source enters the schedule once its head is fenced. A turn that comes is admitted or waits; sources that request the
same and are due together share it. At its end each source gets its next turn. A shard that is given away stops at a
moment, `through`: what was due until then is polled here, what is due later by its next owner.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from contracts.clock import SECOND_MS, NowMs
from contracts.kinds import State
from contracts.source import Source
from contracts.table.fleet import Shard
from monitor_fleet.admission import SLOW_AFTER_MS, Admission
from monitor_fleet.burden import Burden
from monitor_fleet.lags import Lags
from monitor_fleet.pace import Pace
from monitor_fleet.schedule import Schedule, first_due, grid_after
from monitor_fleet.sharing import Once
from monitor_fleet.turn import Turns
from monitor_fleet.watched import Target, Watched

log = logging.getLogger(__name__)

#: So many turns are begun before others of the loop have theirs.
DISPATCHES_MAX = 256
#: Turns that come closer together than this are begun together: each waking of the loop costs as much as half a poll.
WAKE_GAP_MS = 4
#: The wall clock may be set, and polls may hang: look at them at least this often.
TICK_MAX_MS = 250
NEVER_MS = 1 << 62
#: Who is polled more often gains nothing by a hint.
HINTED_FROM_MS = 60 * SECOND_MS
#: While the right has lapsed, look this often whether it is back.
LAPSED_TICK_MS = 100
#: As many as the data client has threads: what a shard waits for after a hand-off is mostly this.
LOADERS = 32
GIVING_WAIT_S = 2.0
CRASHED_WAIT_MS = 30 * SECOND_MS
#: Turns are looked for at least each second; who has not for so long is stuck, though its loop may run.
STUCK_AFTER_S = 5.0


@dataclass(kw_only=True, slots=True, eq=False)
class Turn:
    """A turn that has come, of one source or of several with one request: it waits for admission or is under way."""

    host: str
    due_ms: int
    watched: list[Watched]
    slow: bool = False
    begun_ms: int = 0
    over: bool = False

    @property
    def is_wanted(self) -> bool:
        """Say whether any of its sources is still watched."""
        return any(one.current for one in self.watched)

    @property
    def waited_ms(self) -> int:
        """Say for how long it waited for room while it was under way."""
        return max(one.waited_ms for one in self.watched)


@dataclass(kw_only=True, slots=True)
class Held:
    """What is going on in one shard."""

    shard: Shard
    sources: set[str] = field(default_factory=set)
    loading: set[str] = field(default_factory=set)
    turns: dict[str, Turn] = field(default_factory=dict)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    leaving: bool = False
    #: The oldest turn that came while the shard was given away and could not begin: the next owner takes it.
    left_ms: int = NEVER_MS
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """Polls the sources of the shards it holds. Its callbacks are those that leases and catalog call."""

    def __init__(
        self, *, turns: Turns, admission: Admission[Turn], now_ms: NowMs, may_act: Callable[[], bool], burden: Burden,
        shards: int = 1,
    ) -> None:  # fmt: skip
        self.pace = Pace()
        self._turns = turns
        self._admission = admission
        self._host_cap = admission.cap
        self._shards = shards
        self._now_ms = now_ms
        self._may_act = may_act
        self._burden = burden
        self._ticked_s = math.inf
        self._tick_at_s = math.inf
        self._schedule = Schedule()
        #: Turns that have not begun, by what they request: whoever is due meanwhile takes part.
        self._gathering: dict[tuple[int, int], Turn] = {}
        #: Turns under way, the longest first, for those that take long to be found.
        self._under_way: deque[Turn] = deque()
        self._held: dict[int, Held] = {}
        self._watched: dict[str, Watched] = {}
        self._through_ms: dict[int, int] = {}
        self._to_load: asyncio.Queue[Watched] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ms = 0
        self._ticked_ms = 0
        self.lags = Lags()

    async def run(self) -> None:
        """Load and poll until cancelled."""
        self._arm(self._now_ms())
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
            self._take_share()

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
            held.left_ms = min([held.left_ms, *(turn.due_ms for turn in held.turns.values())])
        through_ms = min(through_ms, held.left_ms - 1)
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
        self._take_share()

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
        if source.enabled:
            self._begin(Watched.begin(source, held.shard), held, at_once=known is not None)

    def on_gone(self, source_id: str) -> None:
        """Stop watching a source."""
        watched = self._watched.get(source_id)
        if watched:
            self._end(source_id, self._held[watched.shard.number])

    def on_poll(self, source_id: str) -> None:
        """Poll a source now, unless that is under way; one whose head is not loaded yet, as soon as it is."""
        watched = self._watched.get(source_id)
        held = self._held.get(watched.shard.number) if watched else None
        if watched is None or held is None or held.leaving or source_id in held.turns:
            return
        if source_id in held.loading:
            watched.at_once = True
            return
        watched.forget_answers()
        self._set_turn(watched, self._now_ms())

    def on_edited(self, spreadsheet_ids: Iterable[str]) -> None:
        """Poll the sources of spreadsheets that were edited, unless they are polled soon anyway."""
        edited = set(spreadsheet_ids)
        for target in list(self.targets()):
            if target.sheet and target.sheet.spreadsheet_id in edited and target.interval_ms >= HINTED_FROM_MS:
                self.on_poll(target.id)

    # What health and heartbeat tell.

    def targets(self) -> Iterable[Target]:
        """Give what is watched."""
        return (watched.target for watched in self._watched.values())

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

    @property
    def in_flight_slow(self) -> int:
        """How many of them take long."""
        return self._admission.in_flight_slow

    def overdue_ms(self) -> int:
        """Say by how much the oldest turn that has not begun is late."""
        now_ms = self._now_ms()
        waiting = (now_ms - turn.due_ms for turn in self._admission.turns_waiting() if turn.is_wanted)
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
        return first_due(target.request, target.interval_ms, now_ms=now_ms, through_ms=watched.shard.through_ms)

    def _take_share(self) -> None:
        """Ask each host only as often as this worker's share of the shards allows."""
        self._admission.cap = self._host_cap.share(max(1, len(self._held)) / self._shards)

    # Turns come and end.

    def _set_turn(self, watched: Watched, at_ms: int) -> None:
        self._schedule.set(watched.target.id, at_ms)
        if at_ms < self._timer_ms:
            self._arm(self._now_ms())

    def _arm(self, now_ms: int) -> None:
        """Wake up when the next turn comes, though not sooner than the gap after the last waking."""
        next_ms = min(self._schedule.next_ms() or NEVER_MS, self._admission.next_ms() or NEVER_MS)
        wait_ms = min(TICK_MAX_MS, max(0, next_ms - now_ms, self._ticked_ms + WAKE_GAP_MS - now_ms))
        if not self._may_act():
            wait_ms = LAPSED_TICK_MS
        if self._timer:
            self._timer.cancel()
        self._timer_ms = now_ms + wait_ms
        loop = asyncio.get_running_loop()
        # Noted here, because a uvloop timer that is due at once does not know when that was.
        self._tick_at_s = loop.time() + wait_ms / SECOND_MS
        self._timer = loop.call_later(wait_ms / SECOND_MS, self._tick)

    def _tick(self) -> None:
        now_ms = self._ticked_ms = self._now_ms()
        self._ticked_s = asyncio.get_running_loop().time()
        self._burden.note_lag(self._ticked_s - self._tick_at_s)
        if self._may_act():
            self._move_lingering(now_ms)
            self._start(self._admission.wake(now_ms), now_ms)
            self._dispatch(now_ms, limit=DISPATCHES_MAX)
        self.pace.look(now_ms)
        self._arm(now_ms)

    def _dispatch(self, until_ms: int, *, limit: int) -> None:
        """Begin the turns that have come, or let them wait for admission; those that request the same are one."""
        come: list[Turn] = []
        for due in self._schedule.take(until_ms, limit=limit):
            watched = self._watched[due.source_id]
            shard = watched.shard.number
            turn = self._gathering.get((shard, watched.target.request))
            if turn is None:
                turn = Turn(host=watched.target.host, due_ms=due.at_ms, watched=[watched])
                self._gathering[shard, watched.target.request] = turn
                come.append(turn)
            else:
                turn.watched.append(watched)
            self._held[shard].turns[due.source_id] = turn
        for turn in come:
            if self._admission.enter(turn, until_ms):
                self._start_turn(turn, until_ms)

    def _start(self, admitted: list[Turn], now_ms: int) -> None:
        """Begin turns that were let in; one that nobody wants any more, or may not begin, only passes its place on."""
        while admitted:
            turn = admitted.pop()
            if turn.is_wanted and self._may_act():
                self._start_turn(turn, now_ms)
            else:
                self._not_gathering(turn)
                self._put_back(turn)
                self._forget(turn)
                # Its host stays in the lane it is in: nothing was learned of it.
                admitted += self._admission.leave(turn, now_ms, took_ms=SLOW_AFTER_MS if turn.slow else 0)

    def _put_back(self, turn: Turn) -> None:
        """Give a turn that may not begin its time again: it comes first when the right is back, here or elsewhere."""
        held = self._held.get(turn.watched[0].shard.number)
        for watched in turn.watched:
            if watched.current and held and held.leaving:
                held.left_ms = min(held.left_ms, turn.due_ms)
            elif watched.current and held:
                self._schedule.set(watched.target.id, turn.due_ms)

    def _start_turn(self, turn: Turn, now_ms: int) -> None:
        self._not_gathering(turn)
        held = self._held[turn.watched[0].shard.number]
        turn.begun_ms = now_ms
        self.lags.note(now_ms - turn.due_ms)
        self._under_way.append(turn)
        # Eagerly: the request goes out in this very pass of the loop.
        task = asyncio.Task(self._take(turn), loop=asyncio.get_running_loop(), eager_start=True)
        held.tasks.add(task)
        # Not a `finally` of the task: one that is cancelled before its first step never gets there.
        task.add_done_callback(partial(self._turn_over, turn, held))

    async def _take(self, turn: Turn) -> list[int | None]:
        if len(turn.watched) == 1:
            return [await self._take_one(turn.watched[0], None)]
        # Whoever is asked least often first: it may wait longest for an answer.
        turn.watched.sort(key=lambda watched: -watched.target.interval_ms)
        once = self._turns.once()
        return await asyncio.gather(*(self._take_one(watched, once) for watched in turn.watched))

    async def _take_one(self, watched: Watched, once: Once | None) -> int | None:
        if not watched.current:
            return None
        try:
            return await self._turns.take(watched, self._spawn, once)
        except Exception:  # a mistake of ours must not end the polling of a source
            log.exception("turn_crashed", extra={"source": watched.target.id})
            return CRASHED_WAIT_MS

    def _turn_over(self, turn: Turn, held: Held, done: asyncio.Task[list[int | None]]) -> None:
        held.tasks.discard(done)
        turn.over = True
        now_ms = self._now_ms()
        self._note_burden(turn)
        self._forget(turn)
        waits = [CRASHED_WAIT_MS] * len(turn.watched) if done.cancelled() else done.result()
        for watched, wait_ms in zip(turn.watched, waits, strict=True):
            self._next_turn(turn, watched, wait_ms, now_ms)
        # A host is not slow for having waited for our room.
        admitted = self._admission.leave(turn, now_ms, took_ms=now_ms - turn.begun_ms - turn.waited_ms)
        if admitted:
            self._start(admitted, now_ms)

    def _note_burden(self, turn: Turn) -> None:
        """Count what a turn brought: what its sources share, once."""
        first = turn.watched[0]
        self._burden.note_poll(first.shard.number, taken_bytes=first.taken_bytes)
        for watched in turn.watched:
            watched.taken_bytes = 0

    def _move_lingering(self, now_ms: int) -> None:
        """Find the polls that take long."""
        while self._under_way:
            turn = self._under_way[0]
            if not turn.over:
                if now_ms - turn.begun_ms < SLOW_AFTER_MS:
                    return
                self._start(self._admission.linger(turn, now_ms), now_ms)
            self._under_way.popleft()

    def _not_gathering(self, turn: Turn) -> None:
        first = turn.watched[0]
        self._gathering.pop((first.shard.number, first.target.request), None)

    def _forget(self, turn: Turn) -> None:
        held = self._held.get(turn.watched[0].shard.number)
        if held is None:
            return
        for watched in turn.watched:
            if held.turns.get(watched.target.id) is turn:
                del held.turns[watched.target.id]
        if not held.turns:
            held.idle.set()

    def _next_turn(self, turn: Turn, watched: Watched, wait_ms: int | None, now_ms: int) -> None:
        target = watched.target
        held = self._held.get(watched.shard.number)
        if not watched.current or held is None or held.leaving:
            return
        if wait_ms is not None:
            self._set_turn(watched, now_ms + wait_ms)
            return
        next_ms = grid_after(target.request, target.interval_ms, max(turn.due_ms, now_ms))
        missed = (next_ms - turn.due_ms - 1) // target.interval_ms
        if missed > 0:
            waited_ms = turn.begun_ms - turn.due_ms + turn.waited_ms
            self.pace.missed(missed, interval_ms=target.interval_ms, waited_ms=waited_ms)
        self._set_turn(watched, next_ms)

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
        """Dispatch what is due until now, if that may be, and nothing later; that moment."""
        now_ms = self._now_ms()
        if self._may_act():
            self._dispatch(now_ms, limit=len(self._schedule))
        held.leaving = True
        for source_id in held.sources:
            held.left_ms = min(held.left_ms, self._schedule.remove(source_id) or NEVER_MS)
        return held.shard.through_ms if held.loading else now_ms


async def _ended(held: Held) -> None:
    while held.turns:
        held.idle.clear()
        await held.idle.wait()
    if held.tasks:
        await asyncio.wait(held.tasks)
