"""AWS's answers in our own words: what a caller does next depends on which one it is."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from contracts.table.transaction import transaction
from contracts.table.values import bind, write_item
from monitor_fleet.errors import Ambiguous, Refused, StoreError, StoreFailed, Throttled
from monitor_fleet.store import Store, in_our_words, in_threads

TABLE = "DataSources"
ABSENT = {"ConditionExpression": "attribute_not_exists(id)"}


def row(row_id: str, **more: Any) -> Any:
    """Put a row."""
    return {"TableName": TABLE, "Item": write_item({"id": row_id, **more})}


async def test_a_refusal_carries_the_item_as_it_stands(aws: Any, threads: ThreadPoolExecutor):
    """So whoever lost a race knows the winner without asking again."""
    store = Store(in_threads(aws, threads))
    await store.put(row("a", n=1))
    with pytest.raises(Refused) as refused:
        await store.put(row("a", n=2) | ABSENT | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"})
    assert refused.value.old == write_item({"id": "a", "n": 1})


async def test_a_refused_transaction_says_which_action_it_was(aws: Any, threads: ThreadPoolExecutor):
    """And nothing of it was written."""
    store = Store(in_threads(aws, threads))
    await store.put(row("a"))
    with pytest.raises(Refused) as refused:
        await store.transact(transaction([("Put", row("b")), ("Put", row("a") | ABSENT)], token="t"))
    assert refused.value.reasons == ("None", "ConditionalCheckFailed")
    assert await store.get({"TableName": TABLE, "Key": write_item({"id": "b"})}) is None


async def test_a_query_reads_all_pages(aws: Any, threads: ThreadPoolExecutor):
    """A page ends after 1 MB, wherever that is."""
    store = Store(in_threads(aws, threads))
    for number in range(8):
        item = write_item({"pk": "p", "sk": str(number), "data": "x" * 300_000})
        await store.put({"TableName": "Fleet", "Item": item})
    request = {
        "TableName": "Fleet", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": bind({"pk": "p"}),
    }  # fmt: skip
    assert [item["sk"]["S"] for item in await store.query(request)] == [str(number) for number in range(8)]
    assert len(await store.query(request | {"Limit": 3})) == 3


async def test_what_is_sent_nowhere_is_ambiguous(threads: ThreadPoolExecutor, aws: Any):
    """No answer is no answer: a proxy or a pool may have passed the request on."""
    assert aws
    config = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=config)
    with pytest.raises(Ambiguous):
        await Store(in_threads(client, threads)).get({"TableName": TABLE, "Key": write_item({"id": "a"})})


@pytest.mark.parametrize(
    ("code", "status", "reasons", "ours"),
    [
        ("ProvisionedThroughputExceededException", 400, [], Throttled),
        ("ThrottlingException", 400, [], Throttled),
        ("TransactionConflictException", 400, [], Throttled),
        ("TransactionCanceledException", 400, ["None", "TransactionConflict"], Throttled),
        ("TransactionCanceledException", 400, ["ConditionalCheckFailed", "TransactionConflict"], Refused),
        ("TransactionCanceledException", 400, ["ValidationError"], StoreFailed),
        ("TransactionInProgressException", 400, [], Ambiguous),
        ("InternalServerError", 500, [], Ambiguous),
        ("ServiceUnavailable", 503, [], Ambiguous),
        ("AccessDeniedException", 400, [], StoreFailed),
        ("ValidationException", 400, [], StoreFailed),
    ],
)
def test_each_code_is_one_of_our_words(code: str, status: int, reasons: list[str], ours: type[StoreError]):
    """Refused: reload. Ambiguous: fence again. Throttled: try again. Failed: tell somebody."""
    response: Any = {
        "Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }  # fmt: skip
    assert type(in_our_words(ClientError(response, "Op"))) is ours
