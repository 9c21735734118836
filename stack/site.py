"""The dashboard: its built files in a private bucket, and the distribution that serves them beside the API."""

import json
import mimetypes
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import s3

from stack import origin
from stack.distribution import Distribution, DistributionArgs
from stack.private_bucket import guard, private_bucket


@dataclass(frozen=True, kw_only=True)
class SiteArgs:
    """What is served, and where the page finds the rest."""

    files: Path
    """The folder of the built page; None of it is uploaded where it is missing."""
    api_url: Input[str]
    web_socket_url: Output[str]
    documents_origin: Output[str]
    sign_in: origin.SignIn | None


class Site(pulumi.ComponentResource):
    """The one public thing of the stack."""

    url: Output[str]

    def __init__(self, name: str, args: SiteArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Site", name, None, opts)
        self._name = name
        self._child = ResourceOptions(parent=self)
        bucket = private_bucket(name, emptied=True, opts=self._child)
        distribution = Distribution(
            f"{name}-distribution",
            DistributionArgs(
                bucket_domain=bucket.bucket_regional_domain_name,
                api_url=Output.from_input(args.api_url),
                connect=Output.all(args.web_socket_url, args.documents_origin).apply(
                    lambda urls: origin.reached(urls[0], urls[1], args.sign_in)
                ),
            ),
            self._child,
        )
        guard(name, bucket, _read_by(distribution.arn, bucket.arn), opts=self._child)
        self._upload(bucket, args)
        self.url = distribution.url
        self.register_outputs({"url": self.url})

    def _upload(self, bucket: s3.Bucket, args: SiteArgs) -> None:
        """Upload the page after everything it names; what an open tab may still ask for stays."""
        names = sorted(f"{path.relative_to(args.files)}" for path in args.files.rglob("*") if path.is_file())
        parts = [self._file(bucket, args.files, name) for name in names if name != origin.INDEX]
        told = args.web_socket_url.apply(lambda url: json.dumps(origin.configuration(url, args.sign_in)))
        configuration = s3.BucketObjectv2(
            f"{self._name}-{origin.CONFIGURATION}",
            bucket=bucket.id,
            key=origin.CONFIGURATION,
            content=told,
            content_type="application/json",
            cache_control=origin.cache_control(origin.CONFIGURATION),
            opts=self._child,
        )
        if origin.INDEX in names:
            self._file(bucket, args.files, origin.INDEX, ResourceOptions(depends_on=[*parts, configuration]))

    def _file(
        self, bucket: s3.Bucket, folder: Path, name: str, own: ResourceOptions | None = None
    ) -> s3.BucketObjectv2:
        hashed = ResourceOptions(retain_on_delete=name.startswith(origin.HASHED_FOLDER))
        return s3.BucketObjectv2(
            f"{self._name}-{name}",
            bucket=bucket.id,
            key=name,
            source=pulumi.FileAsset(f"{folder / name}"),
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            cache_control=origin.cache_control(name),
            opts=ResourceOptions.merge(ResourceOptions.merge(self._child, hashed), own),
        )


def _read_by(distribution_arn: Input[str], bucket_arn: Input[str]) -> dict[str, object]:
    """Let this distribution read the files, and nobody else."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": Output.concat(bucket_arn, "/*"),
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
    }
