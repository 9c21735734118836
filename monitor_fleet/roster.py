"""The roster as one strong query shows it: who lives, what they own, and who comes first for a shard."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.table.fleet import DEAD, UP, Worker

#: What a shard costs beside its measured load (ms of work per second): idle shards are spread evenly too.
SHARD_COST = 0.2


@dataclass(frozen=True, kw_only=True)
class Roster:
    """The workers of one kind at one moment."""

    workers: Mapping[str, Worker]

    @classmethod
    def read(cls, items: Iterable[Mapping[str, object]]) -> "Roster":
        """Read the rows of the query."""
        return cls(workers={worker.id: worker for worker in map(Worker.read, items)})

    def living(self) -> list[Worker]:
        """List those not marked dead; a state we do not know is a newer program's and alive."""
        return [worker for worker in self.workers.values() if worker.state != DEAD]

    def up(self) -> list[Worker]:
        """List those that may be given shards."""
        return [worker for worker in self.workers.values() if worker.state == UP]

    def is_gone(self, worker_id: str) -> bool:
        """
        Say whether a shard's owner is dead: marked so, or forgotten since.

        Absence counts only if this roster was read after the row that names the owner: a worker joins before it owns.
        """
        worker = self.workers.get(worker_id)
        return worker is None or worker.state == DEAD


def cost(worker: Worker) -> float:
    """Say what a worker carries: each shard's measured load, and a little for the shard itself."""
    return sum(worker.loads.values()) + SHARD_COST * len(worker.owned)


def ranking(name: str, weights: Mapping[str, float]) -> list[str]:
    """
    Rank workers for a shard by weighted rendezvous hashing: the same everywhere, and little moves when one goes.

    Highest `-weight / ln(h)` first, where h in (0, 1) is a hash of shard and worker.
    """
    return sorted(weights, key=lambda worker: (weights[worker] / math.log(_unit(f"{name}/{worker}")), worker))


def misplaced(living: Sequence[Worker], shards: int) -> bool:
    """Say whether some shard is in no living worker's set, or in two: a move is under way, or something is wrong."""
    seen = [shard for worker in living for shard in worker.owned]
    return len(seen) != shards or len(set(seen)) != shards


def _unit(text: str) -> float:
    return (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) + 0.5) / 2**48
