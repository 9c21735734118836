"""Shards that nobody living owns: since when I know of them, and when it is my turn to claim them."""

from collections.abc import Iterable, Mapping

from contracts.table.fleet import Shard
from monitor_fleet.roster import Roster, ranking

#: The first in the ranking claims at once, the second after this, everybody else after that.
RUNNER_UP_S = 0.3
ANYONE_S = 2.0
#: The better ranked may have many to claim: so much patience for each of them.
PATIENCE_S = 0.005


class Orphans:
    """Remembers when each was first seen without an owner. Times are boot-clock seconds."""

    def __init__(self) -> None:
        self._since_s: dict[int, float] = {}

    def note(self, rows: Iterable[Shard], roster: Roster, *, now_s: float) -> dict[int, Shard]:
        """Find the orphans among all rows; `roster` was read after them."""
        found = {row.number: row for row in rows if row.owner is None or roster.is_gone(row.owner)}
        self._since_s = {number: self._since_s.get(number, now_s) for number in found}
        return found

    def turns(self, found: Iterable[int], worker_id: str, weights: Mapping[str, float]) -> dict[int, float]:
        """Say from when on this worker may claim each orphan, if it may at all."""
        if worker_id not in weights:
            return {}
        numbers = list(found)
        waits = (0.0, RUNNER_UP_S + PATIENCE_S * len(numbers), ANYONE_S + PATIENCE_S * len(numbers))
        return {
            number: self._since_s[number] + waits[min(ranking(str(number), weights).index(worker_id), 2)]
            for number in numbers
        }
