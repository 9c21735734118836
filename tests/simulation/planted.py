"""
Bugs of the protocol, put in on purpose: the simulation must notice each of them.

Each is a mistake that somebody could make in good faith, most of them one that a published system has made.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from contracts.table import fleet, heads
from contracts.table.fleet import Shard
from contracts.table.heads import Head
from contracts.table.values import bind, write_item
from monitor_fleet import liveness, renewal
from monitor_fleet.commit import Committer
from monitor_fleet.errors import Ambiguous, Refused, StoreError
from monitor_fleet.holdings import Holdings
from monitor_fleet.leases import Leases
from monitor_fleet.lookout import Lookout
from monitor_fleet.renewal import RIGHT_S, Renewal, timed
from monitor_fleet.roster import Roster
from monitor_fleet.shard_rows import ShardRows

type Build = Callable[..., dict[str, Any]]


def _without(build: Build, part: str) -> Build:
    """Build the same request, but leave a part of its condition out."""

    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = build(*args, **kwargs)
        assert part in request["ConditionExpression"]
        left = request["ConditionExpression"].replace(part, "")
        values = {
            name: value for name, value in request["ExpressionAttributeValues"].items() if _is_used(name, request, left)
        }
        return request | {"ConditionExpression": left, "ExpressionAttributeValues": values}

    return built


def _is_used(name: str, request: Mapping[str, Any], condition: str) -> bool:
    words = f"{request.get('UpdateExpression', '')} {condition}".replace(",", " ").split()
    return name in words


def _plain_load(table: str, source_id: str, *, epoch: int) -> dict[str, Any]:
    """Load a head and leave no trace in it."""
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "UpdateExpression": "SET loadedBy = :epoch",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeValues": bind({"epoch": epoch}),
        "ReturnValues": "ALL_NEW",
    }


def _fence_without_counter(build: Build) -> Build:
    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = build(*args, **kwargs)
        del request["ExpressionAttributeValues"][":one"]
        return request | {"UpdateExpression": "SET epoch = :epoch"}

    return built


def _join_without_mark(build: Build) -> Build:
    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {"TransactItems": build(*args, **kwargs)["TransactItems"][:1]}

    return built


def _release_from_the_start(build: Build) -> Build:
    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        request = build(*args, **kwargs)
        request["ExpressionAttributeValues"][":next"] = {"N": "0"}
        return request

    return built


def _edit_without_fence(table: str, source_id: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "UpdateExpression": "SET edited = :yes",
        "ExpressionAttributeValues": bind({"yes": True}),
    }


def _same_epoch(shard: fleet.Shard) -> dict[str, Any]:
    return {"ep": shard.epoch, "next": shard.epoch}


def _eventual(build: Build) -> Build:
    """Build the same read, but do not ask for it to be strong."""

    def built(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {name: value for name, value in build(*args, **kwargs).items() if name != "ConsistentRead"}

    return built


async def _stamped_late(self: Any, carried: Any) -> None:
    """Renew, and count the right from when the answer came."""
    await _renew(self, carried)
    if self.is_well:
        self._right_until_s = self._boot_now() + RIGHT_S


async def _join_grants(self: Any, shards: int) -> None:
    """Join, and take that for a right."""
    await _join(self, shards)
    self._right_until_s = self._boot_now() + RIGHT_S


async def _delete_released(self: Any, shard: Shard, *, why: Any) -> Shard:
    """Delete the row of a shard that is let go of."""
    del why
    await timed(
        self._store.delete({"TableName": self._table, "Key": write_item(fleet.shard_key(self._kind, shard.number))})
    )
    return shard


async def _reread(self: Any, watched: Any) -> Head:
    """After a commit without an answer, read the head and believe it."""
    if watched.head is None and watched.last_good_ms == _DOUBTED:
        item = await self.store.get(heads.get(self.tables.sheets_data, watched.target.id))
        if item:
            head = Head.read(item)
            if head.epoch == watched.shard.epoch:
                watched.head = head
                return head
    return await _load(self, watched)


_DOUBTED = -1


async def _doubted(self: Any, watched: Any, document: Any, validators: Any) -> None:
    try:
        await _commit(self, watched, document, validators)
    except Ambiguous:
        watched.head, watched.last_good_ms = None, _DOUBTED
        raise


async def _judges_in_trouble(self: Any) -> None:
    """Look, and judge whatever becomes of the own heartbeats."""
    self._may_judge = lambda: True
    await _look(self)


async def _lost_is_dead(self: Any, worker: Any, taken: frozenset[int]) -> bool:
    """Take a refusal for the end, whatever number the row shows."""
    try:
        await timed(self._store.update(fleet.renew(self._table, self._kind, worker, taken=taken)))
    except Refused:
        self.is_dead = True
        return False
    except StoreError:
        return False
    return True


def _reconcile_all(self: Any, row: Shard, worker_id: str) -> None:
    """Believe every row, however old the read is."""
    self._epochs[row.number] = 0
    _reconcile(self, row, worker_id)


_renew, _join, _look = Renewal.renew, Renewal.join, Lookout.look
_load, _commit, _reconcile = Committer.load, Committer.commit, Holdings.reconcile

#: Each bug: what is replaced where, and by what.
PLANTED: Mapping[str, list[tuple[object, str, Any]]] = {
    "renew-the-dead": [(fleet, "renew", _without(fleet.renew, " AND st <> :dead"))],
    "release-starts-epochs-again": [(fleet, "release", _release_from_the_start(fleet.release))],
    "plain-load": [(heads, "fence", _plain_load)],
    "fence-without-counter": [(heads, "fence", _fence_without_counter(heads.fence))],
    "hand-off-unconditional": [(fleet, "hand_off", _without(fleet.hand_off, " AND own = :owner AND ep = :ep"))],
    "claim-from-the-living": [(Roster, "is_gone", lambda _roster, _worker_id: True)],
    "epoch-not-bumped": [(fleet, "_epochs", _same_epoch)],
    "right-outlasts-observer": [(renewal, "RIGHT_S", 20.0)],
    "observer-impatient": [(liveness, "DEAD_AFTER_S", 2.0)],
    "validity-stamped-after-the-reply": [(Renewal, "renew", _stamped_late)],
    "joining-grants-the-right": [(Renewal, "join", _join_grants)],
    "eventual-roster-read": [(fleet, "roster", _eventual(fleet.roster))],
    "no-gap-rule": [(liveness, "READ_GAP_MAX_S", math.inf), (liveness, "LOOKED_WELL_S", -math.inf)],
    "no-brown-out-rules": [(Lookout, "look", _judges_in_trouble), (liveness, "MASS_SHARE", 1.0)],
    "mark-dead-whatever-moved": [(fleet, "mark_dead", _without(fleet.mark_dead, " AND hb = :seen"))],
    "reread-after-a-doubtful-commit": [(Committer, "load", _reread), (Committer, "commit", _doubted)],
    "old-rows-undo-moves": [(Holdings, "reconcile", _reconcile_all)],
    "join-leaves-no-mark": [(fleet, "join", _join_without_mark(fleet.join))],
    "delete-on-release": [(ShardRows, "release", _delete_released)],
    "claim-ignores-the-epoch": [(fleet, "claim", _without(fleet.claim, " AND ep = :ep"))],
    "edit-leaves-the-fence": [(heads, "close_door", _edit_without_fence)],
    "commit-without-fence": [(heads, "commit", _without(heads.commit, " AND fence = :fence"))],
    "lost-reply-is-a-lost-lease": [(Renewal, "_move", _lost_is_dead)],
    "right-not-asked": [(Leases, "may_act", lambda _leases: True)],
    "dead-hold-on": [(Holdings, "lose_all", lambda _holdings: None)],
}


@contextmanager
def planted(name: str | None) -> Iterator[None]:
    """Put a bug in for a while; none for None."""
    with ExitStack() as stack:
        for where, what, instead in PLANTED[name] if name else []:
            stack.enter_context(patch.object(where, what, instead))
        yield
