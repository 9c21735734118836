"""The worker in virtual time: who is polled when, and what happens when shards and sources come and go."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

import pytest
import uvloop

from contracts.source import Source
from contracts.table.fleet import Shard
from monitor_fleet.admission import Admission, HostCap
from monitor_fleet.burden import Burden
from monitor_fleet.schedule import grid_after
from monitor_fleet.watched import Target, Watched
from monitor_fleet.worker import CRASHED_WAIT_MS, GIVING_WAIT_S, Worker
from tests.simulation.virtual import run

START_MS = 1_795_000_000_123
SHARD = Shard(number=5, owner="w", epoch=1, through_ms=START_MS)


class Sources:
    """Stands in for turns: notes each poll, takes its time, and does as told."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.polls: list[tuple[str, int]] = []
        self.takes_s = 0.05
        self.act: Callable[[Watched], Awaitable[int | None]] | None = None
        self.loads = 0
        self.shared = 0
        self._now_ms = now_ms

    async def load(self, _: Watched, __: Any) -> int | None:
        """Load at once."""
        self.loads += 1
        return None

    def once(self) -> Any:
        """Give what sources of one turn ask through: here, nothing."""
        self.shared += 1
        return None

    async def take(self, watched: Watched, _: Any, __: Any = None) -> int | None:
        """Poll."""
        self.polls.append((watched.target.id, self._now_ms()))
        await asyncio.sleep(self.takes_s)
        return await self.act(watched) if self.act else None

    def times(self, source_id: str) -> list[int]:
        """Say when a source was polled."""
        return [at_ms for polled, at_ms in self.polls if polled == source_id]


class Rig:
    """A worker on the loop's own time."""

    def __init__(self, *, in_flight_max: int = 256, per_host_max: int = 256, gap_ms: int = 0, shards: int = 1) -> None:
        self.may_act = True
        self.sources = Sources(self.now_ms)
        self.worker = Worker(
            turns=cast("Any", self.sources),
            admission=Admission(
                in_flight_max=in_flight_max,
                slow_max=in_flight_max,
                cap=HostCap(at_once_max=per_host_max, gap_ms=gap_ms),
            ),
            now_ms=self.now_ms,
            may_act=lambda: self.may_act,
            burden=Burden(cpu_now=lambda: 0.0, boot_now=asyncio.get_running_loop().time),
            shards=shards,
        )
        self._task = asyncio.create_task(self.worker.run())

    @staticmethod
    def now_ms() -> int:
        """Give the virtual wall clock."""
        return START_MS + round(asyncio.get_running_loop().time() * 1_000)

    async def end(self) -> None:
        """End the worker."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def request(source: Source) -> int:
    """Give the number of what a source requests."""
    return Target.of(source).request


def a_source(number: int = 1, **fields: Any) -> Source:
    """Give a source that was polled before."""
    given: dict[str, Any] = {
        "id": f"external-{number:08x}", "name": "a", "url": f"https://host-{number}.example/", "pollingInterval": 10,
        "incarnation": "i", "shard": SHARD.number, "createdAt": "x", "lastUpdated": "x", "status": {"state": "healthy"},
    }  # fmt: skip
    return Source(**given | fields)


def test_a_new_source_is_polled_at_once_and_then_on_its_grid():
    """Registering shows data now; after that nothing drifts, however long a poll takes."""

    async def story() -> None:
        rig = Rig()
        source = a_source(status={"state": "new"})
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(source, SHARD)
        await asyncio.sleep(65)
        first, *rest = rig.sources.times(source.id)
        assert first - START_MS < 50
        grid = grid_after(request(source), 10_000, START_MS)
        assert rest == [grid + 10_000 * turn for turn in range(len(rest))]
        assert len(rest) in (6, 7)
        await rig.end()

    run(story())


def test_turns_come_on_the_loop_that_production_runs_on():
    """Its timers are not asyncio's: one that is due at once knows less of itself."""

    async def story() -> None:
        rig, polled = Rig(), asyncio.Event()
        rig.sources.takes_s = 0

        async def tell(_: Watched) -> int | None:
            if len(rig.sources.polls) >= 3:
                polled.set()
            return 0  # again at once

        rig.sources.act = tell
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(status={"state": "new"}), SHARD)
        async with asyncio.timeout(60):
            await polled.wait()
        await rig.end()

    uvloop.run(story())


