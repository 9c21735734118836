"""What a worker is told of its sources: in virtual time, over the tables in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from contracts.kinds import SourceType
from contracts.source import Source
from contracts.table import fleet, sources
from contracts.table.fleet import Shard
from contracts.table.values import write_item
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.catalog import LOAD_AGAIN_S, LOADS_AT_ONCE_MAX, READ_TIMEOUT_S, Catalog
from monitor_fleet.errors import Ambiguous
from tests.simulation.virtual import run

KIND = SourceType.EXTERNAL
MINE, OTHERS = Shard(number=1, owner="me", epoch=1), Shard(number=2)
#: Longer than anybody waits for an answer.
HANGS_S = 2 * READ_TIMEOUT_S


class Desk:
    """The tables, a catalog over them, and what it told."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.store = Interrupted(self.memory)
        self.told: list[tuple[Any, ...]] = []
        self._entry = 0
        self.catalog = Catalog(
            tables=NAMES, kind=KIND, store=self.store,
            on_source=lambda source, shard: self.told.append((source.id, source.revision, shard.epoch)),
            on_gone=lambda source_id: self.told.append((source_id, "gone")),
            on_poll=lambda source_id: self.told.append((source_id, "poll")),
        )  # fmt: skip

    def edit(self, source_id: str, act: str = "put", *, shard: int = 1, revision: int = 1) -> None:
        """Change the configuration as the API does, but for the conditions."""
        source = Source(
            id=source_id, name="x", url="https://example.com", shard=shard, revision=revision, incarnation="i",
            createdAt="", lastUpdated="",
        )  # fmt: skip
        self._entry += 1
        if act == "put":
            self.memory.put_item(TableName=NAMES.data_sources, Item=write_item(source.item()))
            self.memory.put_item(**fleet.put_member(NAMES.fleet, KIND, shard, source_id, revision=revision))
        elif act == "delete":
            self.memory.delete_item(**sources.delete(NAMES.data_sources, source_id, revision=revision))
            self.memory.delete_item(**fleet.delete_member(NAMES.fleet, KIND, shard, source_id))
        self.memory.update_item(**fleet.bump_counter(NAMES.fleet, KIND, seen=self._entry - 1))
        log = fleet.put_log(
            NAMES.fleet, KIND, self._entry, source_id=source_id, shard=shard, act=act, revision=revision, at_ms=0
        )
        self.memory.put_item(**log)


