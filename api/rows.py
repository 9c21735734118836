"""Reading rows: one, unwrapped or None; or many at once."""

import re
from typing import TYPE_CHECKING, Any

from api.problem import try_again
from contracts.table import heads, sources
from contracts.table.heads import Head
from contracts.table.values import Item, read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: AWS may leave some keys of a batch for another try.
BATCH_TRIES_MAX = 4

SOURCE_ID = re.compile(r"(?:external|googleSheet)-[0-9a-f]{8}")


def read_row(dynamodb: "DynamoDBClient", request: dict[str, Any]) -> dict[str, Any] | None:
    """Ask for one item."""
    item = dynamodb.get_item(**request).get("Item")
    return read_item(item) if item else None


def read_many(dynamodb: "DynamoDBClient", request: dict[str, Any]) -> list[Item]:
    """Ask for the items of a batch; those there are come as the client returns them, in any order."""
    found: list[Item] = []
    for _ in range(BATCH_TRIES_MAX):
        answer = dynamodb.batch_get_item(**request)
        found += [item for items in answer["Responses"].values() for item in items]
        if not answer.get("UnprocessedKeys"):
            return found
        request = {"RequestItems": answer["UnprocessedKeys"]}
    raise try_again("the table is busy")


def read_source(dynamodb: "DynamoDBClient", table: str, source_id: str) -> dict[str, Any] | None:
    """Read a source's item; what cannot be an id is not asked for."""
    return read_row(dynamodb, sources.get(table, source_id)) if SOURCE_ID.fullmatch(source_id) else None


def read_head(dynamodb: "DynamoDBClient", table: str, source_id: str) -> Head | None:
    """Read a source's head."""
    row = read_row(dynamodb, heads.get(table, source_id)) if SOURCE_ID.fullmatch(source_id) else None
    return Head.from_item(row) if row and "version" in row else None  # a void head has none: see `api.register`
