"""Keys of the stack's own."""

from typing import Any

from local.aws import Aws
from local.handlers.registry import handles
from local.props import Props


@handles("aws:kms/key:Key")
def key(aws: Aws, _: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a key; nothing here outlives a run, so none waits for its deletion."""
    props.has_no_effect("deletionWindowInDays")
    client = aws.client("kms")
    made = client.create_key(Description=props["description"], Policy=props["policy"])["KeyMetadata"]
    if props["enableKeyRotation"]:
        client.enable_key_rotation(KeyId=made["KeyId"])
    return made["KeyId"], {"keyId": made["KeyId"], "arn": made["Arn"]}
