"""Who may be polled now: so many in flight in all, so many at one host. Pure."""

from collections import deque
from collections.abc import Iterator


class Admission[T]:
    """
    Lets polls in, and remembers who waits.

    A host at its cap makes only its own sources wait, so hosts that hang cannot starve the others. Waiting is
    bounded by the sources there are: each has at most one turn.
    """

    def __init__(self, *, in_flight_max: int, per_host_max: int) -> None:
        self._in_flight_max = in_flight_max
        self._per_host_max = per_host_max
        self._in_flight: dict[str, int] = {}
        self._total = 0
        self._waiting: dict[str, deque[T]] = {}
        # Hosts that have somebody waiting and room at the host: only the global cap holds these back.
        self._ready: dict[str, None] = {}  # an ordered set

    @property
    def in_flight(self) -> int:
        """Say how many polls are under way."""
        return self._total

    def turns_waiting(self) -> Iterator[T]:
        """Give the turns that wait."""
        for turns in self._waiting.values():
            yield from turns

    def enter(self, host: str, turn: T) -> bool:
        """Let a turn in, or make it wait; say which."""
        held = self._in_flight.get(host, 0)
        if self._total < self._in_flight_max and held < self._per_host_max:
            self._admit(host)
            return True
        self._waiting.setdefault(host, deque()).append(turn)
        if held < self._per_host_max:
            self._ready[host] = None
        return False

    def leave(self, host: str) -> list[T]:
        """End a poll; give the turns that are let in instead."""
        self._total -= 1
        self._in_flight[host] -= 1
        if not self._in_flight[host]:
            del self._in_flight[host]
        if host in self._waiting:
            self._ready[host] = None
        return self._let_in()

    def _let_in(self) -> list[T]:
        admitted: list[T] = []
        while self._ready and self._total < self._in_flight_max:
            host = next(iter(self._ready))
            del self._ready[host]
            turns = self._waiting[host]
            admitted.append(turns.popleft())
            self._admit(host)
            if not turns:
                del self._waiting[host]
            elif self._in_flight[host] < self._per_host_max:
                self._ready[host] = None
        return admitted

    def _admit(self, host: str) -> None:
        self._total += 1
        self._in_flight[host] = self._in_flight.get(host, 0) + 1
