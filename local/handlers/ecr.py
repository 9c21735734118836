"""The registry of the workers' image: a record, since the agent starts processes instead."""

from typing import Any

from local.aws import ACCOUNT, Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:ecr/repository:Repository")
def repository(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a repository; nothing is ever destroyed here but all of it."""
    props.has_no_effect("forceDelete")
    name = physical_name(logical, props)
    (encryption,) = props["encryptionConfigurations"]
    rest = props.only("imageTagMutability", "imageScanningConfiguration")
    request = {**rest, "repositoryName": name, "encryptionConfiguration": encryption}
    made = aws.call("ecr", "CreateRepository", request)["repository"]
    return name, {"name": name, "arn": made["repositoryArn"], "repositoryUrl": made["repositoryUri"]}


@handles("aws:ecr/lifecyclePolicy:LifecyclePolicy")
def lifecycle_policy(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say which images go."""
    request = {"repositoryName": props["repository"], "lifecyclePolicyText": props["policy"]}
    aws.call("ecr", "PutLifecyclePolicy", request)
    return props["repository"], {"registryId": ACCOUNT}
