"""Sources are lost and come back: their followers end with what was saved, and follow on."""

import asyncio
import hashlib
import json
import random
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from local.backup import backup
from local.backup_file import Backup
from local.past import as_of
from local.reach import Reach
from local.restore import restore
from tests.e2e.outside import Api, Feeds, Reader

#: Over what a table's item holds, even gzipped.
LARGE = {"rows": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(16_000)]}


async def test_a_deleted_source_comes_back_and_who_resumes_has_exactly_it(
    state: dict[str, Any], folder: Path, tmp_path: Path
):
    """Its feed is down meanwhile: what the subscriber gets can only be what was saved, with its history and its key."""
    file = tmp_path / "b.gz"
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("kept", {"n": 0, "big": 2**60})
        feeds.set("large", LARGE)
        kept = await api.register(feeds.url("kept"), apiKey="k-e-y")
        large = await api.register(feeds.url("large"))
        async with Reader.connected(state) as reader:
            await reader.ask(action="subscribe", sourceId=kept)
            for step in range(4):
                feeds.set("kept", {"n": step, "big": 2**60 + step})
                await reader.until_equal(kept, {"n": step, "big": 2**60 + step})
            held = reader.copies[kept].position
        await until_data(api, large)
        await asyncio.to_thread(save, folder, file)
        for name, source_id in (("kept", kept), ("large", large)):
            del feeds.documents[name]
            await api.delete(source_id)

        done = await asyncio.to_thread(put_back, folder, file)

        assert done["restored"] == 2
        assert "its key must be set again" not in done
        assert held is not None
        async with Reader.connected(state) as reader:
            await reader.ask(action="resume", positions={kept: list(held)})
            await reader.until_equal(kept, {"n": 3, "big": 2**60 + 3})
            renewed = reader.copies[kept].position
            assert await until_data(api, large) == LARGE
            feeds.set("kept", {"n": 4, "big": 2**60 + 4})
            await reader.until_equal(kept, {"n": 4, "big": 2**60 + 4}, 60)
            followed = reader.copies[kept].position
        keys = {headers.get("X-API-Key") for headers in feeds.headers["kept"]}
        for source_id in (kept, large):
            await api.delete(source_id)

    assert renewed is not None
    assert renewed[0] != held[0]
    assert renewed[1] == held[1]
    assert followed == (renewed[0], renewed[1] + 1)
    assert keys == {"k-e-y"}


async def test_replacing_a_living_source_reaches_whoever_follows_it(
    state: dict[str, Any], folder: Path, tmp_path: Path
):
    """A snapshot of what was saved, whatever the worker has in flight; then the worker goes on from there."""
    file = tmp_path / "b.gz"
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("lives", {"n": 0})
        source_id = await api.register(feeds.url("lives"))
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until_equal(source_id, {"n": 0})
        await asyncio.to_thread(save, folder, file)
        feeds.set("lives", {"n": 1})
        await reader.until_equal(source_id, {"n": 1})
        before = reader.copies[source_id].position
        del feeds.documents["lives"]

        done = await asyncio.to_thread(put_back, folder, file, replaces=True)

        assert done["replaced"] >= 1
        await reader.until_equal(source_id, {"n": 0})
        after = reader.copies[source_id].position
        feeds.set("lives", {"n": 2})
        await reader.until_equal(source_id, {"n": 2}, 60)
        await api.delete(source_id)

    assert before is not None
    assert after is not None
    assert after[0] != before[0]


async def test_a_backup_of_the_past_brings_a_deleted_source_back_as_it_was_then(
    state: dict[str, Any], folder: Path, tmp_path: Path
):
    """Of tables made beside those that the stack goes on with; here they are a copy of now, which is soon past."""
    file, stack = tmp_path / "then.gz", Reach.of_folder(folder)
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("past", {"n": 0})
        source_id = await api.register(feeds.url("past"))
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until_equal(source_id, {"n": 0})
        tables = table_names(stack)
        with ExitStack() as until_read:
            then = await asyncio.to_thread(until_read.enter_context, as_of(stack, datetime.now(UTC)))
            feeds.set("past", {"n": 1})
            await reader.until_equal(source_id, {"n": 1})
            await asyncio.to_thread(backup, then, file, now_ms=now_ms())
        del feeds.documents["past"]
        await api.delete(source_id)

        await asyncio.to_thread(put_back, folder, file)

        assert await until_data(api, source_id) == {"n": 0}
        await api.delete(source_id)
    assert table_names(stack) == tables


def table_names(stack: Reach) -> list[str]:
    """List what tables there are."""
    return list(stack.dynamodb.list_tables()["TableNames"])


def save(folder: Path, file: Path) -> None:
    """Do what `make backup` does."""
    backup(Reach.of_folder(folder), file, now_ms=now_ms())


def put_back(folder: Path, file: Path, *, replaces: bool = False) -> dict[str, int]:
    """Do what `make restore` does."""
    done = restore(
        Reach.of_folder(folder),
        Backup.open(file),
        replaces=replaces,
        now_ms=now_ms,
        chance=random.SystemRandom(),
        pause=time.sleep,
    )
    return dict(done)


def now_ms() -> int:
    """Tell the time."""
    return time.time_ns() // 1_000_000


async def until_data(api: Api, source_id: str) -> Any:
    """Wait until a source has a document, and give it."""
    async with asyncio.timeout(30):
        while True:
            status, answer = await api.call("GET", f"/datasources/{source_id}/data")
            if status == 200:
                break
            await asyncio.sleep(0.2)
    if "ref" not in answer:
        return answer
    async with aiohttp.ClientSession() as session, session.get(answer["ref"]["url"]) as fetched:
        return json.loads(await fetched.read())
