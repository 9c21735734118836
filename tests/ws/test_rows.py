"""Deleting many rows."""

from typing import Any

import pytest

from tests.ws.service import Service
from ws import rows
from ws.rows import RowsLeft


class Busy:
    """A DynamoDB that leaves part of each batch undone, as a throttled one does."""

    def __init__(self, real: Any, *, leaves: int) -> None:
        self.real, self.leaves = real, leaves
        self.sizes: list[int] = []

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Do all but the last few."""
        ((table, asked),) = RequestItems.items()
        self.sizes.append(len(asked))
        done, left = asked[: -self.leaves or None], asked[-self.leaves :] if self.leaves else []
        if done:
            self.real.batch_write_item(RequestItems={table: done})
        return {"UnprocessedItems": {table: left} if left else {}}


def deletes(service: Service, count: int) -> list[dict[str, Any]]:
    """Put rows and give their deletes."""
    table = service.world.tables.access
    keys = [{"id": {"S": str(number)}} for number in range(count)]
    for key in keys:
        service.world.dynamodb.put_item(TableName=table, Item=key)
    return [{"TableName": table, "Key": key} for key in keys]


def test_what_dynamodb_left_undone_is_asked_for_again_with_pauses(service: Service):
    """A batch that answers 200 may still have done nothing of it."""
    asked, pauses = deletes(service, 30), list[float]()
    busy: Any = Busy(service.world.dynamodb, leaves=10)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        busy.leaves = 0

    service.with_world(dynamodb=busy, sleep=pause)
    rows.delete_all(service.world, asked)

    assert busy.sizes == [25, 10, 5]
    assert pauses == [0.05]
    service.with_world(dynamodb=busy.real)
    assert service.rows(service.world.tables.access) == []


def test_rows_that_will_not_go_are_our_trouble(service: Service):
    """Bounded: five tries, then the caller is told."""
    asked = deletes(service, 1)
    busy: Any = Busy(service.world.dynamodb, leaves=1)
    service.with_world(dynamodb=busy)

    with pytest.raises(RowsLeft, match="1 rows"):
        rows.delete_all(service.world, asked)

    assert busy.sizes == [1] * rows.BATCH_TRIES_MAX