def test_a_poll_longer_than_the_interval_does_not_overlap():
    """Missed ticks are one: the next poll is on the grid after the end."""

    async def story() -> None:
        rig = Rig()
        rig.sources.takes_s = 25
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(), SHARD)
        await asyncio.sleep(200)
        times = rig.sources.times(a_source().id)
        assert {later - earlier for earlier, later in pairwise(times)} == {30_000}
        await rig.end()

    run(story())


def test_a_hand_off_skips_and_doubles_nothing():
    """200 sources change owners in the middle of everything; each due time is polled exactly once."""

    async def story() -> None:
        one, other = Rig(), Rig()
        sources = [a_source(number) for number in range(200)]
        one.worker.on_claimed(SHARD)
        for source in sources:
            one.worker.on_source(source, SHARD)
        await asyncio.sleep(30.0004)
        through_ms = await one.worker.on_giving(SHARD.number)
        await asyncio.sleep(0.4)
        given = Shard(number=SHARD.number, owner="x", epoch=2, through_ms=through_ms)
        other.worker.on_claimed(given)
        for source in sources:
            other.worker.on_source(source, given)
        await asyncio.sleep(30)
        for source in sources:
            polls = Counter(
                (at_ms - grid_after(request(source), 10_000, START_MS) + 5_000) // 10_000
                for at_ms in one.sources.times(source.id) + other.sources.times(source.id)
            )
            turns = sorted(turn for turn in polls if turn >= 0)
            assert turns == list(range(len(turns)))
            assert all(polls[turn] == 1 for turn in turns)
            assert len(turns) >= 6
        await one.end()
        await other.end()

    run(story())


def test_a_poll_that_hangs_does_not_hold_up_a_hand_off():
    """It is cut, and the moment given is before it, so that the next owner polls that source."""

    async def story() -> None:
        rig = Rig()
        rig.sources.takes_s = 3_600
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(), SHARD)
        await asyncio.sleep(12)
        (polled_ms,) = rig.sources.times(a_source().id)
        before_s = asyncio.get_running_loop().time()
        through_ms = await rig.worker.on_giving(SHARD.number)
        assert asyncio.get_running_loop().time() - before_s <= GIVING_WAIT_S + 0.1
        assert through_ms == polled_ms - 1
        assert await rig.worker.on_giving(SHARD.number) == through_ms  # asked twice, answered twice
        await asyncio.sleep(0.001)  # what was cancelled ends
        assert (rig.worker.owned, rig.worker.sources, rig.worker.in_flight) == ([], 0, 0)
        await rig.end()

    run(story())


def test_a_lost_shard_is_silent_at_once():
    """Somebody else polls it now."""

    async def story() -> None:
        rig = Rig()
        rig.worker.on_claimed(SHARD)
        for number in range(50):
            rig.worker.on_source(a_source(number), SHARD)
        await asyncio.sleep(15)
        rig.worker.on_lost(SHARD.number)
        polls = len(rig.sources.polls)
        rig.worker.on_source(a_source(7, revision=2), SHARD)
        await asyncio.sleep(30)
        assert (len(rig.sources.polls), rig.worker.sources) == (polls, 0)
        await rig.end()

    run(story())


