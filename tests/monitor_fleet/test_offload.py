"""Work in another process, and what happens when that process dies."""

import os
from collections.abc import AsyncIterator

import pytest

from fetching.document import Document, Reading, read
from monitor_fleet.offload import OffloadFailed, Pool


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


async def test_a_process_that_dies_is_replaced(pool: Pool):
    """One document that kills its reader must not end the worker's reading."""
    with pytest.raises(OffloadFailed):
        await pool(os._exit, 1)
    assert await pool(divmod, 7, 2) == (3, 1)
