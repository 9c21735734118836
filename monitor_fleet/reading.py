"""How a worker does at one moment: what `/healthz` shows and the minute's metrics are made of."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Counts only grow, from the process's start on; `heartbeat_age_ms` is None before the first renewal."""

    worker: str
    kind: str
    may_act: bool
    owned_shards: tuple[int, ...]
    sources: int
    failing_sources: int
    in_flight: int
    overdue_ms: int
    heartbeat_age_ms: int | None
    polls: Counter[str]
    """How polls ended: a rung of the ladder, `failed_<reason>` or `own_trouble` → how many."""
    moves: Counter[str]
    """`gained`, `given`, `lost` → how many shards."""

    def plain(self) -> Mapping[str, Any]:
        """Give it as JSON."""
        return {
            "worker": self.worker,
            "kind": self.kind,
            "mayAct": self.may_act,
            "ownedShards": self.owned_shards,
            "sources": self.sources,
            "failingSources": self.failing_sources,
            "inFlight": self.in_flight,
            "overdueMs": self.overdue_ms,
            "heartbeatAgeMs": self.heartbeat_age_ms,
            "polls": self.polls,
            "moves": self.moves,
        }
