"""
The shards' rows: reading them all, and moving one with an outcome that is known for sure.

A move whose answer is lost is sent again until there is an answer: it names the epoch it starts from, so it lands at
most once, and once one answer is known every late copy of it is refused.
"""

import logging
from collections.abc import Callable
from random import Random

from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.sharding import SHARD_ROW_BUCKETS
from contracts.table import fleet
from contracts.table.fleet import Request, Shard, Why
from monitor_fleet.errors import Refused, StoreError
from monitor_fleet.parallel import each
from monitor_fleet.renewal import Sleep, timed
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

MOVES_AT_ONCE_MAX = 16
RETRY_AFTER_S = 0.2
#: All partitions must be read for one sweep: one lost answer of sixteen must not spoil it.
READ_TRIES_MAX = 3


class ShardRows:
    """The rows of one kind; `may_act` is asked before each write: none begins after the right has lapsed."""

    def __init__(
        self, *, table: str, kind: SourceType, shards: int, store: StoreVerbs, chance: Random, sleep: Sleep,
        may_act: Callable[[], bool], now_ms: NowMs,
    ) -> None:  # fmt: skip
        self._table = table
        self._kind = kind
        self._shards = shards
        #: How many partitions the rows are in: a fleet of few shards leaves some empty, and nobody asks those.
        self.buckets = min(shards, SHARD_ROW_BUCKETS)
        self._store = store
        self._chance = chance
        self._sleep = sleep
        self._may_act = may_act
        self._now_ms = now_ms

    async def read(self, bucket: int) -> list[Shard]:
        """Read one partition of the rows."""
        request = fleet.shards(self._table, self._kind, bucket)
        for _ in range(READ_TRIES_MAX - 1):
            try:
                return [Shard.read(item) for item in await timed(self._store.query(request))]
            except StoreError as error:
                log.info("shards_unread", extra={"bucket": bucket, "error": str(error)})
        return [Shard.read(item) for item in await timed(self._store.query(request))]

    async def read_all(self) -> list[Shard]:
        """Read every row, a partition each; not one moment of all of them."""
        found: list[Shard] = []

        async def one(bucket: int) -> None:
            found.extend(await self.read(bucket))

        await each(one, range(self.buckets), at_once_max=MOVES_AT_ONCE_MAX)
        return sorted(found, key=lambda shard: shard.number)

    async def make(self) -> None:
        """Make the rows that are absent. Workers that join together begin in different places and share the work."""
        first = self._chance.randrange(self.buckets)
        for bucket in range(first, first + self.buckets):
            there = {shard.number for shard in await self.read(bucket % self.buckets)}
            wanted = range(bucket % self.buckets, self._shards, self.buckets)
            await each(self._make, [one for one in wanted if one not in there], at_once_max=MOVES_AT_ONCE_MAX)

    async def claim(self, shard: Shard, *, by: str) -> Shard:
        """Claim a shard that is free or whose owner is gone; the row as it then stands says whether it is ours."""
        request = fleet.claim(self._table, self._kind, shard, by=by, at_ms=self._now_ms())
        return await self._move(request, shard)

    async def hand_off(self, shard: Shard, *, to: str, why: Why) -> Shard:
        """Give an own shard away, with how far its polls were dispatched; the row as it then stands."""
        request = fleet.hand_off(self._table, self._kind, shard, to=to, at_ms=self._now_ms(), why=why)
        return await self._move(request, shard)

    async def release(self, shard: Shard, *, why: Why) -> Shard:
        """Let go of an own shard; the row as it then stands."""
        request = fleet.release(self._table, self._kind, shard, at_ms=self._now_ms(), why=why)
        return await self._move(request, shard)

    async def get(self, number: int) -> Shard | None:
        """Read one row."""
        item = await timed(self._store.get(fleet.get_shard(self._table, self._kind, number)))
        return Shard.read(item) if item else None

    async def ring(self, worker_id: str, *, given: frozenset[int] = frozenset()) -> None:
        """Tell a worker what comes or came to it. If it does not hear, its own audit finds it later."""
        try:
            await timed(self._store.update(fleet.ring(self._table, self._kind, worker_id, given=given)))
        except StoreError as error:
            log.info("ring_failed", extra={"worker": worker_id, "error": str(error)})

    async def _make(self, number: int) -> None:
        try:
            await timed(self._store.put(fleet.make_shard(self._table, self._kind, number)))
        except Refused:
            return  # somebody else made it

    async def _move(self, request: Request, shard: Shard) -> Shard:
        while True:
            if self._may_act():
                try:
                    return Shard.read(await timed(self._store.update(request)))
                except Refused as refused:
                    # A row is never deleted; one that says nothing of itself has never been made.
                    return Shard.read(refused.old) if refused.old else shard
                except StoreError as error:
                    log.warning("move_unanswered", extra={"shard": shard.number, "error": str(error)})
            await self._sleep(RETRY_AFTER_S * self._chance.uniform(0.5, 1.5))
