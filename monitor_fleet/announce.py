"""
Telling the queue what was committed, until it knows.

State first, queue second, `notified` third: a crash in between is healed by the next owner, who finds
`version > notified` on load. The living owner tries again by itself, with backoff, and tells only the newest.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from contracts import messages
from contracts.clock import NowMs
from contracts.messages import Kind, Message
from contracts.table import heads
from contracts.table.heads import Head
from monitor_fleet.backoff import own_wait_s
from monitor_fleet.errors import Refused, StoreError
from monitor_fleet.store import AskAws, StoreVerbs
from monitor_fleet.traces import Trace, Traces
from monitor_fleet.watched import Watched

log = logging.getLogger(__name__)

#: Its right may be back any moment.
LAPSED_LOOK_S = 0.5

#: Sends one message; raises a StoreError.
type Publish = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Sends messages."""

    ask_queue: AskAws
    url: str
    chance: random.Random

    async def publish(self, message: Message) -> None:
        """Send a message; each try is a message of its own, which does no harm."""
        unique = f"{self.chance.getrandbits(128):032x}"
        await self.ask_queue("SendMessage", messages.send(self.url, message, unique=unique))


@dataclass(frozen=True, kw_only=True)
class Announcer:
    """Tells of versions and statuses. `sleep` and `may_act` are handed in."""

    store: StoreVerbs
    table: str
    publish: Publish
    now_ms: NowMs
    chance: random.Random
    sleep: Callable[[float], Awaitable[None]]
    may_act: Callable[[], bool]
    traces: Traces | None = None

    async def announce(self, watched: Watched) -> None:
        """
        Tell what is owed, and go on until nothing is; one at a time per source.

        Without the right it waits: the source's next poll may be a day away, and subscribers are not to wait for that.
        """
        if watched.announcing:
            return
        watched.announcing = True
        try:
            await self._until_told(watched)
        finally:
            watched.announcing = False

    async def _until_told(self, watched: Watched) -> None:
        tries = 0
        while owes(watched) and watched.current:
            if not self.may_act():
                await self.sleep(LAPSED_LOOK_S)
                continue
            try:
                await self._tell(watched)
            except StoreError as error:
                tries += 1
                log.warning("announce_failed", extra={"source": watched.target.id, "tries": tries, "error": str(error)})
                await self.sleep(own_wait_s(tries, self.chance))

    async def _tell(self, watched: Watched) -> None:
        head = watched.head
        if head and head.version > head.notified:
            trace = watched.trace if watched.trace and watched.trace.version == head.version else None
            await self.publish(self._message(Kind.CHANGE, head, trace))
            if self.traces and trace:
                self.traces.told(trace)
            await self._set_notified(watched, head)
        if head and watched.status_owed:
            watched.status_owed = False  # first: what is written while the queue is asked is owed anew
            try:
                await self.publish(self._message(Kind.STATUS, head))
            except StoreError:
                watched.status_owed = True
                raise

    async def _set_notified(self, watched: Watched, head: Head) -> None:
        if not self.may_act():
            return  # the right lapsed while the queue was asked: told once more is no harm
        try:
            await self.store.update(heads.set_notified(self.table, head))
        except Refused:
            # A newer owner fenced the head, or an earlier try landed: either way it is not ours to say any more.
            log.info("notified_refused", extra={"source": head.source_id, "version": head.version})
        now = watched.head
        if now and now.incarnation == head.incarnation:  # a newer version may have been committed meanwhile
            watched.head = replace(now, notified=head.version)

    def _message(self, kind: Kind, head: Head, trace: Trace | None = None) -> Message:
        return Message(
            kind=kind,
            source_id=head.source_id,
            incarnation=head.incarnation,
            version=head.version,
            at_ms=self.now_ms(),
            trace=trace.header if trace else "",
        )


def owes(watched: Watched) -> bool:
    """Tell whether the queue has something to hear of a source whose head is known."""
    head = watched.head
    return head is not None and (head.version > head.notified or watched.status_owed)
