"""How many follow a source: the sum over its buckets."""

from api.audience import subscribers
from contracts.table import subscribers as rows
from contracts.table.subscribers import Cursor
from tests.api.account import Aws


def test_a_sources_subscribers_are_those_of_all_its_buckets(aws: Aws):
    """Bucket 0 says how many there are; a source nobody ever followed has no row at all."""
    table = aws.tables.subscribers
    for source_id, counts in {"a": [2_500, 2_500, 7], "b": [3]}.items():
        for bucket, count in enumerate(counts):
            aws.dynamodb.update_item(**rows.set_cursor(table, source_id, bucket, Cursor(count=count)))
        for buckets in range(1, len(counts)):
            aws.dynamodb.update_item(**rows.open_bucket(table, source_id, buckets))

    assert subscribers(aws.dynamodb, table, ["a", "b", "c"]) == {"a": 5_007, "b": 3, "c": 0}
    assert subscribers(aws.dynamodb, table, []) == {}


def test_more_buckets_than_one_request_takes_are_read_in_several(aws: Aws):
    """BatchGetItem takes a hundred keys."""
    table, names = aws.tables.subscribers, [f"s{n}" for n in range(100)]
    for name in names[:3]:
        for buckets in range(1, 60):
            aws.dynamodb.update_item(**rows.open_bucket(table, name, buckets))
        aws.dynamodb.update_item(**rows.set_cursor(table, name, 59, Cursor(count=1)))

    assert sum(subscribers(aws.dynamodb, table, names).values()) == 3
