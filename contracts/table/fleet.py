"""
Requests to Fleet: heartbeats, shards, memberships and the configuration log of one kind of worker.

Liveness is "this heartbeat number has not moved on my own clock"; no request here compares two clocks. One row per
worker is written every two seconds, shard rows only when a shard changes hands, and they are never deleted: a
deleted row would start its epochs again.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

from contracts.clock import DAY_S, SECOND_MS
from contracts.kinds import SourceType
from contracts.sharding import SHARD_ROW_BUCKETS
from contracts.table.transaction import Act, transaction
from contracts.table.values import Item, bind, read_item, write_item

type Request = dict[str, Any]

UP, DRAINING, DEAD = "UP", "DRAIN", "DEAD"

#: Loads are kept in tenths of a ms of work per second, 16 bits each: more than that counts as that.
LOAD_STEPS = 10
LOAD_MAX = 0xFFFF / LOAD_STEPS

COUNTER = "#"
#: A worker that did not read the log for 5 s has lost its shards, and reads them anew when it claims them again.
LOG_TTL_S = DAY_S
#: A request is refused five minutes after it was signed (AWS), so no copy of a join is as late as that.
USED_TTL_S = DAY_S


class Why(StrEnum):
    """Why a shard changed hands: nobody owned it, its owner died, the plan evens loads out, its owner parts."""

    FREE = "free"
    DEAD = "dead"
    PLAN = "plan"
    DRAIN = "drain"


_ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How a worker's polls ended since it started: all, those that failed, those that we could not finish ourselves."""

    polls: int = 0
    failed: int = 0
    troubled: int = 0


@dataclass(frozen=True, kw_only=True)
class Worker:
    """
    A row of the roster: one process of the fleet.

    `owned` is the set of its shards, `loads` what each of them costs (ms of work per second) and `load` the sum;
    `young` are those handed to it less than a minute ago. `inbox` counts the times others rang it, `given` are the
    shards they say they handed over and it has not taken notice of; `overloaded` says that it polls less often than it
    was asked to; `tally` counts its polls; `release` names the program it runs; `dead_by` who marked it dead.
    """

    id: str
    state: str = UP
    beat: int = 0
    owned: frozenset[int] = frozenset()
    load: float = 0.0
    overdue_ms: int = 0
    overloaded: bool = False
    tally: Tally = Tally()
    started_ms: int = 0
    beat_at_ms: int = 0
    inbox: int = 0
    given: frozenset[int] = frozenset()
    release: str = ""
    loads: Mapping[int, float] = field(default_factory=dict)
    young: frozenset[int] = frozenset()
    dead_by: str | None = None

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a worker's row as a client returns it."""
        row = read_item(item)
        owned = unpack_shards(row.get("owned", b""))
        return cls(
            id=row["sk"],
            state=row["st"],
            beat=row["hb"],
            owned=owned,
            load=row.get("load", 0.0),
            overdue_ms=row.get("overdue", 0),
            overloaded=row.get("overloaded", False),
            tally=Tally(polls=row.get("polls", 0), failed=row.get("failed", 0), troubled=row.get("troubled", 0)),
            started_ms=row.get("startedAt", 0),
            beat_at_ms=row.get("beatAt", 0),
            inbox=row.get("inbox", 0),
            given=row.get("given", frozenset()),
            release=row.get("release", ""),
            loads=unpack_loads(owned, row.get("loads", b"")),
            young=unpack_shards(row.get("young", b"")),
            dead_by=row.get("deadBy"),
        )


@dataclass(frozen=True, kw_only=True)
class Move:
    """The last time a shard changed hands: when, why, and who had it before. For people; no right follows from it."""

    at_ms: int
    why: str
    giver: str | None


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A shard's row: who owns it, under which epoch, the revision of its members, the last due time dispatched."""

    number: int
    owner: str | None = None
    epoch: int = 0
    revision: int = 0
    through_ms: int = 0
    move: Move | None = field(default=None, compare=False)

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """Read a shard's row as a client returns it."""
        row = read_item(item)
        return cls(
            number=int(row["sk"]),
            owner=row.get("own"),
            epoch=row["ep"],
            revision=row.get("rev", 0),
            through_ms=row.get("through", 0),
            move=Move(at_ms=row["movedAt"], why=row["why"], giver=row.get("was")) if "movedAt" in row else None,
        )


