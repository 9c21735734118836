"""How many connections follow a source, as the passes over its buckets counted them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from api.problem import try_again
from contracts.table.sources import BATCH_GET_MAX
from contracts.table.subscribers import Cursor, get_cursors
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: 250,000 subscribers: of a larger audience the first so many buckets are counted.
BUCKETS_MAX = 100
TRIES_MAX = 4

type Bucket = tuple[str, int]


def subscribers(dynamodb: "DynamoDBClient", table: str, source_ids: Sequence[str]) -> dict[str, int]:
    """Count the subscribers of at most a hundred sources: about, for a count lags joins and leaves by a pass."""
    first = _cursors(dynamodb, table, [(source_id, 0) for source_id in source_ids])
    further = [
        (source_id, bucket)
        for (source_id, _), cursor in first.items()
        for bucket in range(1, min(cursor.buckets, BUCKETS_MAX))
    ][: BATCH_GET_MAX * TRIES_MAX]
    found = first | _cursors(dynamodb, table, further)
    counts = dict.fromkeys(source_ids, 0)
    for (source_id, _), cursor in found.items():
        counts[source_id] += max(0, cursor.count)
    return counts


def _cursors(dynamodb: "DynamoDBClient", table: str, buckets: Sequence[Bucket]) -> dict[Bucket, Cursor]:
    found: dict[Bucket, Cursor] = {}
    for start in range(0, len(buckets), BATCH_GET_MAX):
        found |= _some(dynamodb, table, buckets[start : start + BATCH_GET_MAX])
    return found


def _some(dynamodb: "DynamoDBClient", table: str, buckets: Sequence[Bucket]) -> dict[Bucket, Cursor]:
    found: dict[Bucket, Cursor] = {}
    request = get_cursors(table, buckets)
    for _ in range(TRIES_MAX):
        answer = dynamodb.batch_get_item(**request)
        for item in answer["Responses"].get(table, []):
            source_id, _, bucket = read_item(item)["bucket"].rpartition("#")
            found[source_id, int(bucket)] = Cursor.read(item)
        if not answer.get("UnprocessedKeys"):
            return found
        request = {"RequestItems": answer["UnprocessedKeys"]}
    raise try_again("the table is busy")
