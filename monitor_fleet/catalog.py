"""
Which sources there are in the shards this worker follows, and how each is configured now.

A shard is loaded once, when it is claimed; from then on the configuration log says which sources to read again, and
only those are read. Following begins before the first load, and an edit that meets a load under way is read after it,
so no edit falls between the two. Every read is strong.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from itertools import batched
from typing import Any

from contracts.kinds import SourceType
from contracts.source import Source
from contracts.table import fleet, sources
from contracts.table.fleet import Shard
from contracts.table.schema import TableNames
from contracts.table.values import Item, read_item
from monitor_fleet.errors import StoreError
from monitor_fleet.renewal import Sleep, timed
from monitor_fleet.store import Request, StoreVerbs

log = logging.getLogger(__name__)

#: With the poll of the edited source this makes an edit obeyed within 2 s; deaths are told of there too.
FOLLOW_EVERY_S = 0.5
LOAD_AGAIN_S = 0.5
LOADS_AT_ONCE_MAX = 16
#: A hundred sources, or a page of members or of the log, may be large.
READ_TIMEOUT_S = 5.0


class Catalog:
    """
    Follows the configuration of claimed shards.

    `on_source(source, shard)` says how a source is configured, at first and after each edit; `on_gone(source_id)` that
    it is deleted; `on_poll(source_id)` that somebody wants it polled now. `on_death` is called when the counter's
    row, which is read each second, says that a worker died.
    """

    def __init__(
        self, *, tables: TableNames, kind: SourceType, store: StoreVerbs,
        on_source: Callable[[Source, Shard], None], on_gone: Callable[[str], None], on_poll: Callable[[str], None],
        on_death: Callable[[], None] = lambda: None, sleep: Sleep = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._tables = tables
        self._kind = kind
        self._store = store
        self._on_source = on_source
        self._on_gone = on_gone
        self._on_poll = on_poll
        self._on_death = on_death
        self._deaths = 0
        self._sleep = sleep
        self._followed: dict[int, Shard] = {}
        #: Shards not loaded yet, what was edited in them meanwhile, and what somebody wants polled.
        self._loading: dict[int, set[str]] = {}
        self._wished: dict[int, set[str]] = {}
        self._to_load: asyncio.Queue[Shard] = asyncio.Queue()
        self._entry = 0
        self._refreshing = asyncio.Lock()

    def follow(self, shard: Shard) -> None:
        """Begin with a shard that was claimed; its sources are told as soon as they are read."""
        self._followed[shard.number] = shard
        self._loading[shard.number] = set()
        self._wished[shard.number] = set()
        self._to_load.put_nowait(shard)

    def drop(self, number: int) -> None:
        """End with a shard; nothing more is told of its sources."""
        self._followed.pop(number, None)
        self._loading.pop(number, None)
        self._wished.pop(number, None)

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_following())
            for _ in range(LOADS_AT_ONCE_MAX):
                group.create_task(self._keep_loading())

    async def _begin(self) -> None:
        """Note where the log ends before anything is loaded: what comes later is read from it."""
        while True:
            try:
                self._entry = await self._counter()
            except StoreError as error:
                log.warning("catalog_not_begun", extra={"error": str(error)})
                await self._sleep(LOAD_AGAIN_S)
            else:
                return

    async def _keep_loading(self) -> None:
        """Load one shard after another; one that cannot be read costs this place in the line, and goes to its end."""
        while True:
            shard = await self._to_load.get()
            try:
                await self._load(shard)
            except StoreError as error:
                log.warning("shard_not_loaded", extra={"shard": shard.number, "error": str(error)})
                await self._sleep(LOAD_AGAIN_S)
                self._to_load.put_nowait(shard)

    async def _keep_following(self) -> None:
        while True:
            await self._sleep(FOLLOW_EVERY_S)
            try:
                await self._follow()
            except StoreError as error:
                log.warning("configuration_not_read", extra={"entry": self._entry, "error": str(error)})

    async def _load(self, shard: Shard) -> None:
        number = shard.number
        if not self._is_to_load(shard):
            return
        members = await self._query(fleet.members(self._tables.fleet, self._kind, number))
        found = await self._read([read_item(member)["sk"] for member in members])
        if not self._is_to_load(shard):
            return  # lost, or claimed again meanwhile: under an epoch that is not this one
        for source in found.values():
            self._on_source(source, shard)
        edited = dict.fromkeys(self._loading.pop(number), number)
        try:
            await self._refresh(edited)
        except StoreError:
            if self._followed.get(number) is shard:
                # What was edited is not known any more: load all of it again.
                self._loading.setdefault(number, set())
            raise
        for source_id in self._wished.pop(number, ()):
            self._on_poll(source_id)

    def _is_to_load(self, shard: Shard) -> bool:
        """Say whether a shard is followed under this very claim, and not loaded yet."""
        return self._followed.get(shard.number) is shard and shard.number in self._loading

    async def _follow(self) -> None:
        if await self._counter() <= self._entry:
            return
        entries = [read_item(item) for item in await self._query(self._log_after())]
        edited: dict[str, int] = {}
        for entry in entries:
            self._note(entry, edited)
        await self._refresh(edited)
        # Only now: if reading failed, the same entries are read again.
        self._entry = int(entries[-1]["sk"]) if entries else self._entry
        for entry in entries:
            self._pass_on(entry)

    def _pass_on(self, entry: Mapping[str, Any]) -> None:
        """Pass a wish on, to a source of a shard that is being loaded once it is there."""
        if entry["act"] != "poll" or entry["shard"] not in self._followed:
            return
        if entry["shard"] in self._wished:
            self._wished[entry["shard"]].add(entry["source"])
        else:
            self._on_poll(entry["source"])

    def _note(self, entry: Mapping[str, Any], edited: dict[str, int]) -> None:
        """Sort one entry: of a shard that is loaded, of one being loaded, or of somebody else's."""
        if entry["act"] == "poll" or entry["shard"] not in self._followed:
            return
        if entry["shard"] in self._loading:
            self._loading[entry["shard"]].add(entry["source"])
        else:
            edited[entry["source"]] = entry["shard"]

    async def _refresh(self, edited: Mapping[str, int]) -> None:
        """Read sources again and tell how they are now; one after another, so that nothing older is told later."""
        if not edited:
            return
        async with self._refreshing:
            found = await self._read(edited)
            for source_id, number in edited.items():
                shard = self._followed.get(number)
                if shard and source_id in found:
                    self._on_source(found[source_id], shard)
                elif shard:
                    self._on_gone(source_id)

    async def _read(self, source_ids: Collection[str]) -> dict[str, Source]:
        """Read sources by their ids; one that is gone, or that this program cannot read, is not among them."""
        found: dict[str, Source] = {}
        for some in batched(source_ids, sources.BATCH_GET_MAX, strict=False):
            request = sources.get_many(self._tables.data_sources, some)
            for item in await timed(self._store.batch_get(request), timeout_s=READ_TIMEOUT_S):
                plain = read_item(item)
                try:
                    found[plain["id"]] = Source.from_item(plain)
                except ValueError as error:
                    log.error("source_unreadable", extra={"source": plain["id"], "error": str(error)})  # noqa: TRY400 - the text says all, a traceback nothing more
        return found

    def _log_after(self) -> Request:
        return fleet.log_after(self._tables.fleet, self._kind, self._entry)

    async def _query(self, request: Request) -> list[Item]:
        return await timed(self._store.query(request), timeout_s=READ_TIMEOUT_S)

    async def _counter(self) -> int:
        item = await timed(self._store.get(fleet.counter(self._tables.fleet, self._kind)))
        row = read_item(item) if item else {}
        if row.get("deaths", 0) != self._deaths:
            self._deaths = row["deaths"]
            self._on_death()
        return int(row.get("n", 0))
