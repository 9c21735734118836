"""
Who should own what: pure functions of the roster, so that every worker comes to the same plan and does only its part.

The living give, only the dead are robbed: a plan is a list of gives, each performed by the worker that owns the shard.
Loads are what each worker measured of each of its shards (`monitor_fleet/burden.py`).
"""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from contracts.table.fleet import UP, Worker
from monitor_fleet.roster import SHARD_COST, cost

#: Begin to move above `ACT` times the mean (or below its half: a newcomer), then go on until `REST` is reached.
ACT = 1.10
ACT_BELOW = 0.5
REST = 1.03
#: Above this the whole plan is performed at once; below it is only tuning, a few shards at a time.
URGENT = 1.25
TUNING_SHARE = 0.01
#: A move must lower the heavier of the two by more than this share of what it moves: moving costs something too.
CHURN_PENALTY = 0.25


@dataclass(frozen=True, kw_only=True)
class Give:
    """One shard, from the worker that owns it to another."""

    shard: int
    giver: str
    target: str


def plan(
    workers: Sequence[Worker], *, shards: int, barred: Mapping[str, frozenset[int]] = MappingProxyType({})
) -> list[Give]:
    """
    Plan the gives that bring the workers that are up closer together; none if they are close enough.

    While programs of two releases run, only the newest is given to: what an old one got would soon move again. Only if
    the newest have enough and others still too little or too much, a deployment takes its time: then all are given to.
    Shards that were handed over lately (`young`) stay, unless the imbalance is urgent. `barred` says of targets which
    shards they must not get: who plans knows that of its own alone, and others need not know which of them it gives.
    """
    loads = _loads(workers)
    if len(loads) < 2:  # noqa: PLR2004 - one worker has nobody to give to
        return []
    mean = sum(load.cost for load in loads) / len(loads)
    if not mean:
        return []
    heaviest, lightest = max(load.cost for load in loads), min(load.cost for load in loads)
    if heaviest <= ACT * mean and lightest >= ACT_BELOW * mean:
        return []
    urgent = heaviest > URGENT * mean or lightest < ACT_BELOW * mean
    gives_max = shards if urgent else max(1, int(TUNING_SHARE * shards))
    gives = _Making(loads, mean, urgent=urgent, barred=barred).gives(gives_max)
    if gives or not urgent:
        return gives
    return _Making([replace(load, is_newest=True) for load in loads], mean, urgent=True, barred=barred).gives(shards)


def is_urgent(workers: Sequence[Worker]) -> bool:
    """Say whether those that are up are so uneven that waiting would help nobody."""
    costs = [cost(worker) for worker in workers if worker.state == UP]
    mean = sum(costs) / len(costs) if costs else 0.0
    return bool(mean) and (max(costs) > URGENT * mean or min(costs) < ACT_BELOW * mean)


def partings(
    workers: Sequence[Worker], leaver: str, owned: Iterable[int], loads: Mapping[int, float]
) -> list[tuple[int, str | None]]:
    """
    Find a target for each shard of a worker that leaves, heavy ones first; None if nobody is up.

    Always the lightest: of the newest release as long as that is not overloaded by it, else of all.
    """
    others = _loads([worker for worker in workers if worker.id != leaver])
    shards = sorted(owned, key=lambda shard: (-loads.get(shard, 0.0), shard))
    if not others:
        return [(shard, None) for shard in shards]
    enough = URGENT * (sum(one.cost for one in others) + _sum(shards, loads)) / len(others)
    found: list[tuple[int, str | None]] = []
    for shard in shards:
        load = loads.get(shard, 0.0) + SHARD_COST
        newest = [one for one in others if one.is_newest and one.cost + load <= enough]
        target = min(newest or others, key=_light)
        target.cost += load
        found.append((shard, target.id))
    return found


@dataclass(kw_only=True)
class _Load:
    """A worker while a plan is made: its cost, and its shards by cost (those that came lately apart)."""

    id: str
    cost: float
    is_newest: bool
    settled: list[tuple[float, int]]
    young: list[tuple[float, int]]


