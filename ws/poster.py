"""
The posts of a pass over kept-alive sockets of our own: eight times what boto3 sends with the same CPU.

An event loop in a thread of its own, so that its sockets live from one invocation to the next, serves any number of
deliveries side by side. Each has lanes, each lane a socket, each socket one request at a time.
"""

import asyncio
import hashlib
import random
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Protocol, cast, override
from urllib.parse import urlsplit

from ws.line import Line, LineLost
from ws.pace import WINDOW_S, Meant, Pace
from ws.post import Letter, Outcome, Post, Tally
from ws.signature import Sealed

#: More sockets per delivery send no more: handshakes eat it (measured, 12 ms round trip).
LANES_MAX = 64
#: A few posts share a socket where the audience is small: a handshake costs as much as some round trips.
LANES_MIN = 8
POSTS_PER_LANE = 4
#: The SDK's own time-outs are a minute each: a hung socket would eat the whole invocation.
CONNECT_S = 1.0
READ_S = 2.0
#: Sockets that rest between deliveries.
IDLE_MAX = 2 * LANES_MAX
#: Beyond its time a delivery waits so long for its loop, which may be busy with another.
GRACE_S = 1.0
#: Sockets need a few turns of the loop to close.
HANG_UP_S = 0.02
#: How often an answer that does not come is looked for.
WATCH_S = 0.1
#: A seal is in force for five minutes (AWS).
SEAL_S = 60.0
#: 5xx, resets and refused connections are tried so often in all, silence once less: it takes longest.
TRIES_MAX, SILENT_TRIES_MAX = 3, 2
#: The pause after the first failed try, doubled with each further, and drawn between half and three halves.
RETRY_S = 0.05
#: So often in a row one client's full buffer is waited for (0.7 s in all), and so long first, doubled each time.
FULL_MAX = 4
FULL_S = 0.1
#: Where so few of a delivery's letters are left, and nothing passed for a window, each is refused for its own sake.
FEW_LEFT = 0.2
#: What the account's quota leaves to nobody is asked for again after this, drawn likewise.
THROTTLED_S = 0.3

OK, REDIRECT, SERVER_ERROR = 200, 300, 500
POST, DELETE = "POST", "DELETE"
NO_BODY = hashlib.sha256(b"").hexdigest()


