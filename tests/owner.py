"""The owner of a running stack, who may ask the AWS behind it with the keys of `state.json`."""

from collections.abc import Mapping
from typing import Any

import boto3


def client(state: Mapping[str, Any], service: str) -> Any:
    """Make a client of a service."""
    keys = state["credentials"]
    return boto3.client(
        service,  # type: ignore[call-overload]  # the stubs know a literal each
        endpoint_url=state["awsEndpoint"],
        region_name=state["region"],
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
    )


def variables(state: Mapping[str, Any]) -> dict[str, str]:
    """Say to a process of our own what makes it the owner."""
    keys = state["credentials"]
    return {
        "AWS_ENDPOINT_URL": state["awsEndpoint"], "AWS_DEFAULT_REGION": state["region"],
        "AWS_ACCESS_KEY_ID": keys["accessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["secretAccessKey"],
    }  # fmt: skip
