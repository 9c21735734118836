"""Reading tables page by page, and deleting many rows."""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

from contracts.table.values import Item, read_item
from ws.world import World

type Request = dict[str, Any]

#: BatchWriteItem takes at most this many (AWS).
BATCH_WRITE_MAX = 25
#: What a batch leaves undone is tried again after 50, 100, 200 and 400 ms.
BATCH_TRIES_MAX = 5
FIRST_PAUSE_S = 0.05


class RowsLeft(RuntimeError):
    """DynamoDB would not delete some rows, however often it was asked."""


def get(world: World, request: Request) -> Item | None:
    """Get one item, plain; None if there is none."""
    item = world.dynamodb.get_item(**request).get("Item")
    return read_item(item) if item else None


def pages(world: World, request: Request) -> Iterator[list[dict[str, Any]]]:
    """Query page after page, each read when the one before is done with."""
    while True:
        page = world.dynamodb.query(**request)
        yield page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def delete_all(world: World, deletes: Iterable[Request]) -> None:
    """Do DeleteItem requests in batches; what DynamoDB left undone is asked for again."""
    for batch in batched(deletes, BATCH_WRITE_MAX, strict=False):
        asked: dict[str, Any] = {}
        for request in batch:
            asked.setdefault(request["TableName"], []).append({"DeleteRequest": {"Key": request["Key"]}})
        _write(world, asked)


def _write(world: World, asked: dict[str, Any]) -> None:
    for attempt in range(BATCH_TRIES_MAX):
        if attempt:
            world.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
        asked = dict(world.dynamodb.batch_write_item(RequestItems=asked).get("UnprocessedItems", {}))
        if not asked:
            return
    raise RowsLeft(f"{sum(map(len, asked.values()))} rows are still there after {BATCH_TRIES_MAX} tries")
