"""Say what a changed desired count does, until every shard has its place: what an operator would else look up."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.sharding import SHARD_ROW_BUCKETS
from contracts.table import fleet
from contracts.table.fleet import DRAINING, UP, Shard, Worker
from local import state
from local.aws import Aws
from local.cloud import Cloud
from local.scale import NotRunningError

LOOKS_MAX = 200
LOOK_EVERY_S = 0.3
#: Fargate takes a minute to start a task.
LOOK_AT_CLOUD_EVERY_S = 3.0
#: Workers see each other every few seconds; who has moved nothing for so long has found its balance.
QUIET_MS = 3_000


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One kind at one moment: its processes, its roster and its shards. `moves` counts those since the beginning."""

    running: int
    up: int
    draining: int
    owned: tuple[int, ...]
    """How many shards each worker that is up owns by the shards' own rows."""
    free: int
    moves: Counter[str]
    quiet_ms: int
    """Since the last of them, or since the beginning."""

    @classmethod
    def of(cls, running: int, workers: Sequence[Worker], rows: Sequence[Shard], *, since_ms: int, now_ms: int) -> Self:
        """Make it of what the tables say."""
        moves = [row.move for row in rows if row.move and row.move.at_ms >= since_ms]
        owners = Counter(row.owner for row in rows)
        up = [worker.id for worker in workers if worker.state == UP]
        return cls(
            running=running,
            up=len(up),
            draining=sum(worker.state == DRAINING for worker in workers),
            owned=tuple(sorted((owners[worker] for worker in up), reverse=True)),
            free=owners[None],
            moves=Counter(move.why for move in moves),
            quiet_ms=now_ms - max((move.at_ms for move in moves), default=since_ms),
        )

    def is_settled(self, count: int) -> bool:
        """Tell whether the count is met, everybody has some of the shards, and none has moved for a while."""
        met = self.running == self.up == count and not self.draining
        shared = all(self.owned) and not self.free if count else True
        return met and shared and self.quiet_ms >= QUIET_MS

    def line(self) -> str:
        """Say it in one line."""
        moved = ", ".join(f"{number} {why}" for why, number in sorted(self.moves.items()))
        parts = [
            f"{self.running} run, {self.up} up" + (f", {self.draining} hand over" if self.draining else ""),
            "shards " + (" ".join(map(str, self.owned)) or "none") + (f", {self.free} free" if self.free else ""),
            f"moved {moved or 'none'}",
        ]
        return "; ".join(parts)


def follow(
    look: Callable[[], Sight], *, count: int, elapsed_s: Callable[[], float], pause: Callable[[float], None],
    every_s: float = LOOK_EVERY_S,
) -> None:  # fmt: skip
    """Print each change until all is settled; raises NotRunningError if it is not within so many looks."""
    said = ""
    for _ in range(LOOKS_MAX):
        sight = look()
        if sight.line() != said:
            said = sight.line()
            print(f"{elapsed_s():6.1f} s  {said}", flush=True)
        if sight.is_settled(count):
            print(f"{elapsed_s():6.1f} s  done", flush=True)
            return
        pause(every_s)
    raise NotRunningError(f"not settled after {elapsed_s():.0f} s: make logs")


def looking(folder: Path, *, kind: SourceType, now_ms: NowMs) -> Callable[[], Sight]:
    """Give what looks at a running stack with the operator's credentials; what moved before now is no news."""
    known = state.read(folder)
    if known is None:
        raise NotRunningError("no stack runs: make up, or name one in the cloud with STACK=…")
    client = Aws(endpoint=known.aws_endpoint, region=known.region, credentials=known.credentials).client("dynamodb")

    def running() -> int:
        now = state.read(folder)
        if now is None:
            raise NotRunningError("the stack ended meanwhile")
        return len(now.pids.workers.get(kind.value, ()))

    return _looks(client, known.tables["Fleet"], kind, running, now_ms)


def looking_at_cloud(cloud: Cloud, *, kind: SourceType, now_ms: NowMs) -> Callable[[], Sight]:
    """Give what looks at a stack in the cloud."""
    return _looks(cloud.client("dynamodb"), cloud.fleet_table, kind, lambda: cloud.running(kind.value), now_ms)


def _looks(client: Any, table: str, kind: SourceType, running: Callable[[], int], now_ms: NowMs) -> Callable[[], Sight]:
    since_ms = now_ms()

    def look() -> Sight:
        try:
            count = running()
            rows = [
                Shard.read(row) for n in range(SHARD_ROW_BUCKETS) for row in _rows(client, fleet.shards(table, kind, n))
            ]
            workers = [Worker.read(row) for row in _rows(client, fleet.roster(table, kind))]
        except (BotoCoreError, ClientError) as error:
            raise NotRunningError(f"AWS does not answer: {error}") from error
        return Sight.of(count, workers, rows, since_ms=since_ms, now_ms=now_ms())

    return look


def _rows(client: Any, query: dict[str, Any]) -> Iterator[Any]:
    pages = client.get_paginator("query").paginate(**query)
    return itertools.chain.from_iterable(page["Items"] for page in pages)