def test_a_turn_that_never_began_gives_its_place_back():
    """A shard may be lost in the very pass of the loop that starts a poll; its host must not stay taken for ever."""

    async def story() -> None:
        rig = Rig(per_host_max=1)
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(pollingInterval=1), SHARD)
        await asyncio.sleep(0.5)
        rig.worker.on_poll(a_source().id)
        rig.worker._tick()
        assert rig.worker.in_flight == 1
        rig.worker.on_lost(SHARD.number)  # before the poll's task had its first step
        await asyncio.sleep(5)
        assert rig.worker.in_flight == 0
        again = replace(SHARD, epoch=2)
        rig.worker.on_claimed(again)
        rig.worker.on_source(a_source(pollingInterval=1), again)
        polls = len(rig.sources.polls)
        await asyncio.sleep(5)
        assert len(rig.sources.polls) - polls >= 4
        await rig.end()

    run(story())


def test_a_wish_is_obeyed_at_once():
    """Also for a source whose head is not loaded yet, and not by two polls at a time."""

    async def story() -> None:
        rig = Rig()
        source = a_source(pollingInterval=3_600)
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(source, SHARD)
        rig.worker.on_poll(source.id)
        await asyncio.sleep(0.2)
        assert len(rig.sources.times(source.id)) == 1
        for _ in range(3):
            rig.worker.on_poll(source.id)
        await asyncio.sleep(0.2)
        assert len(rig.sources.times(source.id)) == 2
        rig.worker.on_poll("external-ffffffff")
        await rig.end()

    run(story())


def test_an_edit_is_obeyed_at_once_and_repetition_is_not_an_edit():
    """A person who edits wants to see; a catalog that tells twice does not."""

    async def story() -> None:
        rig = Rig()
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(pollingInterval=3_600), SHARD)
        await asyncio.sleep(1)
        for _ in range(2):
            rig.worker.on_source(a_source(pollingInterval=5, revision=2), SHARD)
        await asyncio.sleep(0.5)
        assert (len(rig.sources.polls), rig.sources.loads) == (1, 2)
        rig.worker.on_source(a_source(enabled=False, revision=3), SHARD)
        await asyncio.sleep(20)
        assert (len(rig.sources.polls), rig.worker.sources) == (1, 0)
        rig.worker.on_source(a_source(revision=4), SHARD)
        await asyncio.sleep(11)
        rig.worker.on_gone(a_source().id)
        polls = len(rig.sources.polls)
        await asyncio.sleep(30)
        assert len(rig.sources.polls) == polls
        await rig.end()

    run(story())


def test_no_poll_begins_while_the_right_has_lapsed():
    """And after it came back each source is polled once for all that was missed."""

    async def story() -> None:
        rig = Rig()
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(), SHARD)
        await asyncio.sleep(15)
        rig.may_act = False
        polls = len(rig.sources.polls)
        await asyncio.sleep(60)
        assert len(rig.sources.polls) == polls
        assert rig.worker.overdue_ms() > 40_000
        rig.may_act = True
        await asyncio.sleep(1.5)
        assert len(rig.sources.polls) == polls + 1
        await rig.end()

    run(story())


def test_who_waited_for_room_does_not_begin_without_the_right():
    """It keeps its due time, and has its turn when the right is back."""

    async def story() -> None:
        rig = Rig(in_flight_max=1)
        rig.sources.takes_s = 0.5
        rig.worker.on_claimed(SHARD)
        for number in range(4):
            rig.worker.on_source(a_source(number, status={"state": "new"}), SHARD)
        await asyncio.sleep(0.1)
        rig.may_act = False
        assert len(rig.sources.polls) == 1
        await asyncio.sleep(5)
        assert (len(rig.sources.polls), rig.worker.in_flight) == (1, 0)
        assert rig.worker.overdue_ms() >= 5_000
        rig.may_act = True
        await asyncio.sleep(2)
        assert {polled for polled, _ in rig.sources.polls} == {a_source(number).id for number in range(4)}
        await rig.end()

    run(story())


