"""One turn of a source: look, commit what changed, tell the queue, write how the source does."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from contracts.clock import SECOND_MS, NowMs
from fetching.outcome import Failed
from monitor_fleet.announce import Announcer, owes
from monitor_fleet.backoff import own_wait_s, source_wait_ms
from monitor_fleet.commit import Committer, Dropped, Fenced
from monitor_fleet.documents import Documents
from monitor_fleet.errors import StoreError
from monitor_fleet.health_of import after_failure, after_good
from monitor_fleet.offload import OffloadFailed
from monitor_fleet.poll import Looked, Poller, Rung
from monitor_fleet.status import StatusWriter
from monitor_fleet.watched import Watched

log = logging.getLogger(__name__)

#: Starts something that outlives the turn but not the shard.
type Spawn = Callable[[Watched, Coroutine[Any, Any, None]], None]


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Takes turns. Never raises for a source's or for AWS's trouble: it says how long to wait instead."""

    poller: Poller
    committer: Committer
    announcer: Announcer
    statuses: StatusWriter
    documents: Documents
    now_ms: NowMs
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)

    async def load(self, watched: Watched, spawn: Spawn) -> int | None:
        """Load a source's head, and heal what its last owner did not tell; in how many ms to try again, or None."""
        try:
            await self.committer.load(watched)
        except Dropped as dropped:
            _log_dropped(watched, dropped)
        except StoreError as error:
            return self._own_trouble(watched, error)
        self._announce(watched, spawn)
        return None

    async def take(self, watched: Watched, spawn: Spawn) -> int | None:
        """Poll once; how many ms to leave the source alone, None to go on by its schedule."""
        try:
            return await self._take(watched, spawn)
        except Dropped as dropped:
            _log_dropped(watched, dropped)
            return None
        except (StoreError, OffloadFailed) as error:
            return self._own_trouble(watched, error)

    async def _take(self, watched: Watched, spawn: Spawn) -> int | None:
        if watched.head is None:
            await self.committer.load(watched)
        looked = await self.poller.look(watched)
        if not watched.current:
            raise Dropped("it was edited, deleted or handed on meanwhile")
        if isinstance(looked, Failed):
            wait_ms = await self._failed(watched, looked)
        else:
            wait_ms = None
            await self._good(watched, looked, spawn)
        watched.own_troubles = 0
        self._announce(watched, spawn)
        return wait_ms

    async def _good(self, watched: Watched, looked: Looked, spawn: Spawn) -> None:
        if looked.rung is Rung.CHANGED:
            assert looked.document is not None and looked.validators is not None  # noqa: PT018 - what CHANGED means
            await self.committer.commit(watched, looked.document, looked.validators)
            self._announce(watched, spawn)  # before the status is written: a change is what people wait for
        else:
            self._keep(watched, looked)
            await self.committer.keep_body(watched, looked.document)
        if not watched.body_missing:
            looked.remember(watched)
        self.counts[looked.rung.value] += 1
        watched.failures = 0
        watched.last_good_ms = self.now_ms()
        health = after_good(watched.health, now_ms=watched.last_good_ms)
        if health is not watched.health:
            await self.statuses.write(watched, health)

    async def _failed(self, watched: Watched, failed: Failed) -> int:
        self.counts[f"failed_{failed.reason.value}"] += 1
        watched.failures += 1
        health = after_failure(
            watched.health,
            failed.reason,
            failures=watched.failures,
            last_good_ms=watched.last_good_ms,
            now_ms=self.now_ms(),
        )
        if health is not watched.health:
            await self.statuses.write(watched, health, why=failed.why)
        return source_wait_ms(watched.target.interval_ms, watched.failures, failed.retry_after_s, self.chance)

    def _keep(self, watched: Watched, looked: Looked) -> None:
        """Hold on to a document that was read anyway (after a restart): it is the next step's beginning."""
        if looked.document and watched.head and watched.head.ref:
            self.documents.keep(watched.head.ref, looked.document.canonical)

    def _announce(self, watched: Watched, spawn: Spawn) -> None:
        if owes(watched) and not watched.announcing:
            spawn(watched, self.announcer.announce(watched))

    def _own_trouble(self, watched: Watched, error: Exception) -> int:
        self.counts["own_trouble"] += 1
        watched.own_troubles += 1
        extra = {"source": watched.target.id, "tries": watched.own_troubles, "error": str(error)}
        log.warning("own_trouble", extra=extra)
        return int(own_wait_s(watched.own_troubles, self.chance) * SECOND_MS)


def _log_dropped(watched: Watched, dropped: Dropped) -> None:
    event = "fence_refused" if isinstance(dropped, Fenced) else "dropped"
    epoch = watched.shard.epoch
    log.info(
        event, extra={"source": watched.target.id, "shard": watched.shard.number, "epoch": epoch, "why": str(dropped)}
    )
