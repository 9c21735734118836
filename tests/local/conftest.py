"""A stack in moto that has kept something, as an operator's commands reach it."""

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from api.keys import Keys
from contracts.kinds import SourceType
from contracts.table import heads, schema
from contracts.table.heads import Head
from contracts.table.schema import TableNames
from contracts.table.values import read_item
from local.reach import Reach
from tests.api.account import ENVIRON, NOW_MS, PREFIX, REGION, Aws, Caller

HISTORY_DAYS = 7


@dataclass
class Kept:
    """A stack, and what the API and a worker do with it."""

    stack: Reach
    aws: Aws
    caller: Caller = field(init=False)
    documents: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.caller = Caller(aws=self.aws)

    def register(self, **fields: Any) -> str:
        """Register a source."""
        given = {"name": "Prices", "url": "https://feeds.example.com/prices.json"} | fields
        answer = self.caller.register(given)
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def source(self, source_id: str) -> dict[str, Any]:
        """Read a source's item."""
        return self._row(self.stack.tables.data_sources, source_id)

    def head(self, source_id: str) -> Head:
        """Read a source's head."""
        return Head.from_item(self._row(self.stack.tables.sheets_data, source_id))

    def fenced(self, source_id: str, *, epoch: int) -> Head:
        """Load a head as a worker does that just claimed the shard."""
        request = heads.fence(self.stack.tables.sheets_data, source_id, epoch=epoch)
        return Head.read(self.stack.dynamodb.update_item(**request)["Attributes"])

    def members(self) -> list[tuple[str, str]]:
        """Give shard and id of every membership."""
        rows = [read_item(item) for item in self.aws.rows(self.stack.tables.fleet)]
        return sorted((row["pk"], row["sk"]) for row in rows if "#M#" in row["pk"])

    def chance(self) -> random.Random:
        """Give chance."""
        return random.SystemRandom()

    def keys(self) -> Keys:
        """Give the secrets."""
        return Keys(client=self.stack.secrets, prefix=PREFIX)

    def _row(self, table: str, row_id: str) -> dict[str, Any]:
        return read_item(self.stack.dynamodb.get_item(**heads.get(table, row_id))["Item"])


#: A client takes long to make, and serves every account that is mocked.
_client: Any = cache(boto3.client)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Make a stack that is empty yet."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield make(PREFIX)


def make(prefix: str) -> Kept:
    """Make tables, bucket and queues in the account that is mocked now."""
    dynamodb, s3, sqs, secrets = (_client(name) for name in ("dynamodb", "s3", "sqs", "secretsmanager"))
    tables = TableNames.from_environ(ENVIRON)
    for name, attribute in schema.FIELDS.items():
        dynamodb.create_table(**schema.create_table(getattr(tables, attribute), schema.SCHEMAS[name]))
    s3.create_bucket(Bucket="documents", CreateBucketConfiguration={"LocationConstraint": REGION})
    fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    dead = sqs.create_queue(QueueName="dead.fifo", Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    queue = sqs.create_queue(QueueName="changes.fifo", Attributes=fifo | {"RedrivePolicy": policy})["QueueUrl"]
    stack = Reach(
        dynamodb=dynamodb, s3=s3, sqs=sqs, secrets=secrets, tables=tables, queue_url=queue, bucket="documents",
        secrets_prefix=prefix, history_days=HISTORY_DAYS,
        shards={SourceType.EXTERNAL: 1024, SourceType.GOOGLE_SHEET: 256},
    )  # fmt: skip
    aws = Aws(
        dynamodb=dynamodb, secrets=secrets, sqs=sqs, s3=s3, tables=tables, queue_url=queue, bucket="documents",
        at_ms=NOW_MS,
    )  # fmt: skip
    return Kept(stack=stack, aws=aws)


def rewrite(file: Path, act: Callable[[dict[str, Any]], None]) -> None:
    """Act on each record of a backup, and write them with a checksum that fits."""
    records = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()[:-1]]
    for record in records:
        act(record)
    lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    end = json.dumps({"sha256": hashlib.sha256(lines).hexdigest()}).encode() + b"\n"
    file.write_bytes(gzip.compress(lines + end))
