"""A bucket that nobody outside may read or write by itself: private, and encrypted at rest and on the way."""

from pulumi import Output, ResourceOptions
from pulumi_aws import s3

from stack import transport

#: S3's own keys: a customer's would ask every reader for one right more and keep nobody out who has the bucket's.
ALGORITHM = "AES256"


def private_bucket(name: str, *, emptied: bool, opts: ResourceOptions, own: ResourceOptions | None = None) -> s3.Bucket:
    """
    Declare the bucket and what guards it, but for its policy.

    `emptied`: whether it goes with all that is in it, as it must to go at all; `own` are options of the bucket alone.
    """
    bucket = s3.Bucket(name, force_destroy=emptied, opts=ResourceOptions.merge(opts, own))
    s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    by_default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm=ALGORITHM
    )
    s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.id,
        rules=[s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=by_default)],
        opts=opts,
    )
    return bucket


def guard(name: str, bucket: s3.Bucket, *statements: dict[str, object], opts: ResourceOptions) -> None:
    """Declare the bucket's one policy: nothing in the clear, and who else may what."""
    plain = transport.refuse_plain("s3:*", [bucket.arn, Output.concat(bucket.arn, "/*")])
    s3.BucketPolicy(f"{name}-policy", bucket=bucket.id, policy=transport.policy(*statements, plain), opts=opts)
