"""What a Lambda gets from outside: its clock, its chance, its clients. Handlers fetch these here and hand them in."""

import random
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from api.moment import clock_s, pause, wall_ms

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

__all__ = ["CHANCE", "clock_s", "dynamodb", "ecs", "pause", "s3", "secrets_manager", "sns", "sqs", "wall_ms"]

#: Ids, tickets and jitter: nobody may guess them.
CHANCE = random.SystemRandom()

#: A Lambda has 10 s: two tries that hang must leave room to clean up and to answer.
_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
#: Presigned URLs name the region, also in the one that boto3 leaves out: signed for the global endpoint, a young bucket
#: elsewhere answers with a redirect; and a page may fetch from the bucket's regional host alone (`stack/origin.py`).
_S3_CONFIG = Config(
    signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
)


def dynamodb() -> "DynamoDBClient":
    """Make the client of the tables."""
    return boto3.client("dynamodb", config=_CONFIG)


def ecs() -> "ECSClient":
    """Make the client of the workers' services."""
    return boto3.client("ecs", config=_CONFIG)


def secrets_manager() -> "SecretsManagerClient":
    """Make the client of the secrets."""
    return boto3.client("secretsmanager", config=_CONFIG)


def sqs() -> "SQSClient":
    """Make the client of the queue."""
    return boto3.client("sqs", config=_CONFIG)


def sns() -> "SNSClient":
    """Make the client of the topics."""
    return boto3.client("sns", config=_CONFIG)


def s3() -> "S3Client":
    """Make the client of the bucket."""
    return boto3.client("s3", config=_CONFIG.merge(_S3_CONFIG))
