"""A bucket that nobody outside may read or write by itself: private and encrypted."""

import pulumi_aws as aws
from pulumi import ResourceOptions

#: S3's own keys: a customer's would ask every reader for one right more and keep nobody out who has the bucket's.
ALGORITHM = "AES256"


def private_bucket(
    name: str, *, holds_state: bool, opts: ResourceOptions, own: ResourceOptions | None = None
) -> aws.s3.Bucket:
    """
    Declare the bucket and what guards it.

    One that `holds_state` is not emptied when it is destroyed; `own` are options of the bucket alone.
    """
    bucket = aws.s3.Bucket(name, force_destroy=not holds_state, opts=ResourceOptions.merge(opts, own))
    aws.s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm=ALGORITHM
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.id,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=by_default)
        ],
        opts=opts,
    )
    return bucket
