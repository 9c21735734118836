"""Workers die, come and go; what the subscriber holds stays right."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.e2e.outside import Api, Feeds, Reader

SOURCES = 50


async def test_a_killed_workers_sources_are_polled_again_by_one_worker_each(
    read_state: Callable[[], dict[str, Any]], scale: Callable[[int], None]
):
    """Within 15 s of a SIGKILL every source is polled again, about once a second, and no document is wrong."""
    scale(2)
    state = read_state()
    names = [f"k{i}" for i in range(SOURCES)]
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        for name in names:
            feeds.set(name, {"n": 0})
        ids = dict(zip(names, await asyncio.gather(*(api.register(feeds.url(name)) for name in names)), strict=True))
        await reader.follow(*ids.values())
        await until_shared(api, workers=2)

        os.kill(read_state()["pids"]["workers"]["external"][0], signal.SIGKILL)
        killed_at = time.monotonic()
        for name in names:
            feeds.set(name, {"n": 1})
        for source_id in ids.values():
            await reader.until_equal(source_id, {"n": 1}, 15 - (time.monotonic() - killed_at))

        settled_at = time.monotonic()
        await asyncio.sleep(5)  # what is counted here is real polls over real seconds
        polls = {name: sum(at > settled_at for at in feeds.polls[name]) for name in names}
        versions = [
            [f["version"] for _, f in reader.copies[i].frames if f["type"] != "subscribed"] for i in ids.values()
        ]
        await asyncio.gather(*(api.delete(source_id) for source_id in ids.values()))

    assert all(4 <= count <= 6 for count in polls.values()), polls
    assert all(seen == sorted(seen) for seen in versions), "a version fell"


async def test_three_workers_share_the_shards_within_a_minute(
    read_state: Callable[[], dict[str, Any]], scale: Callable[[int], None]
):
    """Nothing but the desired count changes, and nothing is skipped while shards change hands."""
    state = read_state()
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("steady", {"n": 0})
        source_id = await api.register(feeds.url("steady"))
        scale(3)
        three = await until_shared(api, workers=3)
        scale(2)
        two = await until_shared(api, workers=2)
        polls = feeds.polls["steady"]
        await api.delete(source_id)

    assert "plan" in {move["why"] for move in three["moves"]}
    assert "drain" in {move["why"] for move in two["moves"]}
    gaps = [after - before for before, after in itertools.pairwise(polls)]
    assert max(gaps) < 3, gaps


async def until_shared(api: Api, *, workers: int, timeout_s: float = 60) -> dict[str, Any]:
    """Wait until so many living workers own every shard between them, and each has some; gives their kind."""
    deadline = time.monotonic() + timeout_s
    while True:
        _, fleet = await api.call("GET", "/fleet")
        kind: dict[str, Any] = fleet["kinds"]["external"]
        owned = [worker["owned"] for worker in kind["workers"] if worker["state"] == "UP"]
        if len(owned) == workers and all(owned) and sum(owned) == kind["shards"] == len(kind["owners"]):
            assert kind["tasks"]["desired"] == workers, kind["tasks"]
            return kind
        assert time.monotonic() < deadline, kind
        await asyncio.sleep(0.5)
