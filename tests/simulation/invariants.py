"""What must hold at every moment, by name. Watches every write as it lands."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import DEAD, Shard, Worker
from contracts.table.values import write_item
from local.memory import NAMES, Memory, Table

type Row = dict[str, Any] | None


class Violated(AssertionError):
    """An invariant did not hold; the text begins with its name."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


class Invariants:
    """Of the shards' rows, the workers' and the heads. The first violation is kept and raised by `check`."""

    def __init__(self, memory: Memory, kind: SourceType) -> None:
        self._memory = memory
        self._kind = kind
        self._holders: dict[tuple[int, int], str] = {}
        self._loaded_s: dict[str, float] = {}
        self._first: Violated | None = None
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
        if call.__name__ == "transact_write_items":
            return self._commit(sender, sent_s, call, request)
        key = request.get("Key") or request.get("Item")
        if request.get("TableName") == NAMES.sheets_data and request.get("ReturnValues") == "ALL_NEW":
            return self._load(call, request)
        if request.get("TableName") != NAMES.fleet or not key or call.__name__ == "get_item":
            return call(**request)
        before = self._table.get(key)
        self.writes[key["pk"]["S"]] += 1
        try:
            return call(**request)
        finally:
            self._compare(sender, key["pk"]["S"], before, self._table.get(key))

    def _load(self, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        answer = call(**request)
        self._loaded_s[request["Key"]["id"]["S"]] = asyncio.get_running_loop().time()
        return answer

    def _commit(self, sender: str, sent_s: float, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        """Let a commit land; one that was sent before somebody loaded the head must not change it after that."""
        key = request["TransactItems"][0]["Update"]["Key"]
        heads = self._memory.tables[NAMES.sheets_data]
        before = heads.get(key)
        try:
            return call(**request)
        finally:
            if heads.get(key) != before and self._loaded_s.get(key["id"]["S"], sent_s) > sent_s:
                self.note("NoStaleCommitAfterLoad", f"{key['id']['S']} by {sender}")

    def owner_of(self, number: int) -> str | None:
        """Say who a shard's row names."""
        row = self._table.get(write_item(fleet.shard_key(self._kind, number)))
        return Shard.read(row).owner if row else None

    def roster(self) -> set[str]:
        """Say whose rows there are."""
        return {Worker.read(row).id for row in self._table.partition(f"{self._kind.value}#W")}

    @property
    def _table(self) -> Table:
        return self._memory.tables[NAMES.fleet]

    def _compare(self, sender: str, partition: str, before: Row, after: Row) -> None:
        if before is None or before == after:
            return
        if f"{self._kind.value}#W" == partition:
            self._worker(Worker.read(before), after)
        elif partition.startswith(f"{self._kind.value}#S#"):
            self._shard(sender, Shard.read(before), after)

    def _worker(self, before: Worker, row: Row) -> None:
        after = Worker.read(row) if row else None
        if before.state == DEAD and after and (after.state != DEAD or after.beat != before.beat):
            self.note("DeadNeverRenews", before.id)
        if before.state != DEAD and after is None:
            self.note("OnlyDeadForgotten", before.id)

    def _shard(self, sender: str, before: Shard, row: Row) -> None:
        if row is None:
            self.note("ShardRowNeverDeleted", str(before.number))
            return
        after = Shard.read(row)
        if after.epoch < before.epoch or (after.owner != before.owner and after.epoch == before.epoch):
            self.note("EpochMonotone", f"{before} became {after}")
        is_robbed = before.owner not in {None, after.owner} and (before.owner or "").partition("~")[0] != sender
        if is_robbed and self._is_living(before.owner or ""):
            self.note("OnlyDeadRobbed", f"{before} became {after}")
        if after.owner and self._holders.setdefault((after.number, after.epoch), after.owner) != after.owner:
            self.note("OneHolderPerEpoch", f"{after}, but {self._holders[after.number, after.epoch]} held it")

    def _is_living(self, worker_id: str) -> bool:
        row = self._table.get(write_item(fleet.worker_key(self._kind, worker_id)))
        return row is not None and Worker.read(row).state != DEAD
