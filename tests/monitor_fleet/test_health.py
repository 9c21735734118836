"""What ECS asks before it ends a task."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from monitor_fleet import health
from monitor_fleet.health import UNRENEWED_MAX_MS
from monitor_fleet.reading import Reading
from tests.monitor_fleet.test_meter import IDLE

WELL = replace(IDLE, heartbeat_age_ms=1_900)

type Ask = Callable[[Reading], Any]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Ask a worker that reads so how it is."""
    shown = [WELL]
    runner = await health.serve(lambda: shown[0], port=0)
    async with aiohttp.ClientSession() as http:

        async def get(reading: Reading) -> tuple[int, dict[str, Any]]:
            shown[0] = reading
            async with http.get(f"http://127.0.0.1:{runner.addresses[0][1]}{health.PATH}") as reply:
                return reply.status, await reply.json()

        yield get
    await runner.cleanup()


async def test_a_worker_shows_what_it_does(ask: Ask):
    """For a person at its port."""
    status, shown = await ask(WELL)

    assert status == 200
    assert (shown["worker"], shown["heartbeatAgeMs"], shown["polls"]) == ("w", 1_900, {})


async def test_an_outage_of_the_tables_is_no_illness(ask: Ask):
    """Every worker's right lapses then; ended for it, all would come back at once, and with nothing."""
    status, shown = await ask(replace(WELL, may_act=False, heartbeat_age_ms=300_000))

    assert (status, shown["mayAct"]) == (200, False)


@pytest.mark.parametrize(
    "ill",
    [
        replace(WELL, may_act=False, heartbeat_age_ms=None),
        replace(WELL, may_act=False, heartbeat_age_ms=UNRENEWED_MAX_MS + 1),
        replace(WELL, is_ticking=False),
    ],
    ids=["never let in", "shut out for long", "stuck"],
)
async def test_who_does_nothing_that_another_would_not_do_better_is_ill(ask: Ask, ill: Reading):
    """A deployment that cannot start is rolled back by it, and a worker that is stuck is replaced."""
    status, _ = await ask(ill)

    assert status == 503
