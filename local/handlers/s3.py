"""Buckets, what guards them and what a deploy puts into them."""

from pathlib import Path
from typing import Any

import pulumi

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.policies import without_tls
from local.props import Props

#: The one region that must not be named when a bucket is made in it.
NAMELESS_REGION = "us-east-1"


@handles("aws:s3/bucket:Bucket")
def bucket(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a bucket; nothing is ever destroyed here but all of it."""
    props.has_no_effect("forceDestroy")
    name = physical_name(logical, props, key="bucket")
    aws.client("s3").create_bucket(Bucket=name, **placed(aws.region))
    domain = f"{name}.s3.{aws.region}.amazonaws.com"
    return name, {"bucket": name, "arn": f"arn:aws:s3:::{name}", "bucketRegionalDomainName": domain}


def placed(region: str) -> dict[str, Any]:
    """Say where a bucket is made, as its creation wants to hear it."""
    return {} if region == NAMELESS_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}


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


@handles("aws:s3/bucketPolicy:BucketPolicy")
def policy(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say who else may read a bucket."""
    bucket, rest = props["bucket"], without_tls(props["policy"])
    if rest:
        aws.call("s3", "PutBucketPolicy", {"bucket": bucket, "policy": rest})
    return bucket, {}


@handles("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
def cors(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say which pages may read a bucket; the emulator answers every page, rules on the resource graph check."""
    rules = {"corsRules": props["corsRules"]}
    aws.call("s3", "PutBucketCors", {"bucket": props["bucket"], "corsConfiguration": rules})
    return props["bucket"], {}


@handles("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def lifecycle(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say what a bucket forgets."""
    rules = {"rules": props["rules"]}
    request = {"bucket": props["bucket"], "lifecycleConfiguration": rules}
    aws.call("s3", "PutBucketLifecycleConfiguration", request)
    return props["bucket"], {}


@handles("aws:s3/bucketObjectv2:BucketObjectv2")
def stored_object(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Upload a file or a text."""
    body = props["content"].encode() if "content" in props else _bytes(props["source"])
    inputs = props.only("bucket", "key", "cacheControl", "contentType")
    aws.call("s3", "PutObject", {**inputs, "body": body})
    return f"{props['bucket']}/{props['key']}", {}


def _bytes(source: pulumi.Asset) -> bytes:
    if not isinstance(source, pulumi.FileAsset):
        raise TypeError(f"an object is uploaded from a file or a text, not from {type(source).__name__}")
    return Path(source.path).read_bytes()
