"""
Hearing that shards are given to this worker, without a port that others could knock at.

Whoever is about to give rings first and waits until the ring must have been heard: each renewal returns the worker's
own row, and with it how often it was rung. From then on, for a while, the row is read closely, and every further ring
(one follows each hand-off) says which shards came. So a shard is without polls for tens of milliseconds, and only while
something moves does anybody read more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.values import Item, read
from monitor_fleet.errors import StoreError
from monitor_fleet.renewal import RENEW_EVERY_S, REQUEST_TIMEOUT_S, BootNow, Sleep, timed
from monitor_fleet.store import StoreVerbs

log = logging.getLogger(__name__)

#: After the newest ring the own row is read this long, this often.
LISTEN_S = 6.0
LISTEN_EVERY_S = 0.03
#: A ring is heard within this, unless a renewal fails; then the next one brings it, or the audit.
HEARD_AFTER_S = RENEW_EVERY_S + REQUEST_TIMEOUT_S / 4
#: Whoever is still to be given something after this is rung anew, in good time before it ceases to listen.
RING_AGAIN_S = LISTEN_S / 2


class Doorbell:
    """The own row's `inbox` and `given`, as last heard. `on_given(shards)` is told of what was handed over."""

    def __init__(
        self, *, table: str, kind: SourceType, store: StoreVerbs, worker_id: str, boot_now: BootNow, sleep: Sleep,
        on_given: Callable[[frozenset[int]], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._request = fleet.get_worker(table, kind, worker_id)
        self._store = store
        self._worker_id = worker_id
        self._boot_now = boot_now
        self._sleep = sleep
        self._on_given = on_given
        self._heard = 0
        self._given: frozenset[int] = frozenset()
        #: Looked for; the next renewal takes them out of the row.
        self.taken: frozenset[int] = frozenset()
        self._listen_until_s = 0.0
        self._rung = asyncio.Event()

    def hear(self, row: Item) -> None:
        """Note what the own row says: how often somebody rang, and what was given."""
        self._given = read(row["given"]) if "given" in row else frozenset()
        self.taken &= self._given
        inbox = int(read(row["inbox"])) if "inbox" in row else 0
        if inbox > self._heard:
            self._heard = inbox
            self._listen_until_s = self._boot_now() + LISTEN_S
            self._rung.set()

    async def keep_listening(self) -> None:
        """Answer every ring until cancelled."""
        while True:
            await self._rung.wait()
            while self._boot_now() < self._listen_until_s:
                if new := self._given - self.taken:
                    self.taken |= new
                    await self._on_given(new)
                await self._sleep(LISTEN_EVERY_S)
                await self._read()
            self._rung.clear()

    async def _read(self) -> None:
        try:
            row = await timed(self._store.get(self._request))
        except StoreError as error:
            log.info("row_unread", extra={"worker": self._worker_id, "error": str(error)})
            return
        if row:
            self.hear(row)
