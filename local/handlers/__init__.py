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
    lambda_,
    logs,
    s3,
    secretsmanager,
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
    "lambda_",
    "logs",
    "s3",
    "secretsmanager",
    "sqs",
]
