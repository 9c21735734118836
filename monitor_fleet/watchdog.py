"""
Ends the process when its event loop stands still: a worker that cannot poll must not look as if it could.

The heartbeat runs on the loop, so a stuck loop is silent and the others take over. But a loop that comes back after
that would go on with old state; and one that never comes back holds memory, sockets and a task of the service. A
thread watches it, and nothing that the loop does can hold the thread up.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

from monitor_fleet.renewal import RIGHT_S

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
#: By then the right has lapsed; the others wait a second longer, and nobody waits for this process.
STUCK_AFTER_S = RIGHT_S


class Watchdog:
    """
    Asks the loop to show a sign of life; `die(seconds)` is called in the thread when it has not for `stuck_after_s`.

    `awake_now` is a clock in seconds that stands still while the machine is suspended. A process that was stopped as a
    whole is no stuck loop: what it may do when it wakes up is decided by its right.
    """

    def __init__(
        self, *, awake_now: Callable[[], float], die: Callable[[float], None], stuck_after_s: float = STUCK_AFTER_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:  # fmt: skip
        self._awake_now = awake_now
        self._die = die
        self._stuck_after_s = stuck_after_s
        self._look_every_s = look_every_s
        self._seen_s = awake_now()
        self._over = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch a loop until stopped."""
        self._seen_s = self._awake_now()
        threading.Thread(target=self._watch, args=(loop,), name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        looked_s = self._awake_now()
        while not self._over.wait(self._look_every_s):
            now_s = self._awake_now()
            if now_s - looked_s > 2 * self._look_every_s:
                self._seen_s = now_s  # this thread did not run either: the whole process was stopped
            looked_s = now_s
            stuck_s = now_s - self._seen_s
            if stuck_s >= self._stuck_after_s:
                log.critical("loop_stuck", extra={"for_s": round(stuck_s, 1)})
                self._die(stuck_s)
                return
            try:
                loop.call_soon_threadsafe(self._show)
            except RuntimeError:  # the loop is closed: the process ends by itself
                return

    def _show(self) -> None:
        self._seen_s = self._awake_now()
