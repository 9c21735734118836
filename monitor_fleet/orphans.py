"""Shards that nobody living owns: since when I know of them, and when it is my turn to claim them."""

from collections.abc import Iterable, Mapping

from contracts.table.fleet import Shard
from monitor_fleet.roster import SHARD_COST, Roster, ranking

#: The first in the ranking claims at once, the second after this, everybody else after that.
RUNNER_UP_S = 0.3
ANYONE_S = 2.0
#: The better ranked may have many to claim: so much patience for each of them.
PATIENCE_S = 0.005
#: Of the mean: whoever has no room left may still be first, if only seldom: nobody else may be there.
ROOM_MIN = 0.001


class Orphans:
    """Remembers when each was first seen without an owner. Times are boot-clock seconds."""

    def __init__(self) -> None:
        self._since_s: dict[int, float] = {}

    def note(self, rows: Iterable[Shard], roster: Roster, *, now_s: float) -> dict[int, Shard]:
        """Find the orphans among all rows; `roster` was read after them."""
        found = {row.number: row for row in rows if row.owner is None or roster.is_gone(row.owner)}
        self._since_s = {number: self._since_s.get(number, now_s) for number in found}
        return found

    def turns(self, found: Mapping[int, Shard], worker_id: str, roster: Roster) -> dict[int, float]:
        """Say from when on this worker may claim each orphan, if it may at all."""
        ranked = rankings(found, roster)
        waits = (0.0, RUNNER_UP_S + PATIENCE_S * len(found), ANYONE_S + PATIENCE_S * len(found))
        return {
            number: self._since_s[number] + waits[min(names.index(worker_id), 2)]
            for number, names in ranked.items()
            if worker_id in names
        }


def rankings(found: Mapping[int, Shard], roster: Roster) -> dict[int, list[str]]:
    """
    Rank the workers that are up for each orphan, by how much room each has.

    What a dead worker told of its shards' loads is allotted heavy ones first, and each takes room from the worker that
    comes first for it: else chance would heap up what has to move again. Everything a dead worker had is reckoned with
    until the last of it is claimed, so that the ranks stay as they are while others claim.
    """
    owners = sorted({shard.owner for shard in found.values() if shard.owner} & roster.workers.keys())
    left = {n: load for name in owners for n, load in _costs(roster, name).items()}
    costs = {one.id: sum(load for n, load in _costs(roster, one.id).items() if n not in left) for one in roster.up()}
    if not costs:
        return {}
    mean = (sum(costs.values()) + sum(left.values())) / len(costs)
    ranked: dict[int, list[str]] = {}
    for number in sorted(left, key=lambda number: (-left[number], number)):
        ranked[number] = ranking(str(number), _rooms(costs, mean))
        costs[ranked[number][0]] += left[number]
    rooms = _rooms(costs, mean)
    return {number: ranked.get(number) or ranking(str(number), rooms) for number in found}


def _costs(roster: Roster, name: str) -> dict[int, float]:
    worker = roster.workers[name]
    return {number: worker.loads.get(number, 0.0) + SHARD_COST for number in worker.owned}


def _rooms(costs: Mapping[str, float], mean: float) -> dict[str, float]:
    return {name: max(ROOM_MIN, 1 - cost / mean) if mean else 1.0 for name, cost in costs.items()}