class _Making:
    """A plan in the making: two heaps of workers, heaviest and lightest first; entries that are out of date are cut."""

    def __init__(
        self, loads: Sequence[_Load], mean: float, *, urgent: bool, barred: Mapping[str, frozenset[int]]
    ) -> None:
        self._mean = mean
        self._urgent = urgent
        self._barred = barred
        self._givers = [(-load.cost, load.id, load) for load in loads]
        self._targets = [(load.cost, load.id, load) for load in loads if load.is_newest]
        heapq.heapify(self._givers)
        heapq.heapify(self._targets)

    def gives(self, gives_max: int) -> list[Give]:
        """Give from the heaviest that can give something useful to the lightest, until all are close."""
        made: list[Give] = []
        while len(made) < gives_max and self._givers:
            giver, target = _top(self._givers, -1), _top(self._targets, 1)
            if giver is None or target is None or self._is_at_rest(giver, target, begun=bool(made)):
                break
            found = self._pick(giver, target)
            if not found:
                heapq.heappop(self._givers)  # nothing it has would make things better
                continue
            load, shard = found
            made.append(Give(shard=shard, giver=giver.id, target=target.id))
            self._charge(giver, -load)
            self._charge(target, load)
        return made

    def _is_at_rest(self, giver: _Load, target: _Load, *, begun: bool) -> bool:
        low, high = (2 - REST, REST) if begun else (ACT_BELOW, ACT)
        return giver.cost <= high * self._mean and target.cost >= low * self._mean

    def _pick(self, giver: _Load, target: _Load) -> tuple[float, int] | None:
        """Take the heaviest shard that brings neither past the mean, else the lightest, if it helps enough."""
        if giver is target:
            return None
        gap = giver.cost - target.cost
        room = min(giver.cost - self._mean, REST * self._mean - target.cost)
        for shards in (giver.settled, giver.young) if self._urgent else (giver.settled,):
            free = self._free(shards, target)
            at = max(bisect_right(free, (room, 1 << 32)) - 1, 0)
            if free and free[at][0] * (1 + CHURN_PENALTY) < gap:
                found = free[at]
                shards.remove(found)
                return found
        return None

    def _free(self, shards: list[tuple[float, int]], target: _Load) -> list[tuple[float, int]]:
        """List those that may go to a target."""
        barred = self._barred.get(target.id)
        return [one for one in shards if one[1] not in barred] if barred else shards

    def _charge(self, one: _Load, load: float) -> None:
        one.cost += load
        heapq.heappush(self._givers, (-one.cost, one.id, one))
        if one.is_newest:
            heapq.heappush(self._targets, (one.cost, one.id, one))


def _top(heap: list[tuple[float, str, _Load]], sign: int) -> _Load | None:
    while heap and heap[0][0] * sign != heap[0][2].cost:
        heapq.heappop(heap)
    return heap[0][2] if heap else None


def _loads(workers: Sequence[Worker]) -> list[_Load]:
    up = sorted((worker for worker in workers if worker.state == UP), key=lambda worker: worker.id)
    newest = max(up, key=lambda worker: (worker.started_ms, worker.id)).release if up else ""
    return [
        _Load(
            id=one.id, cost=cost(one), is_newest=one.release == newest,
            settled=_by_cost(one, one.owned - one.young), young=_by_cost(one, one.owned & one.young),
        )
        for one in up
    ]  # fmt: skip


def _by_cost(worker: Worker, shards: Iterable[int]) -> list[tuple[float, int]]:
    return sorted((worker.loads.get(shard, 0.0) + SHARD_COST, shard) for shard in shards)


def _sum(shards: Sequence[int], loads: Mapping[int, float]) -> float:
    return sum(loads.get(shard, 0.0) for shard in shards) + SHARD_COST * len(shards)


def _light(load: _Load) -> tuple[float, str]:
    return load.cost, load.id
