"""Whole workers, as production runs them: a planned move is not seen by any source."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.simulation.virtual import run
from tests.simulation.whole import WholeFleet, owners

SHARDS = 8


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the workers' log out."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def at_rest(workers: int, story: Callable[[WholeFleet], Awaitable[None]], *, interval_s: int = 10) -> None:
    """Tell a story about whole workers that have come to rest."""

    async def told() -> None:
        fleet = WholeFleet(shards=SHARDS, sources_per_shard=5, interval_s=interval_s, delay_s=0.0025)
        for _ in range(workers):
            fleet.join()
        await asyncio.sleep(40)
        try:
            await story(fleet)
        finally:
            await fleet.end()

    run(told())


@pytest.mark.parametrize("interval_s", [1, 10])
def test_poll_phase_kept(interval_s: int):
    """PollPhaseKept: one joins, one leaves; every source is polled once at each of its due times, by somebody."""

    async def story(fleet: WholeFleet) -> None:
        since_ms = fleet.now_ms()
        fleet.join()
        await asyncio.sleep(30)
        await fleet.members[0].leave()
        await asyncio.sleep(30)
        assert set(owners(fleet.memory, SHARDS).values()) == {"w1", "w2"}
        assert len(fleet.stopped_s) >= SHARDS // 2
        assert fleet.off_the_grid(since_ms, fleet.now_ms() - 1_000) == []

    at_rest(2, story, interval_s=interval_s)


def test_a_handed_over_shard_is_ready_within_half_a_second():
    """The target listens before anything is given, and is told what came."""

    async def story(fleet: WholeFleet) -> None:
        fleet.stopped_s.clear()
        fleet.join()
        await asyncio.sleep(30)
        gaps_s = fleet.gaps_s()
        assert len(gaps_s) >= 2
        assert max(gaps_s) <= 0.5

    at_rest(2, story)


def test_drain_within():
    """DrainWithin(10 s): whoever is told to leave has gone by then, and by its own row."""

    async def story(fleet: WholeFleet) -> None:
        began_s = asyncio.get_running_loop().time()
        await fleet.members[0].leave()
        assert asyncio.get_running_loop().time() - began_s <= 10
        assert set(owners(fleet.memory, SHARDS).values()) == {"w1"}

    at_rest(2, story)


def test_a_killed_workers_sources_are_polled_again():
    """With the last due time that nobody served made up for."""

    async def story(fleet: WholeFleet) -> None:
        fleet.members[0].kill()
        await asyncio.sleep(12)
        silent = [name for name, at_ms in fleet.polls.items() if at_ms[-1] < fleet.now_ms() - 10_500]
        assert silent == []

    at_rest(3, story)
