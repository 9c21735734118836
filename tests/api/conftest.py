"""An empty account in moto, and a caller."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from moto import mock_aws

from api import door
from contracts.table import schema
from contracts.table.schema import TableNames
from local.memory import Memory
from tests.api.account import ENVIRON, REGION, Aws, Caller


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test reach a real account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@cache
def clients() -> tuple[Any, Any, Any, Any]:
    """Make the clients that the handlers use, once: moto empties their account for every test."""
    return door.dynamodb(), door.secrets_manager(), door.sqs(), door.s3()


@pytest.fixture
def account() -> Iterator[Aws]:
    """Give an account without tables."""
    with mock_aws():
        dynamodb, secrets, sqs, s3 = clients()
        tables = TableNames.from_environ(ENVIRON)
        queue = sqs.create_queue(QueueName="changes.fifo", Attributes={"FifoQueue": "true"})
        s3.create_bucket(Bucket="documents", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield Aws(
            dynamodb=dynamodb, secrets=secrets, sqs=sqs, s3=s3,
            tables=tables, queue_url=queue["QueueUrl"], bucket="documents",
        )  # fmt: skip


@pytest.fixture
def aws(account: Aws) -> Aws:
    """Give an account with empty tables."""
    for name, attribute in schema.FIELDS.items():
        account.dynamodb.create_table(**schema.create_table(getattr(account.tables, attribute), schema.SCHEMAS[name]))
    return account


@pytest.fixture
def swift(account: Aws) -> Aws:
    """
    Give an account whose tables are in memory, for tests that send the same few requests hundreds of times.

    Its answers are moto's, which tests/contracts/table says; whatever is sent is sent to moto too, by a test beside.
    """
    return replace(account, dynamodb=Memory(account.tables))


@pytest.fixture
def caller(aws: Aws) -> Caller:
    """Give a caller who may read and write."""
    return Caller(aws=aws)
