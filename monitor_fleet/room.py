"""
Room for large answers: so many bytes of them are under way in a worker at once, whatever is polled together.

An answer takes room as it grows, and for what its document will weigh before that is made; its turn gives it all back.
Small ones take none, so they never wait. When room is short, who has none yet waits behind those that have some, and
**who has held room longest never waits**: so there is always one that goes on and ends, and two half-read answers do
not wait for each other for ever. It ends soon, by the time-outs of requests, which is why waiting may not count as
time of an answer (`fetching.fetch`). And who waits for long in the midst of reading gives back what it has and begins
anew: else answers that drip, each to its time-out, would go on one after the other, and whoever comes behind all of
them.
"""

import asyncio
import logging
from typing import Self

from fetching.fetch import ReadAgain

log = logging.getLogger(__name__)

#: Beside the documents in memory (256 MiB), the processes that read and 50,000 idle sources, a task of 2 GB has it.
BYTES_MAX = 256 * 1_024 * 1_024
#: What is read where it came is no more (`monitor_fleet.poll`), and 512 times this is a quarter of the room.
SMALL_BYTES_MAX = 128 * 1_024
#: Of a document: itself, and what is stored of it and of the step to it, compressed.
COPIES = 2
#: So long an answer that is half read waits for room.
GIVES_BACK_AFTER_S = 10.0
#: While answers wait this is said again and again, with how many have.
LOG_EVERY_S = 10.0


class Room:
    """Counts what claims hold, in the order in which they first took some."""

    def __init__(self, *, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._held: dict[Claim, int] = {}
        self._waiting: dict[Claim, tuple[int, asyncio.Future[None]]] = {}
        #: What is held in all. Over the bound goes only who has held some longest, and what turned out larger.
        self.taken_bytes = 0
        #: How many times an answer had to wait.
        self.waits = 0
        self._logged_s: float | None = None

    def claim(self) -> "Claim":
        """Give one poll its part: nothing yet."""
        return Claim(self)

    async def grow(self, claim: "Claim", to_bytes: int, *, patience_s: float | None = None) -> bool:
        """
        Let a claim hold so much, or wait until it may; say whether it had to. What it holds already it keeps.

        Raises TimeoutError where it would have to wait for longer than it has patience.
        """
        is_new = claim not in self._held
        more = to_bytes - self._held.setdefault(claim, 0)
        if more <= 0:
            return False
        if self._may_grow(claim, more) and not (is_new and self._waiting):
            self.settle(claim, to_bytes)
            return False
        await self._wait(claim, to_bytes, patience_s)
        return True

    def settle(self, claim: "Claim", to_bytes: int) -> None:
        """Let a claim hold exactly so much: it is there."""
        freed = self._held.get(claim, 0) - to_bytes
        self._held[claim] = to_bytes
        self.taken_bytes -= freed
        if freed > 0:
            self._let_go_on()

    def held_bytes(self, claim: "Claim") -> int:
        """Say what a claim holds."""
        return self._held.get(claim, 0)

    def has(self, claim: "Claim") -> bool:
        """Tell whether a claim takes room at all."""
        return claim in self._held

    def end(self, claim: "Claim") -> None:
        """Take back what a claim holds."""
        if self.has(claim):
            self.taken_bytes -= self._held.pop(claim)
            self._let_go_on()

    def _may_grow(self, claim: "Claim", more: int) -> bool:
        return self.taken_bytes + more <= self._bytes_max or next(iter(self._held)) is claim

    async def _wait(self, claim: "Claim", to_bytes: int, patience_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        self._waiting[claim] = to_bytes, (may := loop.create_future())
        self.waits += 1
        self._log(began_s)
        try:
            async with asyncio.timeout(patience_s):
                await may
        finally:
            self._waiting.pop(claim, None)
            claim.waited_s += loop.time() - began_s

    def _let_go_on(self) -> None:
        """Give what is free to those that wait, the oldest first; who is half-way may pass, who is new may not."""
        if not self._waiting:
            return
        somebody_waits = False
        for claim in [one for one in self._held if one in self._waiting]:
            to_bytes, may = self._waiting[claim]
            held = self._held[claim]
            if somebody_waits and not held:
                return
            if self._may_grow(claim, to_bytes - held) and not may.done():  # done: cancelled, and about to end
                self.settle(claim, to_bytes)
                may.set_result(None)
                del self._waiting[claim]
            else:
                somebody_waits = True

    def _log(self, now_s: float) -> None:
        if self._logged_s is None or now_s - self._logged_s >= LOG_EVERY_S:
            self._logged_s = now_s
            log.warning(
                "large_answers_wait",
                extra={"waiting": len(self._waiting), "bytes": self.taken_bytes, "waits": self.waits},
            )


class Claim:
    """What one poll holds, until the end of the block."""

    __slots__ = ("_room", "waited_s")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.waited_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.end(self)

    async def grow(self, to_bytes: int) -> bool:
        """Hold so much, once there is room for it; say whether that took waiting. Small answers need none."""
        return to_bytes > SMALL_BYTES_MAX and await self._room.grow(self, to_bytes)

    async def read_on(self, to_bytes: int) -> bool:
        """Do so in the midst of reading. Raises ReadAgain where that takes long: then nothing is held any more."""
        patience_s = GIVES_BACK_AFTER_S if self._room.held_bytes(self) else None
        try:
            return to_bytes > SMALL_BYTES_MAX and await self._room.grow(self, to_bytes, patience_s=patience_s)
        except TimeoutError:
            self._room.end(self)
            raise ReadAgain from None

    def settle(self, to_bytes: int) -> None:
        """Hold as much as is there in fact, be it more or less than was thought."""
        if to_bytes > SMALL_BYTES_MAX or self._room.has(self):
            self._room.settle(self, to_bytes)


def weight(*, answer: int, last: int, document: int) -> int:
    """Say what a poll holds, in bytes: an answer, the document before it and the one that it becomes."""
    return answer + last + COPIES * document
