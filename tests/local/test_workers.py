"""Worker processes are held to a count as ECS holds its tasks. The processes are real and small."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from local.task import Task
from local.workers import Workers

SOON_S = 60
OBEYS = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done"
IGNORES = "trap '' TERM; echo ready; while :; do sleep 0.02; done"
NEEDS_TWO = "trap 'trap \"exit 0\" TERM; echo told' TERM; echo ready; while :; do sleep 0.02; done"
FAILS = "echo something is wrong; exit 3"


class World:
    """Workers of one script, with a clock that the test moves."""

    def __init__(self, folder: Path, script: str, stop_timeout_s: float = SOON_S) -> None:
        self.at_s, self.said = 1_000.0, list[str]()
        self.folder = folder
        task = Task(command=("/bin/sh", "-c", script), environment={}, role_arn="", stop_timeout_s=stop_timeout_s)
        self.workers = Workers(
            kind="external", task=task, environment={"PATH": os.defpath}, root=folder, logs=folder,
            say=self.said.append, now_s=lambda: self.at_s,
        )  # fmt: skip

    async def start(self, count: int) -> tuple[int, ...]:
        """Hold a count, and wait until each process says that it is ready."""
        self.workers.hold(count)
        await until(lambda: all("ready" in self.log(number) for number in range(1, count + 1)))
        return self.workers.pids()

    def held(self, count: int) -> tuple[int, ...]:
        """Hold a count once; who runs then."""
        self.workers.hold(count)
        return self.workers.pids()

    def log(self, number: int) -> str:
        """Read what a worker wrote."""
        return (self.folder / f"external-{number}.log").read_text()


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., World]]:
    """Make worlds; nothing of them stays."""
    made: list[World] = []

    def one(script: str, **given: float) -> World:
        made.append(World(tmp_path, script, **given))
        return made[-1]

    yield one
    for world in made:
        await world.workers.stop_all(timeout_s=0.1)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a process to do something."""
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_worker_is_started_again_later_each_time(make: Callable[..., World]):
    """In its own place, under its own name, and nobody else is touched."""
    world = make(OBEYS)
    first, second = await world.start(2)

    for waits_s in (0.5, 1.0):
        os.kill(world.workers.pids()[0], signal.SIGKILL)
        await until(lambda: world.held(2) == (second,))
        world.at_s += waits_s - 0.01
        world.workers.hold(2)
        assert world.workers.pids() == (second,)
        world.at_s += 0.02
        world.workers.hold(2)
        assert len(world.workers.pids()) == 2

    assert first not in world.workers.pids()
    assert world.said == [
        "external-1 was ended by SIGKILL; started again in 0.5 s",
        "external-1 was ended by SIGKILL; started again in 1 s",
    ]


async def test_a_worker_that_fails_by_itself_says_why(make: Callable[..., World]):
    """The end of its log is what an operator would look for."""
    world = make(FAILS)
    world.workers.hold(1)
    await until(lambda: not world.held(1))

    assert world.said == [
        "external-1 ended with 3; started again in 0.5 s",
        "external-1 | something is wrong",
    ]


async def test_a_scale_in_tells_the_newest_to_end_and_takes_back_no_name_before(make: Callable[..., World]):
    """It hands its shards over meanwhile; a new one beside it gets another number."""
    world = make(NEEDS_TWO)
    (oldest,) = await world.start(1)
    world.at_s += 1
    await world.start(2)
    world.workers.hold(1)
    await until(lambda: "told" in world.log(2))

    world.workers.hold(2)
    await until((world.folder / "external-3.log").exists)
    assert world.workers.pids()[0] == oldest
    assert not world.said


async def test_a_worker_that_does_not_end_is_killed_after_its_tasks_stop_timeout(make: Callable[..., World]):
    """As on ECS; it is told, as its shards are then claimed instead of given."""
    world = make(IGNORES, stop_timeout_s=0.2)
    (pid,) = await world.start(1)
    world.workers.hold(0)
    await until(lambda: bool(world.said))

    assert world.said == ["external-1 did not end within 0.2 s and was killed"]
    assert not is_alive(pid)


async def test_when_everything_ends_nobody_waits_for_hand_overs(make: Callable[..., World]):
    """Those that run and those that hand over already are told a second time, which means at once."""
    world = make(NEEDS_TWO)
    pids = await world.start(2)
    world.workers.hold(1)
    await until(lambda: "told" in world.log(1) + world.log(2))

    await world.workers.stop_all(timeout_s=SOON_S)
    assert not any(is_alive(pid) for pid in pids)
    assert (world.workers.pids(), world.said) == ((), [])
