"""Buckets and what guards them."""

from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props

#: The one region that must not be named when a bucket is made in it.
NAMELESS_REGION = "us-east-1"


@handles("aws:s3/bucket:Bucket")
def bucket(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a bucket."""
    name = physical_name(logical, props, key="bucket")
    region = {} if aws.region == NAMELESS_REGION else {"LocationConstraint": aws.region}
    aws.client("s3").create_bucket(Bucket=name, **({"CreateBucketConfiguration": region} if region else {}))
    return name, {"bucket": name, "arn": f"arn:aws:s3:::{name}"}


@handles("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def public_access_block(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Close a bucket to the public."""
    rules = {key: value for key, value in props.items() if key != "bucket"}
    aws.call("s3", "PutPublicAccessBlock", {"bucket": props["bucket"], "publicAccessBlockConfiguration": rules})
    return props["bucket"], {}


@handles("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def encryption(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say how a bucket encrypts."""
    rules = {"rules": props["rules"]}
    aws.call("s3", "PutBucketEncryption", {"bucket": props["bucket"], "serverSideEncryptionConfiguration": rules})
    return props["bucket"], {}
