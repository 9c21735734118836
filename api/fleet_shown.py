"""What an operator is shown of one kind of worker: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from contracts.clock import iso
from contracts.table.fleet import Shard, Worker

#: The newest moves; each shard's last one stands in its row.
MOVES_MAX = 50


@dataclass(frozen=True, kw_only=True)
class Tasks:
    """How many tasks ECS is told to run, runs, and is about to."""

    desired: int
    running: int
    pending: int

    @classmethod
    def read(cls, service: Mapping[str, Any]) -> Self:
        """Read a service as DescribeServices gives it."""
        return cls(desired=service["desiredCount"], running=service["runningCount"], pending=service["pendingCount"])


def kind_shown(
    workers: Sequence[Worker], rows: Sequence[Shard], *, shards: int, tasks: Tasks | None, now_ms: int
) -> dict[str, Any]:
    """Show workers, owners, epochs and the newest moves, and what ECS says where it does."""
    owned = sorted((row for row in rows if row.owner), key=lambda row: row.number)
    return {
        "shards": shards,
        "tasks": vars(tasks) if tasks else None,
        "workers": [_worker(worker, now_ms) for worker in sorted(workers, key=lambda one: (one.started_ms, one.id))],
        "owners": {str(row.number): row.owner for row in owned},
        "epochs": {str(row.number): row.epoch for row in owned},
        "moves": _moves(rows),
    }


def _worker(worker: Worker, now_ms: int) -> dict[str, Any]:
    """Show one; the age compares two clocks, so it is for people only."""
    beat_at_ms = worker.beat_at_ms
    return {
        "id": worker.id,
        "state": worker.state,
        "deadBy": worker.dead_by,
        "release": worker.release,
        "startedAt": iso(worker.started_ms),
        "beat": worker.beat,
        "beatAt": iso(beat_at_ms) if beat_at_ms else None,
        "beatAgeMs": max(0, now_ms - beat_at_ms) if beat_at_ms else None,
        "owned": len(worker.owned),
        "load": worker.load,
        "overdueMs": worker.overdue_ms,
        "overloaded": worker.overloaded,
        "polls": vars(worker.tally),
    }


def _moves(rows: Sequence[Shard]) -> list[dict[str, Any]]:
    moved = sorted((row.move.at_ms, row.number, row) for row in rows if row.move)
    return [
        {
            "shard": row.number, "at": iso(at_ms), "why": row.move.why, "from": row.move.giver, "to": row.owner,
            "epoch": row.epoch,
        }
        for at_ms, _, row in reversed(moved[-MOVES_MAX:])
        if row.move
    ]  # fmt: skip
