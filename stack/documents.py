"""The bucket of documents that are too big for a table's item."""

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions


class Documents(pulumi.ComponentResource):
    """A private, encrypted bucket; readers outside get presigned URLs."""

    bucket: Output[str]
    arn: Output[str]

    def __init__(self, name: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Documents", name, None, opts)
        child = ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(name, opts=ResourceOptions(parent=self, protect=True))
        aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="AES256"
                        )
                    )
                )
            ],
            opts=child,
        )
        self.bucket, self.arn = bucket.id, bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})
