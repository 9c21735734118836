"""
What each shard costs this worker, measured: CPU, lag of the loop, bytes.

The process's CPU time and the time by which the loop was late are shared out by what the polls of each shard brought;
bytes count on top, because large documents are worked on in other processes, whose time is not in this one's.
"""

from collections import Counter
from collections.abc import Callable

from contracts.clock import SECOND_MS

#: A sample is this long; each one moves the average by `ALPHA`.
SAMPLE_S = 30.0
ALPHA = 0.3
#: A poll that brings nothing costs as much as so many bytes.
POLL_BYTES = 16 * 1_024
#: Decoding, hashing and parsing a megabyte, in ms of work.
MEGABYTE_MS = 10.0
_MEGABYTE = 1 << 20


class Burden:
    """Loads by shard, in ms of work per second. `cpu_now` is the process's CPU time, `boot_now` a clock (both s)."""

    def __init__(self, *, cpu_now: Callable[[], float], boot_now: Callable[[], float]) -> None:
        self._cpu_now = cpu_now
        self._boot_now = boot_now
        self._loads: dict[int, float] = {}
        self._begin()

    def note_poll(self, shard: int, *, taken_bytes: int) -> None:
        """Count a poll, and what it brought."""
        self._parts[shard] += POLL_BYTES + taken_bytes
        self._bytes[shard] += taken_bytes

    def note_lag(self, late_s: float) -> None:
        """Count by how much the loop came late."""
        self._lag_s += max(0.0, late_s)

    def drop(self, shard: int) -> None:
        """Forget a shard that is no longer held."""
        self._loads.pop(shard, None)
        self._parts.pop(shard, None)
        self._bytes.pop(shard, None)

    def loads(self) -> dict[int, float]:
        """Give the loads of the shards measured so far; a sample that is complete counts first."""
        if self._boot_now() - self._began_s >= SAMPLE_S:
            self._sample()
        return dict(self._loads)

    def _sample(self) -> None:
        seconds = self._boot_now() - self._began_s
        work_ms = (self._cpu_now() - self._began_cpu_s + self._lag_s) * SECOND_MS / seconds
        parts = sum(self._parts.values())
        for shard in self._loads.keys() | self._parts.keys():
            share = self._parts[shard] / parts if parts else 0.0
            load = work_ms * share + self._bytes[shard] / _MEGABYTE * MEGABYTE_MS / seconds
            before = self._loads.get(shard, load)
            self._loads[shard] = before + ALPHA * (load - before)
        self._begin()

    def _begin(self) -> None:
        self._began_s, self._began_cpu_s, self._lag_s = self._boot_now(), self._cpu_now(), 0.0
        self._parts: Counter[int] = Counter()
        self._bytes: Counter[int] = Counter()
