"""How a worker does at one moment: what `/healthz` shows and the minute's metrics are made of."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.table.fleet import Tally

FAILED = "failed_"
TROUBLED = "own_trouble"


def tally(polls: Mapping[str, int]) -> Tally:
    """Sum up how polls ended."""
    return Tally(
        polls=sum(polls.values()),
        failed=sum(count for end, count in polls.items() if end.startswith(FAILED)),
        troubled=polls.get(TROUBLED, 0),
    )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Counts only grow, from the process's start on; `heartbeat_age_ms` is None before the first renewal."""

    worker: str
    kind: str
    may_act: bool
    is_ticking: bool
    """Due polls are looked for."""
    owned_shards: tuple[int, ...]
    sources: int
    failing_sources: int
    in_flight: int
    in_flight_slow: int
    """Those of them that take long."""
    large_bytes: int
    """What large answers under way hold."""
    large_waits: int
    """How many of them had to wait for room, from the process's start on."""
    overdue_ms: int
    overloaded: bool
    """Due times passed within the last seconds because polls had to wait."""
    circuits_open: int
    """Hosts at which all fail alike, asked by one source at a time."""
    blames_itself: bool
    """Most hosts ceased to answer at once: nothing is held against a source for now."""
    heartbeat_age_ms: int | None
    polls: Counter[str]
    """How polls ended: a rung of the ladder, `failed_<reason>` or `own_trouble` → how many."""
    skipped: Counter[str]
    """Due times without a poll of their own: `waiting` for room, `answering` (the source takes longer than its
    interval), `held_back` (its host wants to be left alone); and `not_counted`, failures taken for our own."""
    moves: Counter[str]
    """`gained`, `given`, `lost` → how many shards."""

    def plain(self) -> Mapping[str, Any]:
        """Give it as JSON."""
        return {
            "worker": self.worker,
            "kind": self.kind,
            "mayAct": self.may_act,
            "isTicking": self.is_ticking,
            "ownedShards": self.owned_shards,
            "sources": self.sources,
            "failingSources": self.failing_sources,
            "inFlight": self.in_flight,
            "inFlightSlow": self.in_flight_slow,
            "largeBytes": self.large_bytes,
            "largeWaits": self.large_waits,
            "overdueMs": self.overdue_ms,
            "overloaded": self.overloaded,
            "circuitsOpen": self.circuits_open,
            "blamesItself": self.blames_itself,
            "heartbeatAgeMs": self.heartbeat_age_ms,
            "polls": self.polls,
            "skipped": self.skipped,
            "moves": self.moves,
        }
