"""
Who may be polled now: so many under way in all, so many at one host and not too close together. Pure.

Two lanes, each with places of its own: a host is in the slow one from its first poll that takes long to its first that
does not, and a poll that takes long goes over to it while it is under way. So hosts that hang, however many, wait for
each other and hold up nobody who answers.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

#: A poll under way for longer gives its place in the fast lane up.
SLOW_AFTER_MS = 1_000
#: More polls that hang than this many times the lane's places keep the places they have.
LINGER_MAX_FACTOR = 16


class Entrant(Protocol):
    """What wants in. `slow` says in which lane its place is."""

    slow: bool

    @property
    def host(self) -> str:
        """The host that it asks."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class HostCap:
    """What one worker may do to one host: so many at once, and so long from one beginning to the next."""

    at_once_max: int
    gap_ms: int = 0

    def share(self, share: float) -> "HostCap":
        """Give the part of it that a worker has which holds a share of the shards; never less than one at a time."""
        return HostCap(
            at_once_max=max(1, math.ceil(self.at_once_max * share - 1e-9)),
            gap_ms=math.ceil(self.gap_ms / share) if self.gap_ms else 0,
        )


@dataclass(kw_only=True, slots=True)
class _Lane:
    """So many places, and the hosts that have somebody waiting for one and may be asked now."""

    places: int
    taken: int = 0
    ready: dict[str, None] = field(default_factory=dict)  # an ordered set


class Admission[T: Entrant]:
    """
    Lets polls in, and remembers who waits.

    Waiting is bounded by the sources there are: each has at most one turn. `cap` may be set anew at any time: a
    worker's share of the shards changes.
    """

    def __init__(self, *, in_flight_max: int, slow_max: int, cap: HostCap) -> None:
        self.cap = cap
        self._fast = _Lane(places=in_flight_max)
        self._slow = _Lane(places=slow_max)
        self._in_flight: dict[str, int] = {}
        self._waiting: dict[str, deque[T]] = {}
        self._slow_hosts: set[str] = set()
        #: Hosts asked a moment ago, by when they may be asked again.
        self._resting: dict[str, int] = {}
        self._rests: list[tuple[int, str]] = []

    @property
    def in_flight(self) -> int:
        """Say how many polls are under way."""
        return self._fast.taken + self._slow.taken

    @property
    def in_flight_slow(self) -> int:
        """Say how many of them take long."""
        return self._slow.taken

    def turns_waiting(self) -> Iterator[T]:
        """Give the turns that wait."""
        for turns in self._waiting.values():
            yield from turns

    def enter(self, turn: T, now_ms: int) -> bool:
        """Let a turn in, or make it wait; say which."""
        host = turn.host
        lane = self._lane(host)
        if host not in self._waiting and lane.taken < lane.places and self._may_ask(host):
            self._admit(turn, lane, now_ms)
            return True
        self._waiting.setdefault(host, deque()).append(turn)
        self._offer(host)
        return False

    def leave(self, turn: T, now_ms: int, *, took_ms: int) -> list[T]:
        """End a poll; give the turns that are let in instead."""
        host = turn.host
        self._place_of(turn).taken -= 1
        self._in_flight[host] -= 1
        if not self._in_flight[host]:
            del self._in_flight[host]
        self._move(host, slow=took_ms >= SLOW_AFTER_MS)
        self._offer(host)
        return self._let_in(now_ms)

    def linger(self, turn: T, now_ms: int) -> list[T]:
        """Take a poll that goes on for long out of the fast lane; give the turns that are let in instead."""
        if turn.slow or self._slow.taken >= LINGER_MAX_FACTOR * self._slow.places:
            return []
        turn.slow = True
        self._fast.taken -= 1
        self._slow.taken += 1
        self._move(turn.host, slow=True)
        return self._let_in(now_ms)

    def wake(self, now_ms: int) -> list[T]:
        """Let in who only waited for a host's rest to end."""
        while self._rests and self._rests[0][0] <= now_ms:
            until_ms, host = heapq.heappop(self._rests)
            if self._resting.get(host) == until_ms:
                del self._resting[host]
                self._offer(host)
        return self._let_in(now_ms)

    def next_ms(self) -> int | None:
        """Say when a host's rest ends."""
        return self._rests[0][0] if self._rests else None

    def _lane(self, host: str) -> _Lane:
        return self._slow if host in self._slow_hosts else self._fast

    def _place_of(self, turn: T) -> _Lane:
        return self._slow if turn.slow else self._fast

    def _may_ask(self, host: str) -> bool:
        return host not in self._resting and self._in_flight.get(host, 0) < self.cap.at_once_max

    def _offer(self, host: str) -> None:
        """Note that only its lane holds a host's turns back, if that is so."""
        if host in self._waiting and self._may_ask(host):
            self._lane(host).ready[host] = None

    def _move(self, host: str, *, slow: bool) -> None:
        if slow is (host in self._slow_hosts):
            return
        was_ready = host in self._lane(host).ready
        self._lane(host).ready.pop(host, None)
        (self._slow_hosts.add if slow else self._slow_hosts.discard)(host)
        if was_ready:
            self._lane(host).ready[host] = None

    def _let_in(self, now_ms: int) -> list[T]:
        admitted: list[T] = []
        for lane in (self._fast, self._slow):
            while lane.ready and lane.taken < lane.places:
                host = next(iter(lane.ready))
                del lane.ready[host]
                turns = self._waiting[host]
                turn = turns.popleft()
                if not turns:
                    del self._waiting[host]
                self._admit(turn, lane, now_ms)
                admitted.append(turn)
                self._offer(host)
        return admitted

    def _admit(self, turn: T, lane: _Lane, now_ms: int) -> None:
        host = turn.host
        turn.slow = lane is self._slow
        lane.taken += 1
        self._in_flight[host] = self._in_flight.get(host, 0) + 1
        gap_ms = self.cap.gap_ms
        if gap_ms:
            self._resting[host] = now_ms + gap_ms
            heapq.heappush(self._rests, (now_ms + gap_ms, host))