def pack_shards(shards: frozenset[int]) -> bytes:
    """Write a set of shards as a bitmap: 125 bytes per thousand."""
    return sum(1 << shard for shard in shards).to_bytes((max(shards, default=-1) + 8) // 8, "little")


@lru_cache(maxsize=1_024)
def unpack_shards(bitmap: bytes) -> frozenset[int]:
    """Read a bitmap of shards; those of a roster that is read every second seldom change."""
    bits = int.from_bytes(bitmap, "little")
    return frozenset(shard for shard in range(bits.bit_length()) if bits >> shard & 1)


def pack_loads(owned: frozenset[int], loads: Mapping[int, float]) -> bytes:
    """Write the load of each owned shard, in the order of their numbers, two bytes each."""
    steps = (round(min(max(loads.get(shard, 0.0), 0.0), LOAD_MAX) * LOAD_STEPS) for shard in sorted(owned))
    return struct.pack(f"<{len(owned)}H", *steps)


def unpack_loads(owned: frozenset[int], packed: bytes) -> dict[int, float]:
    """Read the loads of owned shards; a row without them tells of none."""
    steps = struct.unpack(f"<{len(packed) // 2}H", packed)
    return {shard: step / LOAD_STEPS for shard, step in zip(sorted(owned), steps, strict=False)}


def as_told(owned: frozenset[int], loads: Mapping[int, float]) -> dict[int, float]:
    """Give loads as a row tells them to others: rounded."""
    return unpack_loads(owned, pack_loads(owned, loads))


def worker_key(kind: SourceType, worker_id: str) -> Request:
    """Give the key of a worker's row."""
    return {"pk": f"{kind.value}#W", "sk": worker_id}


def used_key(kind: SourceType, worker_id: str) -> Request:
    """Give the key of the mark that a worker's id was used; nobody ever reads it but the condition of a join."""
    return {"pk": f"{kind.value}#U", "sk": worker_id}


def shard_key(kind: SourceType, shard: int) -> Request:
    """Give the key of a shard's row; rows spread over partitions."""
    return {"pk": f"{kind.value}#S#{shard % SHARD_ROW_BUCKETS:02d}", "sk": f"{shard:05d}"}


def member_key(kind: SourceType, shard: int, source_id: str) -> Request:
    """Give the key of a source's membership in its shard."""
    return {"pk": f"{kind.value}#M#{shard:05d}", "sk": source_id}


def log_key(kind: SourceType, entry: int | None) -> Request:
    """Give the key of the configuration counter (None) or of one entry of the log."""
    return {"pk": f"{kind.value}#R", "sk": COUNTER if entry is None else f"{entry:012d}"}


def join(table: str, kind: SourceType, worker: Worker) -> Request:
    """
    Put a worker's row, visible before it owns anything, and a mark that its id was used (a transaction).

    Never under an id that was used: its row may have been declared dead and forgotten since. Another try, or a late
    copy of this one, would make it again, and the dead be given shards, or wake up to a right.
    """
    row = worker_key(kind, worker.id) | {"st": UP, "hb": 0, "startedAt": worker.started_ms, "load": 0}
    row["release"] = worker.release or None
    used = used_key(kind, worker.id) | {"ttl": worker.started_ms // SECOND_MS + USED_TTL_S}
    puts: list[tuple[Act, Request]] = [("Put", _put_if_absent(table, item)) for item in (row, used)]
    return transaction(puts)


def renew(table: str, kind: SourceType, worker: Worker, *, taken: frozenset[int] = frozenset()) -> Request:
    """
    Move the heartbeat. A lost reply is no lost lease: the returned row shows whether `hb` already is this number.

    `taken` are shards of `given` that it has looked for.
    """
    values = {
        "hb": worker.beat, "owned": pack_shards(worker.owned), "load": worker.load, "overdue": worker.overdue_ms,
        "overloaded": worker.overloaded, "polls": worker.tally.polls, "failed": worker.tally.failed,
        "troubled": worker.tally.troubled, "at": worker.beat_at_ms, "st": worker.state, "dead": DEAD,
        "loads": pack_loads(worker.owned, worker.loads), "young": pack_shards(worker.young),
        **({"taken": taken} if taken else {}),
    }  # fmt: skip
    return {
        "TableName": table,
        "Key": write_item(worker_key(kind, worker.id)),
        "UpdateExpression": "SET hb = :hb, st = :st, owned = :owned, #load = :load, loads = :loads, young = :young,"
        " overdue = :overdue, overloaded = :overloaded, polls = :polls, failed = :failed, troubled = :troubled,"
        " beatAt = :at" + (" DELETE given :taken" if taken else ""),
        "ConditionExpression": "attribute_exists(pk) AND st <> :dead AND hb < :hb",
        "ExpressionAttributeNames": {"#load": "load"},
        "ExpressionAttributeValues": bind(values),
        "ReturnValues": "ALL_NEW",
        **_ALL_OLD,
    }


def mark_dead(table: str, kind: SourceType, worker: Worker, *, by: str) -> Request:
    """Declare a worker dead, once and for ever, if its heartbeat is still the one that did not move."""
    return {
        "TableName": table,
        "Key": write_item(worker_key(kind, worker.id)),
        "UpdateExpression": "SET st = :dead, deadBy = :by",
        "ConditionExpression": "attribute_exists(pk) AND st <> :dead AND hb = :seen",
        "ExpressionAttributeValues": bind({"dead": DEAD, "seen": worker.beat, "by": by}),
        **_ALL_OLD,
    }


def forget(table: str, kind: SourceType, worker_id: str) -> Request:
    """Delete the row of a dead worker that no shard names any more."""
    return {
        "TableName": table,
        "Key": write_item(worker_key(kind, worker_id)),
        "ConditionExpression": "st = :dead",
        "ExpressionAttributeValues": bind({"dead": DEAD}),
    }


def ring(table: str, kind: SourceType, worker_id: str, *, given: frozenset[int] = frozenset()) -> Request:
    """
    Tell a worker that shards are about to be given to it, or which ones have been (`given`).

    It hears with its next renewal, which returns its row; from then on it reads its row closely for a while.
    """
    return {
        "TableName": table,
        "Key": write_item(worker_key(kind, worker_id)),
        "UpdateExpression": "ADD inbox :one" + (", given :given" if given else ""),
        "ConditionExpression": "attribute_exists(pk) AND st <> :dead",
        "ExpressionAttributeValues": bind({"one": 1, "dead": DEAD} | ({"given": given} if given else {})),
    }


def roster(table: str, kind: SourceType) -> Request:
    """Query every worker, strongly: a stale roster would show the dead alive and the living dead."""
    return _query(table, f"{kind.value}#W")


def get_worker(table: str, kind: SourceType, worker_id: str) -> Request:
    """GetItem of a worker's row, read strongly."""
    return {"TableName": table, "Key": write_item(worker_key(kind, worker_id)), "ConsistentRead": True}


def shards(table: str, kind: SourceType, bucket: int) -> Request:
    """Query one partition of the shard rows, strongly."""
    return _query(table, f"{kind.value}#S#{bucket:02d}")


def members(table: str, kind: SourceType, shard: int) -> Request:
    """Query the sources of a shard, strongly."""
    return _query(table, f"{kind.value}#M#{shard:05d}")


def get_shard(table: str, kind: SourceType, shard: int) -> Request:
    """GetItem of a shard's row, read strongly."""
    return {"TableName": table, "Key": write_item(shard_key(kind, shard)), "ConsistentRead": True}


def make_shard(table: str, kind: SourceType, shard: int) -> Request:
    """Put a shard's row if it is absent."""
    return _put_if_absent(table, shard_key(kind, shard) | {"ep": 0, "rev": 0})


def claim(table: str, kind: SourceType, shard: Shard, *, by: str, at_ms: int) -> Request:
    """Claim a free shard, or a dead worker's (`shard.owner`; only after a strong read that showed it DEAD)."""
    held = "own = :owner" if shard.owner else "attribute_not_exists(own)"
    values = _moved(shard, at_ms, Why.DEAD if shard.owner else Why.FREE) | {"to": by}
    return _move(table, shard_key(kind, shard.number), "SET own = :to", held, values)


def hand_off(table: str, kind: SourceType, shard: Shard, *, to: str, at_ms: int, why: Why) -> Request:
    """Give an own shard to another worker, with the last due time dispatched: nothing skipped, nothing doubled."""
    values = _moved(shard, at_ms, why) | {"to": to, "through": shard.through_ms}
    return _move(table, shard_key(kind, shard.number), "SET own = :to, through = :through", "own = :owner", values)


def release(table: str, kind: SourceType, shard: Shard, *, at_ms: int, why: Why) -> Request:
    """Let go of an own shard when nobody is there to take it."""
    values = _moved(shard, at_ms, why) | {"through": shard.through_ms}
    return _move(table, shard_key(kind, shard.number), "REMOVE own SET through = :through", "own = :owner", values)


def fix_shard_count(table: str, kind: SourceType, shards: int) -> Request:
    """Write the number of shards down, once for ever: under another number every source would change its shard."""
    return {
        "TableName": table,
        "Key": write_item({"pk": f"{kind.value}#C", "sk": COUNTER}),
        "UpdateExpression": "SET shards = :shards",
        "ConditionExpression": "attribute_not_exists(shards) OR shards = :shards",
        "ExpressionAttributeValues": bind({"shards": shards}),
        **_ALL_OLD,
    }


def counter(table: str, kind: SourceType) -> Request:
    """GetItem of the configuration counter, read strongly."""
    return {"TableName": table, "Key": write_item(log_key(kind, None)), "ConsistentRead": True}


def log_after(table: str, kind: SourceType, entry: int) -> Request:
    """Query the configuration log after an entry, strongly."""
    request = _query(table, f"{kind.value}#R")
    return request | {
        "KeyConditionExpression": "pk = :pk AND sk > :after",
        "ExpressionAttributeValues": bind({"pk": f"{kind.value}#R", "after": f"{entry:012d}"}),
    }


def put_member(table: str, kind: SourceType, shard: int, source_id: str, *, revision: int) -> Request:
    """Put a source's membership (an action of a configuration edit)."""
    return {"TableName": table, "Item": write_item(member_key(kind, shard, source_id) | {"revision": revision})}


def delete_member(table: str, kind: SourceType, shard: int, source_id: str) -> Request:
    """Delete a source's membership (an action of a configuration edit)."""
    return {"TableName": table, "Key": write_item(member_key(kind, shard, source_id))}


def bump_shard(table: str, kind: SourceType, shard: int) -> Request:
    """Move a shard's revision (an action of a configuration edit); makes the row where no worker has yet."""
    return {
        "TableName": table,
        "Key": write_item(shard_key(kind, shard)),
        "UpdateExpression": "SET ep = if_not_exists(ep, :zero) ADD rev :one",
        "ExpressionAttributeValues": bind({"zero": 0, "one": 1}),
    }


def tell_of_death(table: str, kind: SourceType) -> Request:
    """Count a death where every worker looks each second anyway: they then read the roster at once."""
    return {
        "TableName": table,
        "Key": write_item(log_key(kind, None)),
        "UpdateExpression": "ADD deaths :one",
        "ExpressionAttributeValues": bind({"one": 1}),
    }


def bump_counter(table: str, kind: SourceType, *, seen: int, by: int = 1) -> Request:
    """Move the configuration counter from what was read, by one for each edit (an action of a configuration edit)."""
    return {
        "TableName": table,
        "Key": write_item(log_key(kind, None)),
        "UpdateExpression": "SET n = :next",
        "ConditionExpression": "n = :seen" if seen else "attribute_not_exists(n)",
        "ExpressionAttributeValues": bind({"next": seen + by} | ({"seen": seen} if seen else {})),
    }


def put_log(
    table: str, kind: SourceType, entry: int, *, source_id: str, shard: int, act: str, revision: int, at_ms: int
) -> Request:
    """Put an entry of the configuration log; `act` is put, delete or poll (an action of a configuration edit)."""
    item = log_key(kind, entry) | {
        "source": source_id, "shard": shard, "act": act, "revision": revision,
        "at": at_ms, "ttl": at_ms // SECOND_MS + LOG_TTL_S,
    }  # fmt: skip
    return _put_if_absent(table, item)


def _put_if_absent(table: str, item: Item) -> Request:
    return {"TableName": table, "Item": write_item(item), "ConditionExpression": "attribute_not_exists(pk)"}


def _query(table: str, pk: str) -> Request:
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": bind({"pk": pk}),
        "ConsistentRead": True,
    }


def _epochs(shard: Shard) -> Item:
    return {"ep": shard.epoch, "next": shard.epoch + 1}


def _moved(shard: Shard, at_ms: int, why: Why) -> Item:
    """Give what every move writes: the next epoch, and for people when, why and from whom."""
    owner = {"owner": shard.owner} if shard.owner else {}  # whoever claims a free shard leaves who had it before
    return {**_epochs(shard), "at": at_ms, "why": why.value, **owner}


def _move(table: str, key: Item, action: str, held: str, values: Item) -> Request:
    was = ", was = :owner" if "owner" in values else ""
    return {
        "TableName": table,
        "Key": write_item(key),
        "UpdateExpression": f"{action}, ep = :next, movedAt = :at, why = :why{was}",
        "ConditionExpression": f"attribute_exists(pk) AND {held} AND ep = :ep",
        "ExpressionAttributeValues": bind(values),
        "ReturnValues": "ALL_NEW",
        **_ALL_OLD,
    }
