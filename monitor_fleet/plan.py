"""
Who should own what: pure functions of the roster, so that every worker comes to the same plan and does only its part.

The living give, only the dead are robbed: a plan is a list of gives, each performed by the worker that owns the shard.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.table.fleet import UP, Worker
from monitor_fleet.roster import cost

#: Begin to move above `ACT` times the mean (or below its half: a newcomer), then go on until `REST` is reached.
ACT = 1.10
ACT_BELOW = 0.5
REST = 1.03
#: Above this the whole plan is performed at once; below it is only tuning, a few shards at a time.
URGENT = 1.25
TUNING_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class Give:
    """One shard, from the worker that owns it to another."""

    shard: int
    giver: str
    target: str


def plan(workers: Sequence[Worker], *, shards: int) -> list[Give]:
    """Plan the gives that bring the workers that are up closer together; none if they are close enough."""
    loads = _loads(workers)
    if len(loads) < 2:  # noqa: PLR2004 - one worker has nobody to give to
        return []
    mean = sum(load.cost for load in loads) / len(loads)
    heaviest, lightest = max(loads, key=_heavy), min(loads, key=_heavy)
    if heaviest.cost <= ACT * mean and lightest.cost >= ACT_BELOW * mean:
        return []
    urgent = heaviest.cost > URGENT * mean or lightest.cost < ACT_BELOW * mean
    return _gives(loads, mean, gives_max=shards if urgent else max(1, int(TUNING_SHARE * shards)))


def partings(workers: Sequence[Worker], leaver: str, owned: Iterable[int]) -> list[tuple[int, str | None]]:
    """Find a target for each shard of a worker that leaves: always the lightest; None if nobody is up."""
    loads = _loads([worker for worker in workers if worker.id != leaver])
    found: list[tuple[int, str | None]] = []
    for shard in sorted(owned):
        target = min(loads, key=_heavy, default=None)
        if target:
            target.cost += 1
        found.append((shard, target.id if target else None))
    return found


@dataclass(kw_only=True)
class _Load:
    """A worker while the plan is made: its shards yet to give, its cost, and what one shard of it costs."""

    id: str
    shards: list[int]
    cost: float
    each: float


def _loads(workers: Sequence[Worker]) -> list[_Load]:
    return [
        _Load(id=one.id, shards=sorted(one.owned), cost=cost(one), each=cost(one) / max(1, len(one.owned)))
        for one in sorted(workers, key=lambda worker: worker.id)
        if one.state == UP
    ]


def _heavy(load: _Load) -> tuple[float, str]:
    return load.cost, load.id


def _gives(loads: list[_Load], mean: float, *, gives_max: int) -> list[Give]:
    gives: list[Give] = []
    while len(gives) < gives_max:
        giver, target = max(loads, key=_heavy), min(loads, key=_heavy)
        at_rest = giver.cost <= REST * mean and target.cost >= (2 - REST) * mean
        if at_rest or not giver.shards or giver.cost - target.cost <= giver.each:
            break
        gives.append(Give(shard=giver.shards.pop(), giver=giver.id, target=target.id))
        giver.cost -= giver.each
        target.cost += giver.each
    return gives
