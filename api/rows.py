"""Reading a row: an item unwrapped, or None."""

import re
from typing import TYPE_CHECKING, Any

from contracts.table import heads, sources
from contracts.table.heads import Head
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

SOURCE_ID = re.compile(r"(?:external|googleSheet)-[0-9a-f]{8}")


def read_row(dynamodb: "DynamoDBClient", request: dict[str, Any]) -> dict[str, Any] | None:
    """Ask for one item."""
    item = dynamodb.get_item(**request).get("Item")
    return read_item(item) if item else None


def read_source(dynamodb: "DynamoDBClient", table: str, source_id: str) -> dict[str, Any] | None:
    """Read a source's item; what cannot be an id is not asked for."""
    return read_row(dynamodb, sources.get(table, source_id)) if SOURCE_ID.fullmatch(source_id) else None


def read_head(dynamodb: "DynamoDBClient", table: str, source_id: str) -> Head | None:
    """Read a source's head."""
    row = read_row(dynamodb, heads.get(table, source_id)) if SOURCE_ID.fullmatch(source_id) else None
    return Head.from_item(row) if row and "version" in row else None  # a void head has none: see `api.register`
