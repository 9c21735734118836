"""How many connections follow a source, as the passes over its buckets counted them."""

from collections.abc import Sequence
from itertools import batched
from typing import TYPE_CHECKING

from api.rows import read_many
from contracts.table.sources import BATCH_GET_MAX
from contracts.table.subscribers import Cursor, get_cursors
from contracts.table.values import read_item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: 250,000 subscribers: of a larger audience the first so many buckets are counted.
BUCKETS_MAX = 100
#: And of all large audiences of an answer so many buckets together.
FURTHER_MAX = 4 * BATCH_GET_MAX

type Bucket = tuple[str, int]


def subscribers(dynamodb: "DynamoDBClient", table: str, source_ids: Sequence[str]) -> dict[str, int]:
    """Count the subscribers of at most a hundred sources: about, for a count lags joins and leaves by a pass."""
    first = _cursors(dynamodb, table, [(source_id, 0) for source_id in source_ids])
    further = [
        (source_id, bucket)
        for (source_id, _), cursor in first.items()
        for bucket in range(1, min(cursor.buckets, BUCKETS_MAX))
    ][:FURTHER_MAX]
    found = first | _cursors(dynamodb, table, further)
    counts = dict.fromkeys(source_ids, 0)
    for (source_id, _), cursor in found.items():
        counts[source_id] += max(0, cursor.count)
    return counts


def _cursors(dynamodb: "DynamoDBClient", table: str, buckets: Sequence[Bucket]) -> dict[Bucket, Cursor]:
    found: dict[Bucket, Cursor] = {}
    for some in batched(buckets, BATCH_GET_MAX, strict=False):
        for item in read_many(dynamodb, get_cursors(table, some)):
            source_id, _, bucket = read_item(item)["bucket"].rpartition("#")
            found[source_id, int(bucket)] = Cursor.read(item)
    return found
