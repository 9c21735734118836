"""
What must hold at every moment, by name. Watches every write as it lands, and every message as it is sent.

What a fleet must come to in calm is asked by `World.missing`; what a single trouble may cost, by `test_scenarios`.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

from contracts.kinds import SourceType
from contracts.messages import Message
from contracts.table import fleet
from contracts.table.fleet import DEAD, Shard, Why, Worker
from contracts.table.values import Item, read_item, write_item
from local.memory import NAMES, Memory, Table
from monitor_fleet.holdings import COOL_DOWN_S
from monitor_fleet.liveness import DEAD_AFTER_S

type Row = dict[str, Any] | None

#: Clocks here run so unlike at most.
DRIFT = 0.01
#: An eventual read may show what was true so long ago (s), as often as not.
STALE_MAX_S = 3.0
STALE_SHARE = 0.5
_STALE_ROWS_MAX = 4_096


def is_commit(request: Mapping[str, Any]) -> bool:
    """Say whether a request is a change's transaction; the other one of a worker is its join."""
    return "Update" in request.get("TransactItems", [{}])[0]


class Violated(AssertionError):
    """An invariant did not hold; the text begins with its name."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


class Invariants:
    """Of the shards' rows, the workers' and the heads. The first violation is kept and raised by `check`."""

    def __init__(self, memory: Memory, kind: SourceType, chance: Random) -> None:
        self._chance = chance
        self._memory = memory
        self._kind = kind
        self._holders: dict[tuple[int, int], str] = {}
        self._loaded_s: dict[str, float] = {}
        self._first: Violated | None = None
        self._beat_landed_s: dict[str, float] = {}
        self._given: dict[int, list[tuple[str, float]]] = {}
        self._told: dict[tuple[str, str, int], int] = {}
        self._past: deque[tuple[float, str, dict[Any, Any]]] = deque(maxlen=_STALE_ROWS_MAX)
        #: Which revision a commit was made under, by its token.
        self.made_under: dict[str, int] = {}
        self.deleted: set[str] = set()
        #: The newest version that the queue was told of, by source.
        self.told: dict[str, int] = {}
        #: Says whether a process under this worker id is alive, and must be for all that happened since a moment (s).
        self.is_well: Callable[[str, float], bool] = lambda *_: False
        self.marked_dead = 0
        #: Who was ever declared dead and by whom, also after its row was forgotten.
        self._died: dict[str, str | None] = {}
        #: Every id that ever had a row.
        self._used: set[str] = set()
        #: Writes that were sent to Fleet, by partition; a refused one costs as much.
        self.writes: Counter[str] = Counter()

    def note(self, name: str, what: str) -> None:
        """Keep a violation; raising it where it is found might only break off a request."""
        self._first = self._first or Violated(name, what)

    def check(self) -> None:
        """Raise what was found."""
        if self._first:
            raise self._first

    def landed(self, sender: str, sent_s: float, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """Let a request of a process land and look at what it did."""
        if is_commit(request):
            return self._commit(sender, sent_s, call, request)
        if call.__name__ in {"get_item", "query"}:
            return self._read(call, request)
        # Else it is one write; or a join, whose first part is the row.
        write = request["TransactItems"][0]["Put"] if "TransactItems" in request else request
        key = write.get("Key") or write.get("Item")
        if write.get("TableName") == NAMES.sheets_data and key:
            return self._head(call, request, key)
        if write.get("TableName") != NAMES.fleet or not key:
            return call(**request)
        partition = key["pk"]["S"]
        before = self._table.get(key)
        self.writes[partition] += 1
        if "#W" in partition or "#S#" in partition:
            self._past.append((_now_s(), partition, self._table.raw(partition)))
        try:
            return call(**request)
        finally:
            self._compare(sender, partition, before, self._table.get(key))

    def published(self, sender: str, epoch: int, message: Message) -> None:
        """Look at a message as the queue gets it."""
        row = self._heads.get({"id": {"S": message.source_id}})
        if row and read_item(row)["version"] < message.version:
            self.note("NotifyAfterCommit", f"{message} by {sender}")
        order = (sender, message.source_id, epoch)
        if self._told.get(order, 0) > message.version:
            self.note("PerSourceOrder", f"{message} by {sender} after version {self._told[order]}")
        self._told[order] = message.version
        self.told[message.source_id] = max(message.version, self.told.get(message.source_id, 0))

    def right_holds(self, worker_id: str, name: str) -> None:
        """Be told that a process believes in its right: nobody may have been able to declare it dead."""
        if self._died.get(worker_id, worker_id) != worker_id:
            self.note("DeadHoldNothing", f"{name} as {worker_id}, declared dead by {self._died[worker_id]}")
        silent_s = _now_s() - self._beat_landed_s.get(worker_id, -DEAD_AFTER_S)
        if silent_s * (1 - DRIFT) > DEAD_AFTER_S:
            self.note("RightEndsBeforeVerdict", f"{name} {silent_s:.2f} s after its last heartbeat landed")

    def held(self, worker_id: str, shard: Shard) -> None:
        """Be told that a process with its right polls a shard: the row must say so, under that epoch."""
        row = self._table.get(_key(self._kind, shard.number))
        if row and (row["ep"] != {"N": str(shard.epoch)} or row.get("own") != {"S": worker_id}):
            self.note("TopEpochIsItemOwner", f"{worker_id} holds {shard}, the row says {Shard.read(row)}")

    def _read(self, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """Answer a read; one that does not ask to be strong may be answered from the past."""
        if request.get("TableName") == NAMES.sheets_data and "Key" in request:
            self._loaded_s[request["Key"]["id"]["S"]] = _now_s()
        if request.get("ConsistentRead") or request.get("TableName") != NAMES.fleet or call.__name__ != "query":
            return call(**request)
        partition = request["ExpressionAttributeValues"][":pk"]["S"]
        since_s = _now_s() - STALE_MAX_S
        old = next((rows for at_s, name, rows in self._past if at_s >= since_s and name == partition), None)
        if old is None or self._chance.random() >= STALE_SHARE:
            return call(**request)
        return {"Items": [old[key] for key in sorted(old)], "Count": len(old)}

    def _head(self, call: Callable[..., Any], request: Mapping[str, Any], key: Mapping[str, Any]) -> Any:
        source_id = key["id"]["S"]
        answer = call(**request)
        if request.get("ReturnValues") == "ALL_NEW":
            self._loaded_s[source_id] = _now_s()
        if source_id in self.deleted and self._heads.get({"id": key["id"]}):
            self.note("NoDeletedResurrect", source_id)
        return answer

    def _commit(self, sender: str, sent_s: float, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """Let a commit land; one that was sent before somebody loaded the head must not change it after that."""
        key = request["TransactItems"][0]["Update"]["Key"]
        before = self._heads.get(key)
        try:
            return call(**request)
        finally:
            after = self._heads.get(key)
            if after != before:
                self._committed(sender, sent_s, request, read_item(before or {}), read_item(after or {}))

    def _committed(
        self, sender: str, sent_s: float, request: Mapping[str, Any], before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:  # fmt: skip
        source_id = after["id"]
        if self._loaded_s.get(source_id, sent_s) > sent_s:
            self.note("NoStaleCommitAfterFence", f"{source_id} by {sender}")
        change = {"sheetId": {"S": source_id}, "version": {"N": str(after["version"])}}
        if after["version"] != before.get("version", 0) + 1 or not self._memory.tables[NAMES.changes].get(change):
            self.note("VersionGapless", f"{source_id}: {before.get('version')} became {after['version']}")
        if source_id in self.deleted:
            self.note("NoDeletedResurrect", source_id)
        row = self._memory.tables[NAMES.data_sources].get({"id": {"S": source_id}})
        if row and self.made_under.get(request["ClientRequestToken"], 0) < read_item(row)["revision"]:
            self.note("ConfigNeverRegresses", f"{source_id}: a result of old rules landed, by {sender}")

    def owner_of(self, number: int) -> str | None:
        """Say who a shard's row names."""
        row = self._table.get(_key(self._kind, number))
        return Shard.read(row).owner if row else None

    def roster(self) -> set[str]:
        """Say whose rows there are."""
        return {Worker.read(row).id for row in self._table.partition(f"{self._kind.value}#W")}

    @property
    def _heads(self) -> Table:
        return self._memory.tables[NAMES.sheets_data]

    @property
    def _table(self) -> Table:
        return self._memory.tables[NAMES.fleet]

    def _compare(self, sender: str, partition: str, before: Row, after: Row) -> None:
        if before == after:
            return
        if f"{self._kind.value}#W" == partition:
            self._beats(before, after)
            if before:
                self._worker(Worker.read(before), after)
            elif after:
                self._joined(after["sk"]["S"])
        elif before is None:
            return
        elif partition.startswith(f"{self._kind.value}#S#"):
            self._shard(sender, Shard.read(before), after)

    def _beats(self, before: Row, after: Row) -> None:
        if after and (before is None or before["hb"] != after["hb"]):
            self._beat_landed_s[after["sk"]["S"]] = _now_s()

    def _joined(self, worker_id: str) -> None:
        """Look at a new row: its id was never used; who comes anew must have been declared dead under its last one."""
        if worker_id in self._used:
            self.note("IdUsedOnce", f"{worker_id} has a row again")
        self._used.add(worker_id)
        name, _, life = worker_id.partition("~")
        last_id = f"{name}~{int(life) - 1}" if life not in {"", "1"} else name
        if life and last_id not in self._died:
            self.note("OnlyTheDeadJoinAnew", f"{worker_id}, but nobody declared {last_id} dead")

    def _worker(self, before: Worker, row: Row) -> None:
        after = Worker.read(row) if row else None
        if before.state == DEAD and after and (after.state != DEAD or after.beat != before.beat):
            self.note("DeadNeverRenews", before.id)
        if after and after.state == DEAD:
            self._died[before.id] = after.dead_by
        if before.state != DEAD and after and after.state == DEAD and after.dead_by != before.id:
            self.marked_dead += 1
            since_s = self._beat_landed_s.get(before.id, -DEAD_AFTER_S)
            silent_s = _now_s() - since_s
            if self.is_well(before.id, since_s) or silent_s < DEAD_AFTER_S * (1 - 2 * DRIFT):
                self.note("NoFalseDeath", f"{before.id} by {after.dead_by}, silent for {silent_s:.2f} s")
        if before.state != DEAD and after is None:
            self.note("OnlyDeadForgotten", before.id)

    def _shard(self, sender: str, before: Shard, row: Row) -> None:
        if row is None:
            self.note("ShardItemNeverDeleted", str(before.number))
            return
        after = Shard.read(row)
        if after.epoch < before.epoch or (after.owner != before.owner and after.epoch == before.epoch):
            self.note("EpochMonotone", f"{before} became {after}")
        self._owner_changed(sender, before, after)
        if after.owner and self._holders.setdefault((after.number, after.epoch), after.owner) != after.owner:
            self.note("OneHolderPerEpoch", f"{after}, but {self._holders[after.number, after.epoch]} held it")

    def _owner_changed(self, sender: str, before: Shard, after: Shard) -> None:
        if before.owner in {None, after.owner}:
            return
        if (before.owner or "").partition("~")[0] != sender and self._is_living(before.owner or ""):
            to_itself = (after.owner or "").partition("~")[0] == sender
            self.note("OnlyDeadRobbed" if to_itself else "OnlyOwnerTransfers", f"{before} became {after} by {sender}")
        past = self._given.setdefault(before.number, [])
        if after.move and after.move.why == Why.PLAN:
            if any(name == after.owner and at_s > _now_s() - COOL_DOWN_S * (1 - DRIFT) for name, at_s in past):
                self.note("NoPingPong", f"{after} was given away by its new owner lately")
            past.append((before.owner or "", _now_s()))
        else:
            past.clear()  # its owner left or died: it may go wherever it is needed

    def _is_living(self, worker_id: str) -> bool:
        row = self._table.get(write_item(fleet.worker_key(self._kind, worker_id)))
        return row is not None and Worker.read(row).state != DEAD


@cache
def _key(kind: SourceType, number: int) -> Item:
    return write_item(fleet.shard_key(kind, number))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
