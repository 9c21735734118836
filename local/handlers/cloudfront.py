"""
The distribution and what it is made of: records, for the local dashboard is served by `local/dashboard.py`.

CloudFront wraps each list as a count and its items; Pulumi does not, so the wrapping is found in the operation's
own description.
"""

from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from local.aws import ACCOUNT, Aws, physical_name
from local.handlers.registry import handles
from local.props import Props

#: Pulumi's spelling → CloudFront's, where more than the case differs.
NAMES = {"orderedCacheBehaviors": "cacheBehaviors", "originId": "id"}


@handles("aws:cloudfront/originAccessControl:OriginAccessControl")
def origin_access_control(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create what signs the distribution's requests to a bucket."""
    config = {**props, "name": physical_name(logical, props)}
    made = aws.call("cloudfront", "CreateOriginAccessControl", {"originAccessControlConfig": config})
    return made["OriginAccessControl"]["Id"], {}


@handles("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
def response_headers_policy(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create the headers of every answer."""
    security = {name: {**one} for name, one in props["securityHeadersConfig"].items()}
    security["strictTransportSecurity"].setdefault("includeSubdomains", False)
    config = {"name": physical_name(logical, props), "securityHeadersConfig": security}
    config["customHeadersConfig"] = props["customHeadersConfig"]["items"]
    return _create(aws, "ResponseHeadersPolicy", config)["Id"], {}


@handles("aws:cloudfront/distribution:Distribution")
def distribution(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create the distribution."""
    behaviours = [_behaviour(one) for one in props["orderedCacheBehaviors"]]
    config = {
        **props,
        "callerReference": logical,
        "origins": [_origin(one) for one in props["origins"]],
        "defaultCacheBehavior": _behaviour(props["defaultCacheBehavior"]),
        "orderedCacheBehaviors": behaviours,
    }
    made = _create(aws, "Distribution", config)
    arn = f"arn:aws:cloudfront::{ACCOUNT}:distribution/{made['Id']}"
    return made["Id"], {"arn": arn, "domainName": made["DomainName"]}


def _create(aws: Aws, what: str, config: Mapping[str, Any]) -> dict[str, Any]:
    shape = aws.client("cloudfront").meta.service_model.shape_for(f"{what}Config")
    made: dict[str, Any] = aws.call("cloudfront", f"Create{what}", {f"{what}Config": counted(shape, config)})[what]
    return made


def _origin(one: Mapping[str, Any]) -> dict[str, Any]:
    """Add what CloudFront wants of a bucket, though access control has replaced it."""
    return {**one} if "customOriginConfig" in one else {**one, "s3OriginConfig": {"originAccessIdentity": ""}}


def _behaviour(one: Mapping[str, Any]) -> dict[str, Any]:
    """Put the cached methods where CloudFront has them: inside of the allowed ones."""
    rest = {name: value for name, value in one.items() if name not in {"allowedMethods", "cachedMethods"}}
    methods = {"items": one["allowedMethods"], "quantity": len(one["allowedMethods"])}
    return rest | {"allowedMethods": methods | {"cachedMethods": one["cachedMethods"]}}


def counted(shape: Shape, value: Any) -> Any:
    """Wrap each list that the shape wants counted; unknown members stay, and are refused by whoever calls."""
    match shape, value:
        case StructureShape(), list() if "Quantity" in shape.members:
            return {"quantity": len(value), "items": counted(shape.members["Items"], value)}
        case StructureShape(), Mapping():
            return _members(shape, value)
        case ListShape(), list():
            return [counted(shape.member, one) for one in value]
        case _:
            return value


def _members(shape: StructureShape, value: Mapping[str, Any]) -> dict[str, Any]:
    known = {name.lower(): member for name, member in shape.members.items()}
    renamed = {NAMES.get(name, name): inner for name, inner in value.items()}
    wrapped = {
        name: counted(known[name.lower()], one) if name.lower() in known else one for name, one in renamed.items()
    }
    return {"quantity": 0, **wrapped} if "quantity" in known else wrapped
