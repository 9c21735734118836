"""One turn of a source: look, commit what changed, tell the queue, write how the source does."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from contracts.clock import SECOND_MS, NowMs
from contracts.kinds import State
from fetching.certificates import Certificates, step_of, warning
from fetching.outcome import Failed
from monitor_fleet.announce import Announcer, owes
from monitor_fleet.backoff import OWN_MAX_S, asking_max_s, own_wait_s, source_wait_ms
from monitor_fleet.circuit import Circuits, Hold
from monitor_fleet.commit import Committer, Dropped, Fenced
from monitor_fleet.documents import Documents
from monitor_fleet.errors import StoreError
from monitor_fleet.health_of import after_failure, after_good, recovered
from monitor_fleet.offload import OffloadFailed
from monitor_fleet.outlook import Outlook
from monitor_fleet.poll import Looked, Polls, Rung
from monitor_fleet.reading import FAILED, TROUBLED
from monitor_fleet.remedy import REMEDIES, is_patience, wants_fewer
from monitor_fleet.room import Claim, Room, weight
from monitor_fleet.schedule import spread_ms
from monitor_fleet.sharing import Once
from monitor_fleet.status import StatusWriter
from monitor_fleet.traces import Traces
from monitor_fleet.watched import Health, Watched

log = logging.getLogger(__name__)

#: While most hosts fail at once, one in so many of their failures is logged.
_BLAME_LOG_EVERY = 1_000

#: Starts something that outlives the turn but not the shard.
type Spawn = Callable[[Watched, Coroutine[Any, Any, None]], None]


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Takes turns. Never raises for a source's or for AWS's trouble: it says how long to wait instead."""

    poller: Polls
    committer: Committer
    announcer: Announcer
    statuses: StatusWriter
    documents: Documents
    now_ms: NowMs
    chance: random.Random
    circuits: Circuits
    outlook: Outlook = field(default_factory=Outlook)
    certificates: Certificates = field(default_factory=Certificates)
    traces: Traces | None = None
    room: Room = field(default_factory=Room)
    #: How polls ended.
    counts: Counter[str] = field(default_factory=Counter)
    #: Turns without a poll: the host is left alone.
    skipped: Counter[str] = field(default_factory=Counter)

    def once(self) -> Once | None:
        """Give what the sources of one turn ask through, so that each request is made once."""
        return self.poller.once()

    async def load(self, watched: Watched, spawn: Spawn) -> int | None:
        """Load a source's head, and heal what its last owner did not tell; in how many ms to try again, or None."""
        try:
            await self.committer.load(watched)
        except Dropped as dropped:
            _log_dropped(watched, dropped)
        except StoreError as error:
            return self._own_trouble(watched, error, longest_s=OWN_MAX_S)
        self._announce(watched, spawn)
        return None

    async def take(self, watched: Watched, spawn: Spawn, once: Once | None = None) -> int | None:
        """
        Poll once; how many ms to leave the source alone, None to go on by its schedule.

        Sources whose turn is the same are taken at once, with the same `once`.
        """
        with self.room.claim() as claim:
            try:
                return await self._take(watched, spawn, claim, once)
            except Dropped as dropped:
                _log_dropped(watched, dropped)
                return None
            except (StoreError, OffloadFailed) as error:
                return self._own_trouble(watched, error, longest_s=asking_max_s(watched.target.interval_ms))
            finally:
                watched.waited_ms = int(claim.waited_s * SECOND_MS)

    async def _take(self, watched: Watched, spawn: Spawn, claim: Claim, once: Once | None) -> int | None:
        if watched.head is None:
            await self.committer.load(watched)
        target, begun_ms = watched.target, self.now_ms()
        hold = self.circuits.hold(target.host, target.request, begun_ms)
        if hold is not None:
            return await self._held(watched, hold, spawn)
        looked = await self.poller.look(watched, claim, once)
        if not watched.current:
            raise Dropped("it was edited, deleted or handed on meanwhile")
        if isinstance(looked, Failed):
            wait_ms = await self._failed(watched, looked)
        else:
            await self._good(watched, looked, spawn, claim, begun_ms=begun_ms)
            wait_ms = self.poller.pause_ms(watched)
        watched.own_troubles = 0
        self._announce(watched, spawn)
        return wait_ms

    async def _held(self, watched: Watched, hold: Hold, spawn: Spawn) -> int:
        """Leave a host alone; where a probe says what asking would give, the source is as if it had asked."""
        self.skipped["held_back"] += 1
        if hold.known is not None:
            await self._note_failure(watched, hold.known)
            self._announce(watched, spawn)
        target = watched.target
        return hold.until_ms - self.now_ms() + spread_ms(target.request, target.interval_ms)

    async def _good(self, watched: Watched, looked: Looked, spawn: Spawn, claim: Claim, *, begun_ms: int) -> None:
        if looked.rung is Rung.CHANGED:
            assert looked.document is not None and looked.validators is not None  # noqa: PT018 - what CHANGED means
            seen_ms = self.now_ms()
            await claim.grow(_stored_bytes(watched))  # what the step begins with may be large where the answer is not
            await self.committer.commit(watched, looked.document, looked.validators, looked.ahead)
            if self.traces and watched.head:
                watched.trace = self.traces.begin(watched.head, begun_ms=begun_ms, seen_ms=seen_ms)
            self._announce(watched, spawn)  # before the status is written: a change is what people wait for
            _log_changed(watched)
        else:
            self._keep(watched, looked)
            if self.committer.wants_body(watched):
                # Read from where it is stored and packed again, though perhaps nothing was answered but 304.
                await claim.grow(weight(answer=0, last=0, document=_stored_bytes(watched)))
                await self.committer.keep_body(watched, looked.document)
        now_ms = watched.last_good_ms = self.now_ms()
        if not watched.body_missing:
            looked.remember(watched, now_ms)
        self.counts[looked.rung] += 1
        watched.failures = watched.put_off = 0
        self.circuits.good(watched.target.host, now_ms)
        self.outlook.good(watched.target.host, now_ms)
        days_left = self.certificates.days_left(watched.target.host, now_ms / SECOND_MS)
        health = after_good(watched.health, now_ms=now_ms, certificate_days=step_of(days_left))
        if health is not watched.health:
            await self.statuses.write(watched, health, why=_why(watched, health, days_left, now_ms))

    async def _failed(self, watched: Watched, failed: Failed) -> int | None:
        """Note a failure where it belongs: to this worker, to the host, to the source."""
        self.counts[FAILED + failed.reason.value] += 1
        target, now_ms = watched.target, self.now_ms()
        if self.outlook.failed(target.host, failed, now_ms, was_well=not watched.failures):
            self._blame_ourselves(watched, failed)
            return None
        self.circuits.failed(target.host, target.id, target.request, failed, now_ms)
        await self._note_failure(watched, failed)
        wait_ms = source_wait_ms(
            target.interval_ms,
            watched.failures,
            REMEDIES[failed.reason],
            self.chance,
            dormant=watched.health.state is State.DORMANT,
        )
        if wants_fewer(failed):
            quiet_ms = self.circuits.quiet_until_ms(target.host) - now_ms
            wait_ms = max(wait_ms, quiet_ms + spread_ms(target.request, target.interval_ms) if quiet_ms > 0 else 0)
        # Where the interval is all there is to wait, the source stays on its grid.
        return wait_ms if wait_ms > target.interval_ms else None

    async def _note_failure(self, watched: Watched, failed: Failed) -> None:
        """Count a failure against the source, and write its state if that changes it."""
        if wants_fewer(failed):
            watched.put_off += 1
            if is_patience(failed, watched.put_off):
                return
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

    def _blame_ourselves(self, watched: Watched, failed: Failed) -> None:
        """Hold nothing against a source while most hosts have just ceased to answer: asked again by its schedule."""
        self.skipped["not_counted"] += 1
        if self.skipped["not_counted"] % _BLAME_LOG_EVERY == 1:
            extra = {"source": watched.target.id, "why": failed.why, **self.outlook.tell()}
            log.warning("most_hosts_fail_at_once", extra=extra)

    def _keep(self, watched: Watched, looked: Looked) -> None:
        """Hold on to a document that was read anyway (after a restart): it is the next step's beginning."""
        if looked.document and watched.head and watched.head.ref:
            self.documents.keep(watched.head.ref, looked.document.canonical)

    def _announce(self, watched: Watched, spawn: Spawn) -> None:
        if owes(watched) and not watched.announcing:
            spawn(watched, self.announcer.announce(watched))

    def _own_trouble(self, watched: Watched, error: Exception, *, longest_s: float) -> int:
        self.counts[TROUBLED] += 1
        watched.own_troubles += 1
        extra = {"source": watched.target.id, "tries": watched.own_troubles, "error": str(error)}
        log.warning("own_trouble", extra=extra)
        return int(own_wait_s(watched.own_troubles, self.chance, longest_s=longest_s) * SECOND_MS)


def _stored_bytes(watched: Watched) -> int:
    """Say how large the newest document is that is stored; 0 if there is none."""
    ref = watched.head.ref if watched.head else None
    return ref.bytes if ref else 0


def _log_changed(watched: Watched) -> None:
    """Say which version this poll made: source and version name a change in every log and frame from here on."""
    if watched.head:
        log.info("changed", extra={"source": watched.target.id, "version": watched.head.version})


def _why(watched: Watched, health: Health, days_left: int | None, now_ms: int) -> str:
    """Say what is worth telling of a source that does well."""
    said = [recovered(watched.health, now_ms=now_ms)]
    if health.certificate_days is not None and days_left is not None:
        said.append(warning(watched.target.host, days_left))
    return "; ".join(filter(None, said))


def _log_dropped(watched: Watched, dropped: Dropped) -> None:
    event = "fence_refused" if isinstance(dropped, Fenced) else "dropped"
    epoch = watched.shard.epoch
    log.info(
        event, extra={"source": watched.target.id, "shard": watched.shard.number, "epoch": epoch, "why": str(dropped)}
    )
