"""Log groups."""

from typing import Any

from local.aws import ACCOUNT, Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:cloudwatch/logGroup:LogGroup")
def log_group(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a log group with its retention."""
    name = physical_name(logical, props)
    client = aws.client("logs")
    client.create_log_group(logGroupName=name)
    client.put_retention_policy(logGroupName=name, retentionInDays=props["retentionInDays"])
    return name, {"name": name, "arn": f"arn:aws:logs:{aws.region}:{ACCOUNT}:log-group:{name}"}
