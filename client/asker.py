"""When a replica may ask the server: one request in flight, requests a second apart, later again if none helps."""

import math
import random
from enum import StrEnum

from client.backoff import backoff_ms

SPACING_MS = 1_000
ANSWER_WITHIN_MS = 15_000


class Want(StrEnum):
    """What is asked for. Two say what is held (`SUBSCRIBE` on a new connection, `RESUME`), one wants everything."""

    SUBSCRIBE = "subscribe"
    RESUME = "resume"
    SNAPSHOT = "snapshot"


class Asker:
    """Decides, and keeps no clock of its own: `take` is to be called after everything that happens, and at `due_ms`."""

    def __init__(self, chance: random.Random) -> None:
        self.due_ms = math.inf
        self._chance = chance
        self._next: Want | None = None
        self._in_flight: Want | None = None
        self._sent_at_ms = -math.inf
        self._failures = 0

    def want(self, want: Want) -> None:
        """Ask as soon as it is allowed; a snapshot outranks a resume, and what is on its way is not asked twice."""
        if self._in_flight and (self._in_flight is Want.SNAPSHOT or want is not Want.SNAPSHOT):
            return
        if self._next is Want.SNAPSHOT:
            return
        is_waiting = self._in_flight is not None or self._next is not None
        self._next = want
        if not is_waiting:
            self._schedule()

    def answered(self) -> None:
        """Note that the server answered; what is still wanted for other reasons has to be wanted again."""
        self._failures = 0
        self._reset()

    def failed(self, again: Want | None = None) -> None:
        """Note that a request came to nothing: it, or what replaces it, is made again, later each time."""
        again = again or self._in_flight or Want.RESUME
        self._failures += 1
        self._reset()
        self._next = again
        self._schedule()

    def cut(self) -> None:
        """Note that the connection is gone, and with it every answer."""
        self._failures = 0
        self._sent_at_ms = -math.inf
        self._reset()

    def take(self, now_ms: float) -> Want | None:
        """Give what is to be sent now, if anything."""
        if now_ms < self.due_ms:
            return None
        if self._in_flight is not None:
            self.failed(self._next or self._in_flight)
            return self.take(now_ms)
        want, self._next = self._next, None
        self._in_flight = want
        self._sent_at_ms = now_ms
        self.due_ms = now_ms + ANSWER_WITHIN_MS
        return want

    def _reset(self) -> None:
        self._in_flight = self._next = None
        self.due_ms = math.inf

    def _schedule(self) -> None:
        pause_ms = backoff_ms(self._failures, self._chance) if self._failures else 0
        self.due_ms = self._sent_at_ms + SPACING_MS + pause_ms
