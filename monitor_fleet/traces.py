"""
Traces of changes for AWS X-Ray: from the poll that saw one to the queue that was told.

The Lambda behind the queue goes on with the same trace, by the header that travels beside the message, and AWS records
that part itself. Without a `Traces` nothing is drawn, kept or sent. The document is written here, not by X-Ray's SDK,
which ends in 2027, nor by OpenTelemetry, which would need a collector beside each worker: it is one dict. Its form:
AWS, "X-Ray segment documents"; the header's: AWS, "X-Ray tracing header".
"""

import json
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.clock import SECOND_MS, NowMs
from contracts.table.heads import Head
from monitor_fleet.errors import StoreError

log = logging.getLogger(__name__)

#: What waits while X-Ray does not answer; the oldest goes first.
WAITING_MAX = 1_000
#: X-Ray's own daemon sends as many at once; a segment of ours has 1 kB, a request may have 64 kB of each.
BATCH_MAX = 50
SEND_EVERY_S = 1.0
HUNDRED = 100
_TRACE_BITS, _SEGMENT_BITS = 96, 64

#: Sends segment documents and says how many X-Ray did not take; raises a StoreError.
type Send = Callable[[Sequence[str]], Awaitable[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One change on its way. Times are wall clock; `id`, `segment` and `telling` are ids as X-Ray writes them."""

    id: str
    segment: str
    telling: str
    sampled: bool
    source_id: str
    version: int
    begun_ms: int
    seen_ms: int
    committed_ms: int

    @property
    def header(self) -> str:
        """Say to whom the message comes what it is part of, and whether that is recorded."""
        return f"Root={self.id};Parent={self.telling};Sampled={int(self.sampled)}"


class Traces:
    """Records `percent` of all changes. `name` is the worker's service on the map, `queue_url` what it tells."""

    def __init__(
        self, *, percent: int, name: str, queue_url: str, send: Send, now_ms: NowMs, chance: random.Random,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._percent = percent
        self._name = name
        self._queue_url = queue_url
        self._send = send
        self._now_ms = now_ms
        self._chance = chance
        self._sleep = sleep
        self._waiting: deque[str] = deque(maxlen=WAITING_MAX)
        self._dropped = 0

    def begin(self, head: Head, *, begun_ms: int, seen_ms: int) -> Trace:
        """Begin with what was just committed; the poll that saw it began at `begun_ms` and knew at `seen_ms`."""
        now_ms = self._now_ms()
        return Trace(
            id=f"1-{begun_ms // SECOND_MS:08x}-{self._chance.getrandbits(_TRACE_BITS):024x}",
            segment=self._id(),
            telling=self._id(),
            sampled=self._chance.random() * HUNDRED < self._percent,
            source_id=head.source_id,
            version=head.version,
            begun_ms=begun_ms,
            seen_ms=seen_ms,
            committed_ms=now_ms,
        )

    def told(self, trace: Trace) -> None:
        """End with the queue knowing; it is sent with the next batch."""
        if not trace.sampled:
            return
        self._dropped += len(self._waiting) == WAITING_MAX
        self._waiting.append(json.dumps(self._segment(trace, told_ms=self._now_ms()), separators=(",", ":")))

    async def run(self) -> None:
        """Send what waits, each second, until cancelled; and once more then."""
        try:
            while True:
                await self._sleep(SEND_EVERY_S)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Send what waits. What X-Ray cannot take now waits on, and never holds up a change."""
        if self._dropped:
            log.warning("traces_dropped", extra={"count": self._dropped})
            self._dropped = 0
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            try:
                refused = await self._send(batch)
            except StoreError as error:
                self._waiting.extendleft(reversed(batch))
                log.warning("traces_wait", extra={"count": len(self._waiting), "error": str(error)})
                return
            if refused:
                log.warning("traces_refused", extra={"count": refused})

    def _segment(self, trace: Trace, *, told_ms: int) -> Mapping[str, Any]:
        sqs = {"operation": "SendMessage", "queue_url": self._queue_url}
        return {
            "trace_id": trace.id,
            "id": trace.segment,
            "name": self._name,
            **_span(trace.begun_ms, told_ms),
            "annotations": {"source": trace.source_id, "version": trace.version},
            "subsegments": [
                {"id": self._id(), "name": "poll", **_span(trace.begun_ms, trace.seen_ms)},
                {"id": self._id(), "name": "commit", **_span(trace.seen_ms, trace.committed_ms)},
                {
                    "id": trace.telling, "name": "SQS", "namespace": "aws", "aws": sqs,
                    **_span(trace.committed_ms, told_ms),
                },
            ],
        }  # fmt: skip

    def _id(self) -> str:
        return f"{self._chance.getrandbits(_SEGMENT_BITS):016x}"


def _span(begin_ms: int, end_ms: int) -> dict[str, float]:
    return {"start_time": begin_ms / SECOND_MS, "end_time": max(begin_ms, end_ms) / SECOND_MS}
