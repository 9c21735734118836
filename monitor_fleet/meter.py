"""
A line of metrics a minute.

What is counted is counted anyway; here it is read, so that a poll costs nothing more for being measured. The line is
one of the log (`contracts.metrics`): no client, no right, no request.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from contracts import metrics
from contracts.clock import NowMs
from contracts.metrics import Metric, Value, embed
from monitor_fleet.lags import Lags
from monitor_fleet.poll import Rung
from monitor_fleet.reading import FAILED, Reading, tally

log = logging.getLogger(__name__)

#: What is worst for a moment only must be seen too.
SAMPLE_EVERY_S = 1.0
SAMPLES_PER_LINE = 60

_RUNGS: Mapping[Rung, Metric] = {
    Rung.NOT_MODIFIED: metrics.POLLS_NOT_MODIFIED,
    Rung.SAME_WIRE: metrics.POLLS_SAME_WIRE,
    Rung.SAME_DECODED: metrics.POLLS_SAME_DECODED,
    Rung.SAME_DOCUMENT: metrics.POLLS_SAME_DOCUMENT,
    Rung.CHANGED: metrics.COMMITS,
}
_MOVES: Mapping[str, Metric] = {
    "gained": metrics.SHARDS_GAINED,
    "given": metrics.SHARDS_GIVEN,
    "lost": metrics.SHARDS_LOST,
}
#: Events of the log that are counted.
_EVENTS: Mapping[str, Metric] = {
    "fence_refused": metrics.FENCES_REFUSED,
    "marked_dead": metrics.WORKERS_MARKED_DEAD,
    "self_fenced": metrics.SELF_FENCES,
}


class Meter:
    """Reads one worker. `events` counts what was logged, by event; `dimensions` are the metrics'."""

    def __init__(
        self, *, read: Callable[[], Reading], lags: Lags, events: Counter[str], dimensions: Mapping[str, str],
        now_ms: NowMs, sleep: Callable[[float], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._read = read
        self._lags = lags
        self._events = events
        self._dimensions = dimensions
        self._now_ms = now_ms
        self._sleep = sleep
        self._told: dict[str, Counter[str]] = {}
        self._overdue_ms = 0
        self._heartbeat_age_ms = 0

    async def run(self) -> None:
        """Write a line a minute until cancelled, and one more then: the last minute counts too."""
        try:
            while True:
                for _ in range(SAMPLES_PER_LINE):
                    await self._sleep(SAMPLE_EVERY_S)
                    self._sample(self._read())
                self._try_to_write()
        finally:
            self._try_to_write()

    def write(self) -> None:
        """Write a line of what happened since the last."""
        reading = self._read()
        self._sample(reading)
        polls = self._since("polls", reading.polls)
        line = embed(self._values(reading, polls), dimensions=self._dimensions, at_ms=self._now_ms())
        failures = {end.removeprefix(FAILED): count for end, count in polls.items() if end.startswith(FAILED)}
        log.info("metrics", extra={"worker": reading.worker, "failures": failures, **line})
        self._overdue_ms = self._heartbeat_age_ms = 0

    def _try_to_write(self) -> None:
        try:
            self.write()
        except Exception:  # a mistake of ours here must not end the polling, nor pass in silence
            log.exception("metering_failed")

    def _sample(self, reading: Reading) -> None:
        self._overdue_ms = max(self._overdue_ms, reading.overdue_ms)
        self._heartbeat_age_ms = max(self._heartbeat_age_ms, reading.heartbeat_age_ms or 0)

    def _values(self, reading: Reading, polls: Counter[str]) -> dict[Metric, Value]:
        moves, events = self._since("moves", reading.moves), self._since("events", self._events)
        skipped = self._since("skipped", reading.skipped)
        lags, ended = self._lags.take(0.5, 0.99) or (), tally(polls)
        return {
            **dict(zip((metrics.POLL_LAG_P50, metrics.POLL_LAG_P99, metrics.POLL_LAG_MAX), lags, strict=False)),
            metrics.OVERDUE: self._overdue_ms,
            metrics.HEARTBEAT_AGE: self._heartbeat_age_ms,
            metrics.OWNED_SHARDS: len(reading.owned_shards),
            metrics.SOURCES: reading.sources,
            metrics.FAILING_SOURCES: reading.failing_sources,
            metrics.POLLS: ended.polls,
            metrics.POLLS_FAILED: ended.failed,
            metrics.POLLS_TROUBLED: ended.troubled,
            metrics.POLLS_STRETCHED: skipped["waiting"],
            metrics.POLLS_HELD_BACK: skipped["held_back"],
            metrics.CIRCUITS_OPEN: reading.circuits_open,
            **{metric: polls[rung.value] for rung, metric in _RUNGS.items()},
            **{metric: moves[name] for name, metric in _MOVES.items()},
            **{metric: events[name] for name, metric in _EVENTS.items()},
        }

    def _since(self, what: str, counted: Counter[str]) -> Counter[str]:
        """Say how far counts have grown since they were last asked for."""
        grown = counted - self._told.get(what, Counter())
        self._told[what] = Counter(counted)
        return grown