def test_what_a_hand_off_without_the_right_leaves_undone_is_the_next_owners():
    """Neither what was due nor what waited for room begins here; the moment that is given is before all of it."""

    async def story() -> None:
        rig = Rig(in_flight_max=1)
        rig.sources.takes_s = 1
        rig.worker.on_claimed(SHARD)
        for number in range(3):
            rig.worker.on_source(a_source(number, status={"state": "new"}), SHARD)
        await asyncio.sleep(0.1)
        waiting_ms = rig.now_ms() - 100
        rig.may_act = False
        rig.worker.on_poll(a_source(0).id)  # under way: it goes on
        through_ms = await rig.worker.on_giving(SHARD.number)
        assert len(rig.sources.polls) == 1
        assert through_ms < waiting_ms + 50

        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(3), SHARD)
        await asyncio.sleep(30)
        due_ms = grid_after(request(a_source(3)), 10_000, START_MS)
        assert await rig.worker.on_giving(SHARD.number) < due_ms + 100
        assert len(rig.sources.polls) == 1
        await rig.end()

    run(story())


def test_a_host_that_hangs_holds_up_nobody_else():
    """Its sources wait for each other; the others do not notice."""

    async def story() -> None:
        rig = Rig(per_host_max=2)
        rig.worker.on_claimed(SHARD)

        async def hang(watched: Watched) -> int | None:
            await asyncio.sleep(3_600 if watched.target.host.startswith("slow") else 0)
            return None

        rig.sources.act = hang
        for number in range(20):
            rig.worker.on_source(a_source(number, url=f"https://slow.example/{number}"), SHARD)
            rig.worker.on_source(a_source(100 + number), SHARD)
        await asyncio.sleep(60)
        counts = Counter(source_id for source_id, _ in rig.sources.polls)
        assert all(counts[a_source(100 + number).id] >= 5 for number in range(20))
        assert sum(counts[a_source(number).id] for number in range(20)) == 2
        assert rig.worker.overdue_ms() > 40_000
        await rig.end()

    run(story())


def test_hosts_that_hang_delay_nobody_who_answers():
    """A fifth of all hosts hang to their time-out, far more polls than there are places: the rest is on time."""

    async def story() -> None:
        rig = Rig(in_flight_max=64)
        rig.worker.on_claimed(SHARD)

        async def hang(watched: Watched) -> int | None:
            if watched.target.host.startswith("hung"):
                await asyncio.sleep(10)
                return 20_000
            return None

        rig.sources.act = hang
        for number in range(200):
            rig.worker.on_source(a_source(number, url=f"https://hung-{number}.example/"), SHARD)
        for number in range(200, 1_000):
            rig.worker.on_source(a_source(number), SHARD)
        await asyncio.sleep(120)
        lags = sorted(
            (at_ms - request(a_source(number))) % 10_000
            for number in range(200, 1_000)
            for at_ms in rig.sources.times(a_source(number).id)
        )
        assert len(lags) >= 800 * 11
        assert lags[-1] <= 100
        assert rig.worker.in_flight_slow > 0
        assert sum(len(rig.sources.times(a_source(number).id)) for number in range(200)) > 400
        await rig.end()

    run(story())


def test_sources_that_request_the_same_take_one_turn():
    """Due together, admitted once, given one answer: also where one is polled every 10 s and another every 30 s."""

    async def story() -> None:
        rig = Rig(per_host_max=1)
        rig.worker.on_claimed(SHARD)
        same = [a_source(number, url="https://one.example/", pollingInterval=10) for number in range(20)]
        rare = a_source(50, url="https://one.example/", pollingInterval=30)
        for source in (*same, rare, a_source(99, url="https://one.example/other")):
            rig.worker.on_source(source, SHARD)
        await asyncio.sleep(61)
        times = rig.sources.times(same[0].id)
        assert all(rig.sources.times(source.id) == times for source in same)
        assert set(rig.sources.times(rare.id)) <= set(times)
        assert len(rig.sources.times(rare.id)) == 2
        assert rig.sources.shared == len(times) == 6
        await rig.end()

    run(story())


