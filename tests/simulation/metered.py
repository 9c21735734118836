"""
The store in memory, with AWS's meter: what each request costs in capacity units.

AWS: a write costs a unit per KB of the larger of the item before and after; a refused one as much; in a transaction
twice that; a strong read a unit per 4 KB of what it reads, not of what it shows, an eventual one half of it. (DynamoDB
Developer Guide, "Read and write operations".)
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from contracts.table.schema import TableNames
from local.expressions import Item
from local.memory import NAMES, Answer, Memory, Table

WRITE_UNIT_BYTES = 1_024
READ_UNIT_BYTES = 4_096
#: What a number takes at most, and an attribute beside its name and value.
_NUMBER_BYTES = 8
_ATTRIBUTE_BYTES = 1


class MeteredMemory(Memory):
    """Counts units by table; those of the Fleet table by row: `W` workers, `S` shards, `R` the counter and its log."""

    def __init__(self, names: TableNames = NAMES) -> None:
        super().__init__(names)
        self._fleet = names.fleet
        self.written: Counter[str] = Counter()
        self.read: Counter[str] = Counter()

    def reset(self) -> None:
        """Count from zero."""
        self.written.clear()
        self.read.clear()

    def get_item(self, **request: Any) -> Answer:
        """Get an item, metered."""
        item = self.tables[request["TableName"]].get(request["Key"])
        self._meter_read(request, request["Key"], [item] if item else [])
        return super().get_item(**request)

    def batch_get_item(self, **request: Any) -> Answer:
        """Get many items, metered: each is a read of its own."""
        answer = super().batch_get_item(**request)
        for name, wanted in request["RequestItems"].items():
            for key in wanted["Keys"]:
                item = self.tables[name].get(key)
                self._meter_read({**wanted, "TableName": name}, key, [item] if item else [])
        return answer

    def query(self, **request: Any) -> Answer:
        """Query, metered."""
        whole = super().query(**{name: value for name, value in request.items() if name != "ProjectionExpression"})
        self._meter_read(request, {"pk": request["ExpressionAttributeValues"].get(":pk", {"S": "#"})}, whole["Items"])
        return super().query(**request)

    def put_item(self, **request: Any) -> Answer:
        """Put an item, metered."""
        return self._metered(super().put_item, request, [request])

    def update_item(self, **request: Any) -> Answer:
        """Update an item, metered."""
        return self._metered(super().update_item, request, [request])

    def delete_item(self, **request: Any) -> Answer:
        """Delete an item, metered."""
        return self._metered(super().delete_item, request, [request])

    def transact_write_items(self, **request: Any) -> Answer:
        """Do all or nothing, metered: each action costs twice."""
        actions = [next(iter(action.values())) for action in request["TransactItems"]]
        return self._metered(super().transact_write_items, request, actions, times=2)

    def batch_write_item(self, **request: Any) -> Answer:
        """Put and delete many items, metered."""
        writes = [
            {"TableName": name, **next(iter(write.values()))}
            for name, each in request["RequestItems"].items()
            for write in each
        ]
        return self._metered(super().batch_write_item, request, writes)

    def _metered(self, call: Callable[..., Answer], request: Answer, acts: list[Answer], *, times: int = 1) -> Answer:
        """Do it; each item costs by the larger of what it was and what it is then, also if it was refused."""
        held = [(act, _key(self.tables[act["TableName"]], act)) for act in acts]
        before = [item_bytes(self.tables[act["TableName"]].get(key) or key) for act, key in held]
        try:
            return call(**request)
        finally:
            for (act, key), size in zip(held, before, strict=True):
                after = item_bytes(self.tables[act["TableName"]].get(key) or key)
                self.written[self._row(act, key)] += times * _units(max(size, after), WRITE_UNIT_BYTES)

    def _meter_read(self, request: Answer, key: Item, items: list[Item]) -> None:
        units = _units(sum(map(item_bytes, items)), READ_UNIT_BYTES)
        self.read[self._row(request, key)] += units if request.get("ConsistentRead") else units / 2  # type: ignore[assignment] # a Counter counts halves too

    def _row(self, request: Answer, key: Item) -> str:
        name: str = request["TableName"]
        return str(key["pk"]["S"].split("#")[1]) if name == self._fleet else name


def _key(table: Table, request: Answer) -> Item:
    return table.key_of(request.get("Item") or request["Key"])


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def item_bytes(item: Item) -> int:
    """Give what an item counts as, a little too much for its numbers."""
    return sum(len(name) + _value_bytes(value) + _ATTRIBUTE_BYTES for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    (kind, held), *_ = value.items()
    match kind:
        case "N":
            return _NUMBER_BYTES
        case "NS":
            return _NUMBER_BYTES * len(held)
        case _:
            return len(held) if isinstance(held, str | bytes) else _NUMBER_BYTES
