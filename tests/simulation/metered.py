"""
The store in memory, with AWS's meter: what each request costs in capacity units.

AWS: a write costs a unit per KB of the larger of the item before and after; a refused one as much; a strong read a unit
per 4 KB of what it reads, an eventual one half of it. (DynamoDB Developer Guide, "Read and write operations".)
"""

from collections import Counter
from typing import Any

from botocore.exceptions import ClientError

from contracts.table.schema import TableNames
from local.memory import NAMES, Memory

WRITE_UNIT_BYTES = 1_024
READ_UNIT_BYTES = 4_096
#: What a number takes at most, and an attribute beside its name and value.
_NUMBER_BYTES = 8
_ATTRIBUTE_BYTES = 1


class MeteredMemory(Memory):
    """Counts units of the Fleet table by kind of row: `W` workers, `S` shards, `R` the counter and its log."""

    def __init__(self, names: TableNames = NAMES) -> None:
        super().__init__(names)
        self._fleet = names.fleet
        self.written: Counter[str] = Counter()
        self.read: Counter[str] = Counter()

    def reset(self) -> None:
        """Count from zero."""
        self.written.clear()
        self.read.clear()

    def get_item(self, **request: Any) -> dict[str, Any]:
        """Get an item, metered."""
        answer = super().get_item(**request)
        self._meter_read(request, request["Key"], [answer["Item"]] if "Item" in answer else [])
        return answer

    def query(self, **request: Any) -> dict[str, Any]:
        """Query, metered."""
        answer = super().query(**request)
        self._meter_read(request, {"pk": request["ExpressionAttributeValues"].get(":pk", {"S": "#"})}, answer["Items"])
        return answer

    def put_item(self, **request: Any) -> dict[str, Any]:
        """Put an item, metered."""
        return self._write_metered(super().put_item, request, request["Item"])

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Update an item, metered."""
        return self._write_metered(super().update_item, request, request["Key"])

    def delete_item(self, **request: Any) -> dict[str, Any]:
        """Delete an item, metered."""
        return self._write_metered(super().delete_item, request, request["Key"])

    def _write_metered(self, call: Any, request: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
        if request["TableName"] != self._fleet:
            answer: dict[str, Any] = call(**request)
            return answer
        table = self.tables[self._fleet]
        before = table.get(key)
        try:
            answer = call(**request)
        except ClientError:
            self.written[_row(key)] += _units(_size(before or key), WRITE_UNIT_BYTES)
            raise
        after = table.get(key)
        self.written[_row(key)] += _units(max(_size(before or key), _size(after or key)), WRITE_UNIT_BYTES)
        return answer

    def _meter_read(self, request: dict[str, Any], key: dict[str, Any], items: list[dict[str, Any]]) -> None:
        if request["TableName"] == self._fleet:
            units = _units(sum(map(_size, items)), READ_UNIT_BYTES)
            self.read[_row(key)] += units if request.get("ConsistentRead") else units / 2  # type: ignore[assignment] # a Counter counts halves too


def _row(key: dict[str, Any]) -> str:
    return str(key["pk"]["S"].split("#")[1])


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def _size(item: dict[str, Any]) -> int:
    return sum(len(name) + _value_size(value) + _ATTRIBUTE_BYTES for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    (kind, held), *_ = value.items()
    match kind:
        case "N":
            return _NUMBER_BYTES
        case "NS":
            return _NUMBER_BYTES * len(held)
        case _:
            return len(held) if isinstance(held, str | bytes) else _NUMBER_BYTES
