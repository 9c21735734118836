"""
Who is dead: a heartbeat number that has not moved on my own boot clock.

No two clocks are compared. What an observer may conclude depends on how well it looked: a gap between its reads, a
read that failed or a heartbeat of its own that failed means that the trouble may be its own, or the store's.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.table.fleet import DEAD, Worker

#: A worker's own right ends 5 s after it sent its last good renewal; 1 s is left for clocks that run unlike.
DEAD_AFTER_S = 6.0
#: For this long before a verdict the reads must have been good: at least one heartbeat and a time-out long.
LOOKED_WELL_S = 3.0
READ_GAP_MAX_S = 1.5
#: More than this share silent at once looks like the store's or the network's trouble: wait longer.
MASS_SHARE = 0.3
MASS_EXTRA_S = 2 * DEAD_AFTER_S
#: Who fell silent at one moment is seen so within a heartbeat: those who nearly are count as silent there.
HEARTBEAT_S = 2.0
#: A heartbeat and a time-out without a move: worth a closer look.
SUSPECT_AFTER_S = 3.0


def are_many(silent: int, *, of: int) -> bool:
    """Say whether so many are silent at once that every verdict waits for `MASS_EXTRA_S` longer."""
    return silent > max(1, MASS_SHARE * of)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    beat: int
    since_s: float


class Observer:
    """Remembers since when each heartbeat number has been what it is. Times are boot-clock seconds."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._well_since_s: float | None = None
        self._read_at_s = 0.0

    def failed(self) -> None:
        """Note that a read or an own heartbeat failed: what I do not see may live."""
        self._well_since_s = None

    def read(self, workers: Iterable[Worker], *, began_s: float, ended_s: float) -> None:
        """Note a strong read of the roster. What it shows may be as new as its end and as old as its begin."""
        if self._well_since_s is None or began_s - self._read_at_s > READ_GAP_MAX_S:
            self._well_since_s = ended_s
        self._read_at_s = began_s
        self._seen = {worker.id: self._note(worker, ended_s) for worker in workers}

    def dead(self, workers: Iterable[Worker]) -> list[Worker]:
        """List those of the roster just read that have been silent too long."""
        if self._well_since_s is None or self._read_at_s - self._well_since_s < LOOKED_WELL_S:
            return []
        living = [worker for worker in workers if worker.state != DEAD]
        silent = [worker for worker in living if self._silent_s(worker) >= DEAD_AFTER_S]
        nearly = sum(self._silent_s(worker) >= DEAD_AFTER_S - HEARTBEAT_S for worker in living)
        if not are_many(nearly, of=len(living)):
            return silent
        return [worker for worker in silent if self._silent_s(worker) >= DEAD_AFTER_S + MASS_EXTRA_S]

    def suspects(self, workers: Iterable[Worker]) -> list[Worker]:
        """List those of the roster just read that may be dying: look more often, and give them nothing."""
        living = (worker for worker in workers if worker.state != DEAD)
        return [worker for worker in living if self._silent_s(worker) >= SUSPECT_AFTER_S]

    def verdict_at_s(self) -> float:
        """Say when the next of those seen may have been silent too long, if it goes on: look again just then."""
        ahead = (seen.since_s + DEAD_AFTER_S for seen in self._seen.values())
        return min((at_s for at_s in ahead if at_s > self._read_at_s), default=math.inf)

    def _note(self, worker: Worker, ended_s: float) -> _Seen:
        seen = self._seen.get(worker.id)
        return seen if seen and seen.beat == worker.beat else _Seen(beat=worker.beat, since_s=ended_s)

    def _silent_s(self, worker: Worker) -> float:
        return self._read_at_s - self._seen[worker.id].since_s
