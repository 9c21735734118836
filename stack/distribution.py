"""The distribution: one origin for browsers, the files of the page behind it and, on its paths, the HTTP API."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import cloudfront

from stack import origin

#: Policies that AWS manages, the same in every account (CloudFront developer guide, "Use managed … policies").
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST_HEADER = "b689b0a8-53d0-40ab-baf2-68738e2966ac"

FILES, API = "files", "api"
READING = ("GET", "HEAD")
#: CloudFront knows only these three sets of methods.
EVERY_METHOD = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
HSTS_S = 31_536_000


@dataclass(frozen=True, kw_only=True)
class DistributionArgs:
    """What stands behind it, and whom else its pages may talk to."""

    bucket_domain: Input[str]
    api_url: Output[str]
    connect: Output[list[str]]
    """Origins of the socket and of the documents."""


class Distribution(pulumi.ComponentResource):
    """HTTPS only, HTTP/3, the same strict headers on every answer; nothing of the API is ever cached."""

    arn: Output[str]
    url: Output[str]

    def __init__(self, name: str, args: DistributionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Distribution", name, None, opts)
        self._name, self._args, self._child = name, args, ResourceOptions(parent=self)
        headers = self._headers()
        made = cloudfront.Distribution(
            name,
            enabled=True,
            comment=f"{pulumi.get_project()}-{pulumi.get_stack()}",
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class="PriceClass_100",
            default_root_object=origin.INDEX,
            origins=[self._files(), self._api()],
            default_cache_behavior=_of_files(headers.id),
            ordered_cache_behaviors=[_of_api(pattern, headers.id) for pattern in origin.API_PATTERNS],
            restrictions=cloudfront.DistributionRestrictionsArgs(
                geo_restriction=cloudfront.DistributionRestrictionsGeoRestrictionArgs(restriction_type="none")
            ),
            viewer_certificate=cloudfront.DistributionViewerCertificateArgs(cloudfront_default_certificate=True),
            opts=self._child,
        )
        self.arn, self.url = made.arn, Output.concat("https://", made.domain_name)
        self.register_outputs({"arn": self.arn, "url": self.url})

    def _files(self) -> cloudfront.DistributionOriginArgs:
        access = cloudfront.OriginAccessControl(
            f"{self._name}-access",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child,
        )
        return cloudfront.DistributionOriginArgs(
            origin_id=FILES, domain_name=self._args.bucket_domain, origin_access_control_id=access.id
        )

    def _api(self) -> cloudfront.DistributionOriginArgs:
        """Name the API's host; its path is empty but on the embedded AWS, where one port serves all."""
        only_https = cloudfront.DistributionOriginCustomOriginConfigArgs(
            http_port=80, https_port=443, origin_protocol_policy="https-only", origin_ssl_protocols=["TLSv1.2"]
        )
        return cloudfront.DistributionOriginArgs(
            origin_id=API,
            domain_name=self._args.api_url.apply(lambda url: urlsplit(url).netloc),
            origin_path=self._args.api_url.apply(lambda url: urlsplit(url).path),
            custom_origin_config=only_https,
        )

    def _headers(self) -> cloudfront.ResponseHeadersPolicy:
        policy = self._args.connect.apply(origin.content_security_policy)
        fixed = origin.security_headers(())
        security = cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs(
            content_security_policy=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs(
                content_security_policy=policy, override=True
            ),
            content_type_options=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(
                override=True
            ),
            referrer_policy=cloudfront.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs(
                referrer_policy=fixed["Referrer-Policy"], override=True
            ),
            strict_transport_security=(
                cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
                    access_control_max_age_sec=HSTS_S, override=True
                )
            ),
        )
        opener = cloudfront.ResponseHeadersPolicyCustomHeadersConfigItemArgs(
            header="Cross-Origin-Opener-Policy", value=fixed["Cross-Origin-Opener-Policy"], override=True
        )
        return cloudfront.ResponseHeadersPolicy(
            f"{self._name}-headers",
            security_headers_config=security,
            custom_headers_config=cloudfront.ResponseHeadersPolicyCustomHeadersConfigArgs(items=[opener]),
            opts=self._child,
        )


def _of_files(headers: Input[str]) -> cloudfront.DistributionDefaultCacheBehaviorArgs:
    return cloudfront.DistributionDefaultCacheBehaviorArgs(
        target_origin_id=FILES,
        viewer_protocol_policy="redirect-to-https",
        allowed_methods=list(READING),
        cached_methods=list(READING),
        cache_policy_id=CACHING_OPTIMIZED,
        response_headers_policy_id=headers,
        compress=True,
    )


def _of_api(pattern: str, headers: Input[str]) -> cloudfront.DistributionOrderedCacheBehaviorArgs:
    """Pass on all but the host, by which API Gateway finds the API; a redirect would come after the token was sent."""
    return cloudfront.DistributionOrderedCacheBehaviorArgs(
        path_pattern=pattern,
        target_origin_id=API,
        viewer_protocol_policy="https-only",
        allowed_methods=list(EVERY_METHOD),
        cached_methods=list(READING),
        cache_policy_id=CACHING_DISABLED,
        origin_request_policy_id=ALL_VIEWER_EXCEPT_HOST_HEADER,
        response_headers_policy_id=headers,
        compress=True,
    )
