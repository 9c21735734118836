"""Work in another process, and what happens when that process dies."""

import os
from collections.abc import AsyncIterator

import pytest

from fetching.document import Document, Reading, read
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
