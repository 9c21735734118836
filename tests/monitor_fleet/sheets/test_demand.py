"""What all workers wish for is summed up once a minute, by whichever of them."""

import asyncio
import json
from typing import Any

from contracts.clock import MINUTE_MS
from contracts.table import google_demand, google_quota
from contracts.table.google_demand import Summary
from contracts.table.google_quota import Wish
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.errors import Refused
from monitor_fleet.sheets.demand import DemandWriter
from monitor_fleet.sheets.key_book import KeyBook
from tests.fetching.sheets.google import START_MS, Wall

EMAILS = ["one@example.iam.gserviceaccount.com", "other@example.iam.gserviceaccount.com"]


def key(email: str) -> dict[str, str]:
    """Make what looks like a key."""
    fields = {"private_key": "p", "private_key_id": "i", "token_uri": "https://t", "project_id": "example"}
    return {"type": "service_account", "client_email": email} | fields


async def a_writer(store: MemoryStore, wall: Wall) -> DemandWriter:
    """Make one that knows both accounts."""

    async def secret() -> str:
        return json.dumps([key(email) for email in EMAILS])

    keys = KeyBook(secret, now_ms=wall)
    await keys.accounts()
    return DemandWriter(
        store=store, table=NAMES.budget, keys=keys, now_ms=wall, sleep=asyncio.sleep, reads_per_minute=lambda _: 60
    )


async def known(store: MemoryStore) -> Summary:
    """Read the summary."""
    return Summary.read(await store.get(google_demand.get(NAMES.budget)))


async def reserve(store: MemoryStore, worker: str, reads: float, at_ms: int) -> None:
    """Let a worker speak for reads of the first account."""
    wish = Wish(worker=worker, reads_per_minute=reads, at_ms=at_ms)
    ask: Any = {"span_ms": 1_000, "earliest_ms": at_ms}
    try:
        await store.update(google_quota.restart(NAMES.budget, EMAILS[0], wish, **ask))
    except Refused:
        await store.update(google_quota.reserve(NAMES.budget, EMAILS[0], wish, **ask))


async def test_the_wishes_of_all_living_workers_are_summed_up():
    """Nobody reads by the second account."""
    store, wall = MemoryStore(Memory()), Wall()
    for worker, reads, at_ms in (("w1", 40.5, wall.ms), ("w2", 60.0, wall.ms), ("gone", 99.0, wall.ms - 3 * MINUTE_MS)):
        await reserve(store, worker, reads, at_ms)
    await (await a_writer(store, wall)).sum_up()
    summary = await known(store)
    assert summary.at_ms == START_MS
    assert [(one.email, one.wished, round(one.granted, 1)) for one in summary.demands] == [
        (EMAILS[0], 100.5, 57.9), (EMAILS[1], 0, 57.9),
    ]  # fmt: skip


async def test_it_is_written_at_most_once_a_minute_by_all_together():
    """What was registered meanwhile is among the wishes then."""
    store, wall = MemoryStore(Memory()), Wall()
    writers = [await a_writer(store, wall) for _ in range(4)]
    for writer in writers:
        await writer.sum_up()
    await store.update(google_demand.add(NAMES.budget, 6, at_ms=wall.ms))
    wall.ms += MINUTE_MS - 1
    await writers[1].sum_up()
    assert await known(store) == Summary(at_ms=START_MS, demands=(await known(store)).demands, added=6)
    wall.ms += 1
    await asyncio.gather(*(writer.sum_up() for writer in writers))
    assert ((await known(store)).at_ms, (await known(store)).added) == (START_MS + MINUTE_MS, 0)


async def test_without_an_account_there_is_nothing_to_say():
    """An empty summary would hide what was registered."""
    store, wall = MemoryStore(Memory()), Wall()

    async def nothing() -> None:
        return None

    writer = DemandWriter(
        store=store, table=NAMES.budget, keys=KeyBook(nothing, now_ms=wall), now_ms=wall, sleep=asyncio.sleep,
        reads_per_minute=lambda _: 60,
    )  # fmt: skip
    await writer.sum_up()
    assert await store.get(google_demand.get(NAMES.budget)) is None