def test_polls_of_one_host_keep_the_distance_that_the_share_of_shards_asks_for():
    """A worker with a quarter of the shards asks a host at a quarter of the pace that the fleet may."""

    async def story() -> None:
        rig = Rig(gap_ms=25, shards=4)
        rig.worker.on_claimed(SHARD)
        for number in range(60):
            rig.worker.on_source(a_source(number, url=f"https://one.example/{number}", status={"state": "new"}), SHARD)
        await asyncio.sleep(20)
        times = sorted(at_ms for _, at_ms in rig.sources.polls)
        assert min(later - earlier for earlier, later in pairwise(times)) >= 100
        assert len({source_id for source_id, _ in rig.sources.polls}) == 60
        await rig.end()

    run(story())


def test_overload_is_counted_and_said(caplog: pytest.LogCaptureFixture):
    """A worker that cannot keep up polls less often than it was asked to, and does not keep that to itself."""

    async def story() -> None:
        rig = Rig(in_flight_max=2)
        rig.sources.takes_s = 0.5  # 4 polls/s, and 10/s are asked for
        rig.worker.on_claimed(SHARD)
        for number in range(10):
            rig.worker.on_source(a_source(number, pollingInterval=1), SHARD)
        await asyncio.sleep(60)
        assert rig.worker.pace.overloaded
        assert rig.worker.pace.skipped["waiting"] > 300
        polled = Counter(source_id for source_id, _ in rig.sources.polls)
        assert max(polled.values()) - min(polled.values()) <= 2  # all of them are stretched alike
        rig.sources.takes_s = 0.01
        await asyncio.sleep(30)
        assert not rig.worker.pace.overloaded
        await rig.end()

    run(story())
    said = [record.message for record in caplog.records if record.name == "monitor_fleet.pace"]
    assert set(said) == {"overloaded"}


def test_due_times_that_pass_while_a_large_answer_waits_for_room_are_overload():
    """It is the worker that cannot keep up then; a source that is slow by itself overloads nobody."""

    async def waits(watched: Watched) -> None:
        watched.waited_ms = 2_400

    async def story(act: Callable[[Watched], Awaitable[int | None]] | None) -> Counter[str]:
        rig = Rig()
        rig.sources.takes_s, rig.sources.act = 2.5, act
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(pollingInterval=1), SHARD)
        await asyncio.sleep(30)
        await rig.end()
        return rig.worker.pace.skipped

    assert set(run(story(waits))) == {"waiting"}
    assert set(run(story(None))) == {"answering"}


def test_a_host_whose_answer_waited_for_room_is_not_taken_for_a_slow_one():
    """Else it would wait for its next poll behind those that hang, for our want of memory."""

    async def story(waited_ms: int) -> int:
        rig = Rig(in_flight_max=4)

        async def act(watched: Watched) -> int | None:
            if watched.target.host.startswith("hung"):
                await asyncio.sleep(10)
                return 20_000
            await asyncio.sleep(2.4)
            watched.waited_ms = waited_ms
            return None

        rig.sources.act = act
        rig.worker.on_claimed(SHARD)
        for number in range(2, 50):
            rig.worker.on_source(a_source(number, url=f"https://hung-{number}.example/"), SHARD)
        source = a_source()
        rig.worker.on_source(source, SHARD)
        await asyncio.sleep(120)
        await rig.end()
        return len(rig.sources.times(source.id))

    assert run(story(2_400)) >= 11
    assert run(story(0)) < 6


def test_a_mistake_of_ours_in_one_turn_ends_no_polling():
    """It is logged, and the source has its next turn some time later."""

    async def story() -> None:
        rig = Rig()

        async def crash(_: Watched) -> int | None:
            raise ZeroDivisionError

        rig.sources.act = crash
        rig.worker.on_claimed(SHARD)
        rig.worker.on_source(a_source(), SHARD)
        await asyncio.sleep(10 + 2.5 * CRASHED_WAIT_MS / 1_000)
        assert len(rig.sources.polls) in (2, 3)
        await rig.end()

    run(story())
