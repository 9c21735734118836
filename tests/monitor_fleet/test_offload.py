"""Work in another process, and what happens when that process dies."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from fetching.document import Document, Reading, read
from monitor_fleet import offload
from monitor_fleet.offload import MEMORY_BYTES_MAX, OffloadFailed, Pool, TakesTooMuch


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """Give a pool of one process."""
    given = Pool(processes=1)
    yield given
    given.close()


async def test_work_is_done_elsewhere_and_its_errors_come_back(pool: Pool):
    """The poll's own functions are picklable, arguments and results too."""
    assert await pool(os.getpid) != os.getpid()
    assert isinstance(await pool(read, b"<a/>", "application/xml", Reading(format="xml")), Document)
    with pytest.raises(ZeroDivisionError):
        await pool(divmod, 1, 0)


async def test_work_that_takes_too_much_ends_with_an_error_and_no_process_with_it(pool: Pool):
    """A selector can make gigabytes of a few kilobytes; killed by the kernel, the whole worker could be what goes."""
    before = await pool(os.getpid)
    with pytest.raises(TakesTooMuch):
        await pool(bytearray, MEMORY_BYTES_MAX)
    many = Reading(selector="[" + ",".join(["@"] * 400) + "][]")
    with pytest.raises(TakesTooMuch):
        await pool(read, b"[" + b"1," * 400_000 + b"1]", "", many)
    assert await pool(os.getpid) == before


async def test_work_that_takes_too_long_ends_with_an_error_and_the_process_goes_on():
    """Two selectors that never come to an end would keep every large document of every other source waiting."""
    pool = Pool(processes=1, cpu_s_max=0.1)
    before = await pool(os.getpid)
    with pytest.raises(TakesTooMuch, match=r"more than 0\.1 s of CPU"):
        await pool(exec, "while True: pass")
    assert await pool(os.getpid) == before
    pool.close()


async def test_a_process_that_dies_is_replaced(pool: Pool):
    """One document that kills its reader must not end the worker's reading."""
    with pytest.raises(OffloadFailed):
        await pool(os._exit, 1)
    assert await pool(divmod, 7, 2) == (3, 1)


class ByHand(Executor):
    """Processes whose works end when the test says so."""

    def __init__(self) -> None:
        self.works: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Begin a work."""
        self.works.append(Future())
        return self.works[-1]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End, and the works that have not begun with it."""
        assert (wait, cancel_futures) == (False, True)
        for work in self.works:
            work.cancel()


async def test_who_hears_late_of_a_process_that_died_leaves_its_successor_alone(monkeypatch: pytest.MonkeyPatch):
    """Else it would end the work that others gave to the new one meanwhile, and their polls with it."""
    first, second = executors = [ByHand(), ByHand()]
    monkeypatch.setattr(Pool, "_start", lambda _: executors.pop(0))
    pool, died = Pool(), BrokenProcessPool("a process died")
    early, late = asyncio.create_task(pool(divmod, 7, 2)), asyncio.create_task(pool(divmod, 7, 2))
    await asyncio.sleep(0)
    for work in first.works:
        work.set_running_or_notify_cancel()
    first.works[0].set_exception(died)
    with pytest.raises(OffloadFailed):
        await early
    others = asyncio.create_task(pool(divmod, 7, 2))
    await asyncio.sleep(0)
    first.works[1].set_exception(died)
    with pytest.raises(OffloadFailed):
        await late
    second.works[0].set_result((3, 1))
    assert await others == (3, 1)


def test_time_that_ends_just_as_the_work_does_is_the_works_too_late(monkeypatch: pytest.MonkeyPatch):
    """What signals that must not leave the process: no poll expects it, and its source would never be asked again."""

    def stops_late(_: int, seconds: float) -> None:
        if not seconds:
            raise offload._OutOfTime

    monkeypatch.setattr(signal, "setitimer", stops_late)
    with pytest.raises(TakesTooMuch):
        offload._call(divmod, (7, 2), {}, cpu_s_max=1)
