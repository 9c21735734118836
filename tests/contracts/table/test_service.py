"""What a worker asks over its own sockets is answered as what it asks through boto3: by the embedded AWS, in HTTP."""

import random
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from contracts.messages import Kind, Message
from contracts.table.schema import TableNames
from contracts.table.transaction import transaction
from contracts.table.values import bind, write_item
from local.aws import ROOT
from monitor_fleet.clients import Clients
from monitor_fleet.errors import Refused, StoreFailed
from monitor_fleet.store import Store, in_threads

ABSENT = {"ConditionExpression": "attribute_not_exists(id)"}
SHOWN = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


@pytest.fixture
async def clients(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """Give a worker's clients of the embedded AWS."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    made = Clients(lambda: time.time_ns() // 1_000_000)
    yield made
    await made.close()


@pytest.fixture(params=["embedded by sockets", "embedded by boto3"])
def store(request: pytest.FixtureRequest, clients: Clients, embedded: Any) -> Iterator[Store]:
    """Give the verbs either way."""
    with ThreadPoolExecutor(1) as threads:
        yield clients.store() if "sockets" in request.param else Store(in_threads(embedded, threads))


async def test_items_come_back_as_they_went(store: Store, tables: TableNames):
    """Texts in every script, numbers beyond 64 bits, and bytes, which travel as base64."""
    item = write_item({
        "id": "a", "sheetId": "ü😀\n\u2028", "n": 2**70, "f": 0.1, "b": bytes(range(256)), "yes": True,
        "l": [1, "x", [b"in"]], "m": {"B": "a name", "N": 1},
    })  # fmt: skip
    await store.put({"TableName": tables.sheets_data, "Item": item})
    got = {"TableName": tables.sheets_data, "Key": write_item({"id": "a"}), "ConsistentRead": True}
    assert await store.get(got) == item
    assert await store.batch_get({"RequestItems": {tables.sheets_data: {"Keys": [got["Key"]]}}}) == [item]
    assert await store.get(got | {"Key": write_item({"id": "absent"})}) is None
    await store.delete({"TableName": tables.sheets_data, "Key": got["Key"]})
    assert await store.get(got) is None


async def test_an_update_gives_what_it_made(store: Store, tables: TableNames):
    """As loading and fencing a head needs it."""
    request = {
        "TableName": tables.sheets_data, "Key": write_item({"id": "a"}), "UpdateExpression": "ADD fence :one",
        "ExpressionAttributeValues": bind({"one": 1}), "ReturnValues": "ALL_NEW",
    }  # fmt: skip
    assert await store.update(request) == write_item({"id": "a", "fence": 1})
    assert await store.update({**request, "ReturnValues": "NONE"}) == {}


async def test_refusals_say_what_stands_there_and_which_action_it_was(store: Store, tables: TableNames):
    """What a caller does next depends on it."""
    row = {"TableName": tables.sheets_data, "Item": write_item({"id": "a", "data": b"old"})}
    await store.put(row)
    with pytest.raises(Refused) as refused:
        await store.put({**row, **ABSENT, **SHOWN})
    assert refused.value.old == row["Item"]
    other = {"TableName": tables.sheets_data, "Item": write_item({"id": "b"})}
    with pytest.raises(Refused) as cancelled:
        await store.transact(transaction([("Put", other), ("Put", {**row, **ABSENT})], token=f"1-{tables.sheets_data}"))
    assert cancelled.value.reasons == ("None", "ConditionalCheckFailed")
    await store.transact(transaction([("Put", {**other, **ABSENT})], token=f"2-{tables.sheets_data}"))


async def test_what_is_refused_for_good_says_so(store: Store, tables: TableNames):
    """A table that is not there stays away."""
    with pytest.raises(StoreFailed):
        await store.get({"TableName": f"{tables.sheets_data}-none", "Key": write_item({"id": "a"})})


async def test_a_message_arrives_in_its_group(clients: Clients):
    """With the header of a trace beside it."""
    # Of a session of its own: boto3's shared one keeps the credentials that it met first, which are another test's.
    sqs = boto3.session.Session().client("sqs")
    url = sqs.create_queue(QueueName="served.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    message = Message(kind=Kind.CHANGE, source_id="external-1", incarnation="i", version=3, at_ms=5, trace="Root=1-a-b")

    await clients.queue(url, random.Random(1)).publish(message)

    (got,) = sqs.receive_message(QueueUrl=url, AttributeNames=["MessageGroupId"], MessageSystemAttributeNames=["All"])[
        "Messages"
    ]
    assert Message.decode(got["Body"]) == Message(**{**vars(message), "trace": ""})
    assert got["Attributes"]["MessageGroupId"] == "external-1"