class Interrupted(MemoryStore):
    """The store in memory; `meanwhile` happens once, between a read and its answer, and `fails` so many requests."""

    meanwhile: Callable[[], None] | None = None
    fails = 0
    #: Shards whose members cannot be read: each try hangs until its time is up.
    unreadable: frozenset[int] = frozenset()

    async def query(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Query, and let something happen."""
        if self.fails:
            self.fails -= 1
            raise Ambiguous("no answer")
        if request in [fleet.members(NAMES.fleet, KIND, number) for number in self.unreadable]:
            await asyncio.sleep(HANGS_S)
        answer = await super().query(request)
        act, self.meanwhile = self.meanwhile, None
        if act:
            act()
        return answer


def with_desk(story: Callable[[Desk], Awaitable[None]]) -> None:
    """Run a catalog while a story is told."""

    async def told() -> None:
        desk = Desk()
        following = asyncio.create_task(desk.catalog.run())
        await asyncio.sleep(0.1)
        try:
            await story(desk)
        finally:
            following.cancel()
            await asyncio.wait([following])

    run(told())


def test_a_claimed_shards_sources_are_told_at_once():
    """Each with the epoch that it is polled under; those of other shards are not read."""

    async def story(desk: Desk) -> None:
        desk.edit("s1", revision=3)
        desk.edit("s2", shard=2)
        desk.catalog.follow(MINE)
        await asyncio.sleep(0.1)

        assert desk.told == [("s1", 3, 1)]

    with_desk(story)


def test_an_edit_is_told_within_a_second_and_only_that():
    """Nothing else is read again."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        desk.edit("s2")
        desk.catalog.follow(MINE)
        await asyncio.sleep(1.5)
        desk.told.clear()
        desk.edit("s1", revision=2)
        desk.edit("s3")
        desk.edit("other", shard=2)
        await asyncio.sleep(1.1)

        assert sorted(desk.told) == [("s1", 2, 1), ("s3", 1, 1)]

    with_desk(story)


def test_a_deleted_source_is_gone_and_a_wish_is_passed_on():
    """The log says which; the row says how it is."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        desk.edit("s2")
        desk.catalog.follow(MINE)
        await asyncio.sleep(1.5)
        desk.told.clear()
        desk.edit("s1", "delete")
        desk.edit("s2", "poll")
        desk.edit("other", "poll", shard=2)
        await asyncio.sleep(1.1)

        assert desk.told == [("s1", "gone"), ("s2", "poll")]

    with_desk(story)


def test_a_wish_for_a_source_that_is_being_loaded_waits_for_it():
    """Said before the source is known, it would be lost."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        await asyncio.sleep(1.5)
        desk.store.fails = 2
        desk.catalog.follow(MINE)
        desk.edit("s1", "poll")
        await asyncio.sleep(3)

        assert desk.told == [("s1", 1, 1), ("s1", "poll")]

    with_desk(story)


def test_what_is_edited_while_its_shard_is_loaded_is_told():
    """The source joins after the members were read: only the log knows of it."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        await asyncio.sleep(1.5)
        desk.store.meanwhile = lambda: desk.edit("s2")
        desk.catalog.follow(MINE)
        await asyncio.sleep(1.5)

        assert sorted(desk.told) == [("s1", 1, 1), ("s2", 1, 1)]

    with_desk(story)


def test_a_shard_that_was_lost_is_told_of_no_more():
    """Not even if it was being loaded."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        desk.store.meanwhile = lambda: desk.catalog.drop(1)
        desk.catalog.follow(MINE)
        await asyncio.sleep(0.5)
        desk.edit("s1", revision=2)
        await asyncio.sleep(1.5)

        assert desk.told == []

    with_desk(story)


def test_a_shard_claimed_again_is_told_under_its_new_epoch():
    """What was read for the old one is dropped."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        again = Shard(number=1, owner="me", epoch=3)
        desk.store.meanwhile = lambda: desk.catalog.follow(again)
        desk.catalog.follow(MINE)
        await asyncio.sleep(0.3)

        assert desk.told == [("s1", 1, 3)]

    with_desk(story)


def test_a_store_that_fails_is_asked_again():
    """Nothing is passed over: the log is read from where it was understood."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        await asyncio.sleep(1.5)
        desk.store.fails = 1
        desk.catalog.follow(MINE)
        await asyncio.sleep(1.5)
        assert desk.told == [("s1", 1, 1)]

        desk.store.fails = 2
        desk.edit("s1", revision=2)
        await asyncio.sleep(3.5)
        assert desk.told[1:] == [("s1", 2, 1)]

    with_desk(story)


def test_a_shard_that_cannot_be_read_holds_no_other_up():
    """It costs one of the places that shards are loaded in: all but one of them may hang, and the rest is loaded."""

    async def story(desk: Desk) -> None:
        stuck, well = range(LOADS_AT_ONCE_MAX - 1), range(100, 200)
        for shard in (*stuck, *well):
            desk.edit(f"s{shard}", shard=shard)
        await asyncio.sleep(1)
        desk.store.unreadable = frozenset(stuck)
        for shard in (*stuck, *well[:50]):
            desk.catalog.follow(Shard(number=shard))
        await asyncio.sleep(0.1)
        assert {told[0] for told in desk.told} == {f"s{shard}" for shard in well[:50]}

        for shard in well[50:]:  # while those are tried in vain
            desk.catalog.follow(Shard(number=shard))
        await asyncio.sleep(0.1)
        assert {told[0] for told in desk.told} == {f"s{shard}" for shard in well}

        desk.store.unreadable = frozenset()
        await asyncio.sleep(HANGS_S)
        assert sorted(told[0] for told in desk.told) == sorted(f"s{shard}" for shard in (*stuck, *well))

    with_desk(story)


def test_shards_that_cannot_be_read_give_their_places_up_by_turns():
    """As many as there are places, and each only for as long as one try takes: those behind them have theirs then."""

    async def story(desk: Desk) -> None:
        stuck, well = range(LOADS_AT_ONCE_MAX), range(100, 103)
        for shard in (*stuck, *well):
            desk.edit(f"s{shard}", shard=shard)
        await asyncio.sleep(1)
        desk.store.unreadable = frozenset(stuck)
        for shard in (*stuck, *well):
            desk.catalog.follow(Shard(number=shard))
        await asyncio.sleep(READ_TIMEOUT_S + LOAD_AGAIN_S + 0.1)

        assert {told[0] for told in desk.told} == {f"s{shard}" for shard in well}

    with_desk(story)


def test_a_shard_that_is_followed_twice_is_loaded_once():
    """A claim may be told of twice, and its shard be dropped in between."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        await asyncio.sleep(1)
        desk.catalog.follow(MINE)
        desk.catalog.drop(1)
        desk.catalog.follow(MINE)
        await asyncio.sleep(0.1)
        assert desk.told == [("s1", 1, 1)]

        desk.edit("s1", revision=2)
        await asyncio.sleep(1)
        assert desk.told[1:] == [("s1", 2, 1)]

    with_desk(story)


def test_a_row_that_cannot_be_read_is_a_source_that_is_gone():
    """A newer program's row must not stop this one."""

    async def story(desk: Desk) -> None:
        desk.edit("s1")
        await asyncio.sleep(1.5)
        desk.catalog.follow(MINE)
        await asyncio.sleep(1.5)
        desk.edit("s1", revision=2)
        desk.memory.update_item(
            TableName=NAMES.data_sources, Key=write_item({"id": "s1"}), UpdateExpression="SET shape = :new",
            ExpressionAttributeValues={":new": {"S": "new"}},
        )  # fmt: skip
        await asyncio.sleep(1.1)

        assert desk.told == [("s1", 1, 1), ("s1", "gone")]

    with_desk(story)
