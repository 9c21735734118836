"""
When each source is due: pure, on the wall clock.

A source's due times are a grid: its interval, shifted by its phase, which is a hash of what it requests. So they are
the same on every worker and after every restart, they do not drift, sources spread over the interval by themselves,
and those that share a request are due together.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from contracts.clock import SECOND_MS

#: A due time that fell into the last so many ms is made up for when nobody says that it was served: a dead worker's
#: shards are owned again within this time.
TAKEOVER_MS = 15 * SECOND_MS
SPREAD_MAX_MS = 30 * SECOND_MS


def grid_after(request: int, interval_ms: int, after_ms: int) -> int:
    """Give the first due time of a grid after a moment; `request` is the hash that shifts it."""
    return after_ms + interval_ms - (after_ms - request) % interval_ms


def first_due(request: int, interval_ms: int, *, now_ms: int, through_ms: int) -> int:
    """
    Give the first due time for a new owner: nothing skipped, nothing doubled.

    `through_ms` is up to where the last owner served; a long outage is not made up for, except its last interval.
    """
    due_ms = grid_after(request, interval_ms, max(through_ms, now_ms - TAKEOVER_MS))
    # Of several missed due times the last one stands for all.
    return due_ms if due_ms > now_ms else grid_after(request, interval_ms, now_ms - interval_ms)


def spread_ms(request: int, interval_ms: int) -> int:
    """Say how long after a common moment a source has its turn, so that those who waited for it do not come at once."""
    return request % min(interval_ms, SPREAD_MAX_MS)


class Due(NamedTuple):
    """A source's turn."""

    source_id: str
    at_ms: int


class Schedule:
    """
    A heap of turns. A source has at most one: whoever takes it gives the next, so no two polls of it overlap.

    Entries whose turn was moved or removed stay in the heap until they come up.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._turn_ms: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._turn_ms)

    def set(self, source_id: str, at_ms: int) -> None:
        """Give a source its turn, instead of the one it had."""
        self._turn_ms[source_id] = at_ms
        heapq.heappush(self._heap, (at_ms, source_id))

    def remove(self, source_id: str) -> int | None:
        """Take a source's turn away; when it was to be, if it had one."""
        return self._turn_ms.pop(source_id, None)

    def take(self, now_ms: int, *, limit: int) -> Iterator[Due]:
        """Take the turns that have come, oldest first."""
        for _ in range(limit):
            at_ms = self.next_ms()
            if at_ms is None or at_ms > now_ms:
                return
            _, source_id = heapq.heappop(self._heap)
            del self._turn_ms[source_id]
            yield Due(source_id=source_id, at_ms=at_ms)

    def next_ms(self) -> int | None:
        """Say when the next turn comes."""
        while self._heap:
            at_ms, source_id = self._heap[0]
            if self._turn_ms.get(source_id) == at_ms:
                return at_ms
            heapq.heappop(self._heap)
        return None

    def overdue_ms(self, now_ms: int) -> int:
        """Say by how much the oldest turn is late."""
        at_ms = self.next_ms()
        return 0 if at_ms is None else max(0, now_ms - at_ms)
