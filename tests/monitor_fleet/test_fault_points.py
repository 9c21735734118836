"""
A worker meets trouble at every single one of its writes, from the first to the last of a source's way to a client.

Each test lives the same story (register, poll, commit, notify, change, edit of the feed) once per write; the client
must hold the right document in the end, with no version missing and none twice.
"""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest

from contracts.bodies import ITEM_BYTES_MAX
from monitor_fleet.errors import Ambiguous, StoreError, Throttled
from tests.e2e.faults_line import Fault, Line, die_after, die_before, die_late, late, lost, throttled, unanswered
from tests.e2e.faults_world import Worker, World
from tests.simulation.virtual import run

DOCUMENTS = [{"n": n, "rows": [{"id": i, "v": i * n} for i in range(3 + n)]} for n in range(1, 5)]
#: Does not compress, so that no item of a table can hold it.
NOISE = random.Random(3).randbytes(ITEM_BYTES_MAX).hex()
LARGE_DOCUMENTS = [DOCUMENTS[0], {"n": 2, "noise": NOISE}, {"n": 3, "noise": NOISE}]
DEATHS = [die_before, die_after, die_late]
TROUBLES = [lost, unanswered, late, throttled]
#: A death is noticed after 6 s; a fault that is not one costs a time-out and some patience.
RIGHT_AGAIN_S = 40.0


@pytest.fixture
def executor() -> Iterator[Executor]:
    """Give the Lambda's threads."""
    with ThreadPoolExecutor(1) as threads:
        yield threads


async def story(world: World, documents: Sequence[Any], *, fault: Callable[[Line], None]) -> Worker:
    """Live the story with one worker; if it dies, another joins a second later."""
    world.register()
    worker = world.join()
    worker.on_death = lambda: asyncio.get_running_loop().call_later(1, world.join)
    fault(worker.line)
    for document in documents[:-1]:
        world.document = document
        await asyncio.sleep(5)
    world.document = documents[-1]
    await world.until_right(RIGHT_AGAIN_S)
    world.check_history()
    return worker


def lives(
    executor: Executor,
    documents: Sequence[Any],
    *,
    dies: bool = False,
    fault: Callable[[Line], None] = lambda _: None,
) -> list[str]:
    """Live one story on a loop of its own; give what its first worker wrote."""

    async def life() -> list[str]:
        world = World(documents[0], executor)
        worker = await story(world, documents, fault=fault)
        assert worker.line.is_cut == dies
        await world.end()
        return worker.line.writes

    return run(life())


def each_write(executor: Executor, trouble: Fault) -> None:
    """Live the story once per write, with the trouble there."""
    writes = lives(executor, DOCUMENTS)
    assert {
        "data.put",
        "data.transact",
        "queue.publish change",
        "queue.publish status",
        "lease.put",
        "lease.transact",
    } <= set(writes)
    for n, write in enumerate(writes, 1):
        meets(executor, DOCUMENTS, trouble, n, write)


def meets(executor: Executor, documents: Sequence[Any], trouble: Fault, n: int, write: str) -> None:
    """Live the story with the trouble at the nth write."""

    def fault(line: Line) -> None:
        line.faults[n] = trouble

    try:
        lives(executor, documents, dies=trouble in DEATHS, fault=fault)
    except AssertionError as error:
        raise AssertionError(f"{trouble.__name__} at write {n} ({write}): {error}") from error


@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_may_die_between_any_two_writes(executor: Executor, death: Fault):
    """The next owner finds whatever was half done, finishes it, and goes on from there."""
    each_write(executor, death)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_any_write_may_be_lost_unanswered_late_or_throttled(executor: Executor, trouble: Fault):
    """The living worker does not guess: it fences again, and a copy that lands later is refused."""
    each_write(executor, trouble)


@pytest.mark.parametrize("trouble", [*DEATHS, *TROUBLES])
def test_the_same_of_documents_that_lie_in_the_bucket(executor: Executor, trouble: Fault):
    """Its answers are another service's: the head must name no object that is not there, nor a half written one."""
    writes = lives(executor, LARGE_DOCUMENTS)
    puts = [n for n, write in enumerate(writes, 1) if write == "bucket.put"]

    assert len(puts) == len(LARGE_DOCUMENTS) - 1
    for n in puts:
        meets(executor, LARGE_DOCUMENTS, trouble, n, "bucket.put")


@pytest.mark.parametrize("error", [Ambiguous("no answer"), Throttled("slow down")])
def test_the_queue_may_be_away_for_a_minute(executor: Executor, error: StoreError):
    """The worker polls and commits on, asks now and then, and in the end tells only the newest."""

    async def life() -> None:
        world = World(DOCUMENTS[0], executor)
        world.register()
        worker = world.join()
        await world.until_right(RIGHT_AGAIN_S)
        worker.line.away["queue"] = error
        sent, versions = world.queue.sent, len(world.seen)
        for n in range(60):
            world.document = {"n": n}
            await asyncio.sleep(1)
        assert (world.queue.sent, len(world.seen), world.head().notified) == (sent, versions, 1)
        assert world.head().version == 61
        assert 10 <= worker.line.refused <= 60  # it asks at least every 5 s, and does not storm
        worker.line.away.clear()
        await world.until_right(6)
        assert (world.queue.sent, len(world.seen)) == (sent + 1, versions + 1)
        world.check_history()
        await world.end()

    run(life())


@pytest.mark.parametrize("parts", [("data",), ("data", "lease")])
@pytest.mark.parametrize("error", [Throttled("ProvisionedThroughputExceededException"), Ambiguous("no answer")])
def test_the_tables_may_throttle_for_a_minute(executor: Executor, error: StoreError, parts: tuple[str, ...]):
    """Nothing wrong is written or told meanwhile, the source is not blamed, and afterwards all goes on by itself."""

    async def life() -> None:
        world = World(DOCUMENTS[0], executor)
        world.register()
        worker = world.join()
        await world.until_right(RIGHT_AGAIN_S)
        worker.line.away |= dict.fromkeys(parts, error)
        world.document = DOCUMENTS[1]
        await asyncio.sleep(30)
        world.document = DOCUMENTS[2]
        await asyncio.sleep(30)
        assert world.head().version == 1
        worker.line.away.clear()
        await world.until_right(15)
        assert world.head().version == 2  # what was there in between was never committed
        world.check_history()
        await world.end()

    run(life())
