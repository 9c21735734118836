"""What the Lambda reaches beyond itself, handed in: made once in `handler.py`, and by the tests."""

from __future__ import annotations  # the stubs below exist only where types are checked

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contracts.clock import NowMs
from contracts.table.revocations import Revocation
from contracts.table.schema import TableNames
from contracts.table.subscribers import BUCKET_SUBSCRIBERS_MAX
from ws.budget import Budget
from ws.post import Post

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@dataclass(kw_only=True)
class Revoked:
    """What `revoked.py` read last, and when."""

    rows: dict[str, Revocation] = field(default_factory=dict)
    at_ms: int = -1_000_000


@dataclass(frozen=True, kw_only=True)
class World:
    """
    Clients, names and time.

    `pool` runs what may run side by side; `sleep` takes seconds; `stack` is the dimension of every metric.
    """

    dynamodb: DynamoDBClient
    sqs: SQSClient
    s3: S3Client
    post: Post
    budget: Budget
    pool: Executor
    tables: TableNames
    queue_url: str
    dead_letter_url: str
    documents_bucket: str
    now_ms: NowMs
    sleep: Callable[[float], None]
    stack: str
    bucket_subscribers_max: int = BUCKET_SUBSCRIBERS_MAX
    revoked: Revoked = field(default_factory=Revoked)
