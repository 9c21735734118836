"""The connections that the stand-in holds, and what a post to one of them comes to."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from local.gateway.limits import IDLE_S, LIFE_S, MESSAGE_BYTES_MAX, Bucket, Now, Quotas
from local.gateway.wire import GOING_AWAY

OK, NO_CONTENT, FORBIDDEN, GONE, TOO_LARGE, TOO_MANY = 200, 204, 403, 410, 413, 429
#: Instead of a status: the gateway never answers, or resets.
HANGS, RESETS = 0, -1


@dataclass(kw_only=True, eq=False)
class Held:
    """One connection. `send` takes a text, `waiting` counts bytes not read by the client, `shut` closes with a code."""

    id: str
    send: Callable[[bytes], object]
    waiting: Callable[[], int] = lambda: 0
    shut: Callable[[int], object] = lambda _: None
    is_open: bool = False
    opened_at: float = 0.0
    active_at: float = 0.0


@dataclass(kw_only=True)
class Hub:
    """
    All connections of one stage, and the account's quotas.

    `faults` gives the next answers to requests about a connection instead of the right ones, by verb and id.
    """

    now: Now
    quotas: Quotas = field(default_factory=Quotas)
    held: dict[str, Held] = field(default_factory=dict)
    faults: dict[tuple[str, str], Iterator[int]] = field(default_factory=dict)
    answers: dict[int, int] = field(default_factory=dict)
    requests: Bucket = field(init=False)
    connects: Bucket = field(init=False)
    #: Nobody is to be cut before: whoever comes or is served meanwhile stays for longer.
    _look_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.requests = Bucket(self.quotas.requests_per_s, self.quotas.requests_burst, self.now)
        self.connects = Bucket(self.quotas.connects_per_s, self.quotas.connects_burst, self.now)

    def open(self, held: Held) -> None:
        """Let a connection be posted to: its handshake is over."""
        held.is_open, held.opened_at, held.active_at = True, self.now(), self.now()
        self.held[held.id] = held

    def open_many(self, ids: Iterable[str], send: Callable[[str, bytes], object]) -> None:
        """Hold connections without sockets, for numbers that no machine has ports for."""
        for one in ids:
            self.open(Held(id=one, send=partial(send, one)))

    def post(self, connection_id: str, body: bytes) -> int:
        """Post to a connection; gives the status."""
        held = self.held.get(connection_id)
        if held is None or not held.is_open:
            return GONE
        if len(body) > MESSAGE_BYTES_MAX:
            return TOO_LARGE
        if held.waiting() + len(body) > self.quotas.buffer_bytes:
            return TOO_MANY
        held.active_at = self.now()
        held.send(body)
        return OK

    def cut(self, connection_id: str) -> int:
        """Close a connection; gives the status."""
        held = self.held.pop(connection_id, None)
        if held is None or not held.is_open:
            return GONE
        held.is_open = False
        held.shut(GOING_AWAY)
        return NO_CONTENT

    def answer(self, verb: str, connection_id: str, body: bytes) -> int:
        """Serve a signed request: the quota first, then a fault if one was planted, then what is right."""
        if not self.requests.take():
            return TOO_MANY
        fault = next(self.faults.get((verb, connection_id), iter(())), None)
        if fault is not None:
            return fault
        return self.post(connection_id, body) if verb == "POST" else self.cut(connection_id)

    def enforce(self) -> None:
        """Cut who was silent for 10 minutes, and who is 2 hours old."""
        now = self.now()
        if now < self._look_at:
            return
        ends = {held.id: min(held.active_at + IDLE_S, held.opened_at + LIFE_S) for held in self.held.values()}
        for connection_id, end in ends.items():
            if end <= now:
                self.cut(connection_id)
        self._look_at = min((end for end in ends.values() if end > now), default=now + IDLE_S)

    async def enforce_always(self, every_s: float) -> None:
        """Do so again and again."""
        while True:
            await asyncio.sleep(every_s)
            self.enforce()
