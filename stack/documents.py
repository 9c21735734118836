"""The bucket of documents that are too big for a table's item."""

from collections.abc import Sequence

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import s3

from contracts.clock import DAY_S
from contracts.table.heads import BODY_TTL_S
from stack.private_bucket import guard, private_bucket

#: A day after the table would have let go: the owner stores a current document again before its time is over.
EXPIRE_AFTER_DAYS = BODY_TTL_S // DAY_S + 1
#: How long a browser remembers that it may read.
CORS_MAX_AGE_S = 3_600


class Documents(pulumi.ComponentResource):
    """A private, encrypted bucket; readers outside get presigned URLs."""

    bucket: Output[str]
    arn: Output[str]
    origin: Output[str]
    """Where presigned URLs point to."""

    def __init__(self, name: str, *, protect: bool, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Documents", name, None, opts)
        self._name, self._child = name, ResourceOptions(parent=self)
        bucket = private_bucket(name, emptied=not protect, opts=self._child, own=ResourceOptions(protect=protect))
        guard(name, bucket, opts=self._child)
        s3.BucketLifecycleConfiguration(f"{name}-lifecycle", bucket=bucket.id, rules=[_forget_old()], opts=self._child)
        self.bucket, self.arn = bucket.id, bucket.arn
        self.origin = Output.concat("https://", bucket.bucket_regional_domain_name)
        self.register_outputs({"bucket": self.bucket, "arn": self.arn, "origin": self.origin})

    def let_pages_read(self, origins: Sequence[Input[str]]) -> None:
        """Let pages of these origins fetch what they were given a presigned URL for."""
        rule = s3.BucketCorsConfigurationCorsRuleArgs(
            allowed_methods=["GET"], allowed_origins=list(origins), max_age_seconds=CORS_MAX_AGE_S
        )
        s3.BucketCorsConfiguration(f"{self._name}-cors", bucket=self.bucket, cors_rules=[rule], opts=self._child)


def _forget_old() -> s3.BucketLifecycleConfigurationRuleArgs:
    return s3.BucketLifecycleConfigurationRuleArgs(
        id="forget-old",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=EXPIRE_AFTER_DAYS),
        abort_incomplete_multipart_upload=(
            s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(days_after_initiation=1)
        ),
    )
