"""One small handler per resource type: what `pulumi up` would create, created on the embedded AWS."""

from local.handlers import (
    apigatewayv2,
    cloudfront,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    ecs,
    events,
    iam,
    kms,
    lambda_,
    logs,
    s3,
    secretsmanager,
    sns,
    sqs,
)
from local.handlers.registry import HANDLERS, SKIPPED, Handler

__all__ = [
    "HANDLERS",
    "SKIPPED",
    "Handler",
    "apigatewayv2",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "events",
    "iam",
    "kms",
    "lambda_",
    "logs",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
]
