"""Secrets that the stack itself makes; those of sources are made at run time."""

from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:secretsmanager/secret:Secret")
def secret(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a secret without a value; nothing here outlives a run, so there is nothing to recover."""
    props.has_no_effect("recoveryWindowInDays")
    name = physical_name(logical, props)
    arn = aws.client("secretsmanager").create_secret(Name=name, Description=props["description"])["ARN"]
    return arn, {"name": name, "arn": arn}


@handles("aws:secretsmanager/secretVersion:SecretVersion")
def secret_version(aws: Aws, _: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Put a value into a secret."""
    version = aws.client("secretsmanager").put_secret_value(
        SecretId=props["secretId"], SecretString=props["secretString"]
    )
    return version["VersionId"], {"arn": version["ARN"], "versionId": version["VersionId"]}