class Signing(Protocol):
    """Seals moments; `ws.signature.Signer`, and unsigned in benches."""

    def seal(self, now_s: float) -> Sealed:
        """Fix the moment and the credentials of the next requests."""
        ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the gateway is. `netloc` is host and port as the address says them, `path` the stage's."""

    host: str
    port: int
    tls: bool
    netloc: str
    path: str

    @classmethod
    def read(cls, url: str) -> "Place":
        """Read it from the address to post to."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        return cls(host=parts.hostname or "", port=port, tls=tls, netloc=parts.netloc, path=parts.path.rstrip("/"))


@dataclass(slots=True)
class _Job:
    """A letter under way; `at` is the frame that is posted next."""

    index: int
    verb: str
    connection_id: str
    frames: Sequence[bytes]
    at: int = 0
    tries: int = 0
    full: int = 0


class _Delivery:
    """Letters under way together."""

    def __init__(self, jobs: Sequence[_Job], loop: asyncio.AbstractEventLoop) -> None:
        self.outcomes = [Outcome.LATER] * len(jobs)
        self.ready = deque(job for job in jobs if job.frames)
        for job in jobs:
            if not job.frames:
                self.outcomes[job.index] = Outcome.SENT
        self.left = len(self.ready)
        self.hashes: dict[bytes, str] = {}
        self.lanes: set[asyncio.Task[None]] = set()
        self.over = loop.create_future()
        if not self.left:
            self.over.set_result(None)

    def settle(self, job: _Job, outcome: Outcome) -> None:
        """Write down how a letter fared."""
        self.outcomes[job.index] = outcome
        self.left -= 1
        if not self.left and not self.over.done():
            self.over.set_result(None)

    @property
    def is_mostly_settled(self) -> bool:
        """Say whether only a few letters are still under way."""
        return self.left <= FEW_LEFT * len(self.outcomes)

    def check(self, lane: asyncio.Task[None]) -> None:
        """Let an error of ours end the whole delivery, not one lane in silence."""
        if not lane.cancelled() and (error := lane.exception()) and not self.over.done():
            self.over.set_exception(error)

    def body_hash(self, body: bytes) -> str:
        """Hash a body once for all who get it."""
        found = self.hashes.get(body)
        if found is None:
            found = self.hashes[body] = hashlib.sha256(body).hexdigest()
        return found


class Poster(Post):
    """Posts to one stage's connections. `tls` makes the context when the first socket needs it; `now_s` is the wall."""

    def __init__(
        self, url: str, signing: Signing, *, now_s: Callable[[], float], chance: random.Random,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:  # fmt: skip
        self._place, self._signing, self._now_s, self._chance = Place.read(url), signing, now_s, chance
        self._secure = cache(tls)
        self._pace, self._tally = Pace(LANES_MAX), Tally()
        self._idle: list[Line] = []
        self._busy: set[Line] = set()
        self._seal: Sealed | None = None
        self._sealed_at = self._passed_at = 0.0
        self._watching: asyncio.TimerHandle | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="poster", daemon=True)
        self._thread.start()

    @override
    def deliver(self, letters: Sequence[Letter], within_s: float) -> list[Outcome]:
        jobs = [_Job(i, POST, letter.connection_id, letter.frames) for i, letter in enumerate(letters)]
        return self._do(jobs, within_s)

    @override
    def close(self, connection_ids: Sequence[str], within_s: float) -> list[Outcome]:
        return self._do([_Job(i, DELETE, each, (b"",)) for i, each in enumerate(connection_ids)], within_s)

    @override
    def tally(self) -> Tally:
        tally, self._tally = self._tally, Tally()
        return tally

    def shut(self) -> None:
        """Close every socket and end the thread."""
        self._run(self._hang_up(), READ_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, jobs: Sequence[_Job], within_s: float) -> list[Outcome]:
        return self._run(self._serve(jobs, within_s), within_s) if jobs else []

    def _run[T](self, work: Coroutine[None, None, T], within_s: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s + GRACE_S)

    async def _serve(self, jobs: Sequence[_Job], within_s: float) -> list[Outcome]:
        delivery = _Delivery(jobs, self._loop)
        self._pace.roll(self._loop.time())
        self._reseal()
        ready = len(delivery.ready)
        self._open(delivery, min(ready, max(LANES_MIN, len(self._idle), ready // POSTS_PER_LANE)))
        if self._watching is None:
            self._watching = self._loop.call_later(WATCH_S, self._watch)
        await asyncio.wait([delivery.over], timeout=within_s)
        for lane in tuple(delivery.lanes):
            lane.cancel()
        # What a retry's timer still holds finds nobody to serve it.
        if not delivery.over.cancel():
            delivery.over.result()
        return delivery.outcomes

    def _open(self, delivery: _Delivery, lanes: int) -> None:
        """Open lanes, as many as the pace allows; each ends when nothing is ready for it."""
        for _ in range(min(lanes, self._pace.lanes - len(delivery.lanes))):
            lane = self._loop.create_task(self._lane(delivery))
            delivery.lanes.add(lane)
            lane.add_done_callback(delivery.check)

    async def _lane(self, delivery: _Delivery) -> None:
        """Serve letter after letter over one socket."""
        line: Line | None = None
        try:
            while delivery.ready and len(delivery.lanes) <= self._pace.lanes:
                line = await self._post(delivery, delivery.ready.popleft(), line)
        finally:
            delivery.lanes.discard(cast("asyncio.Task[None]", asyncio.current_task()))
            self._rest(line)

    def _rest(self, line: Line | None) -> None:
        if line and line.is_open and len(self._idle) < IDLE_MAX:
            line.rested = True
            self._idle.append(line)
        elif line:
            line.drop()

    async def _post(self, delivery: _Delivery, job: _Job, line: Line | None) -> Line | None:
        """Post a letter's next frames as far as they go; gives the socket if it can be used again."""
        while True:
            try:
                if line is None or not line.is_open:
                    line = None
                    line = await self._line()
                status = await self._ask(delivery, job, line)
            except (OSError, TimeoutError) as lost:
                self._lost(delivery, job, line, lost)
                return None
            if not OK <= status < REDIRECT:
                return self._refused(delivery, job, line, status)
            self._pace.passed()
            self._passed_at = self._loop.time()
            job.at, job.tries, job.full = job.at + 1, 0, 0
            if job.at == len(job.frames):
                delivery.settle(job, Outcome.SENT)
                return line

    async def _ask(self, delivery: _Delivery, job: _Job, line: Line) -> int:
        body = job.frames[job.at]
        body_hash = delivery.body_hash(body) if body else NO_BODY
        assert self._seal
        head = self._seal.head(job.verb, job.connection_id, body_hash=body_hash, body_bytes=len(body))
        answer: asyncio.Future[int] = self._loop.create_future()
        self._busy.add(line)
        self._tally.posts += 1
        try:
            line.ask(head, body, answer, self._loop.time())
            return await answer
        except asyncio.CancelledError:
            line.drop()
            raise
        finally:
            self._busy.discard(line)

    async def _line(self) -> Line:
        """Take the socket that rested shortest, or open one."""
        while self._idle:
            line = self._idle.pop()
            if line.is_open:
                return line
        place = self._place
        async with asyncio.timeout(CONNECT_S):
            _, line = await self._loop.create_connection(
                Line, place.host, place.port, ssl=self._secure() if place.tls else None
            )
        return line

    def _refused(self, delivery: _Delivery, job: _Job, line: Line, status: int) -> Line | None:
        """Act on a status that is not good; gives the socket if it can be used again."""
        match status:
            case _ if status >= SERVER_ERROR:
                line.drop()
                self._again(delivery, job, TRIES_MAX)
                return None
            case 410:
                delivery.settle(job, Outcome.GONE)
            case 413:
                delivery.settle(job, Outcome.TOO_LARGE)
            case 429:
                self._throttled(delivery, job)
            case _:
                delivery.settle(job, Outcome.FAILED)
        return line

    def _throttled(self, delivery: _Delivery, job: _Job) -> None:
        now = self._loop.time()
        is_among_the_last = delivery.is_mostly_settled and now - self._passed_at >= WINDOW_S
        if self._pace.refused(job.connection_id, now) is Meant.ACCOUNT and not is_among_the_last:
            self._tally.throttled += 1
            self._later(delivery, job, THROTTLED_S)
            return
        self._tally.slow += 1
        job.full += 1
        if job.full >= FULL_MAX:
            delivery.settle(job, Outcome.SLOW)
        else:
            self._later(delivery, job, FULL_S * 2 ** (job.full - 1))

    def _lost(self, delivery: _Delivery, job: _Job, line: Line | None, lost: Exception) -> None:
        """Try again on another socket what got no answer; the gateway may have done it, and a double is harmless."""
        overdue = line is not None and _is_overdue(line, self._loop.time())
        if line and line.rested and isinstance(lost, LineLost) and lost.silent and not overdue:
            # Closed while it rested, as the others may be: that was no try.
            self._forget_idle()
            delivery.ready.appendleft(job)
        else:
            self._again(delivery, job, SILENT_TRIES_MAX if overdue else TRIES_MAX)

    def _again(self, delivery: _Delivery, job: _Job, tries_max: int) -> None:
        job.tries += 1
        if job.tries >= tries_max:
            delivery.settle(job, Outcome.FAILED)
            return
        self._tally.retried += 1
        self._later(delivery, job, RETRY_S * 2 ** (job.tries - 1))

    def _later(self, delivery: _Delivery, job: _Job, pause_s: float) -> None:
        self._loop.call_later(pause_s * self._chance.uniform(0.5, 1.5), self._ready, delivery, job)

    def _ready(self, delivery: _Delivery, job: _Job) -> None:
        if not delivery.over.done():
            delivery.ready.append(job)
            self._open(delivery, 1)

    def _watch(self) -> None:
        """Drop sockets whose answer is overdue; one timer for all is cheaper than one for each post."""
        now = self._loop.time()
        for line in [line for line in self._busy if _is_overdue(line, now)]:
            line.drop()
        self._watching = self._loop.call_later(WATCH_S, self._watch) if self._busy else None

    def _reseal(self) -> None:
        now_s = self._now_s()
        if self._seal is None or not 0 <= now_s - self._sealed_at < SEAL_S:
            self._seal, self._sealed_at = self._signing.seal(now_s), now_s

    def _forget_idle(self) -> None:
        while self._idle:
            self._idle.pop().drop()

    async def _hang_up(self) -> None:
        if self._watching:
            self._watching.cancel()
        self._forget_idle()
        for line in tuple(self._busy):
            line.drop()
        await asyncio.sleep(HANG_UP_S)


def _is_overdue(line: Line, now: float) -> bool:
    return now - line.asked_at >= READ_S
