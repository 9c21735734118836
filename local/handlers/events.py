"""Rules of the clock; the embedded AWS follows them."""

from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:cloudwatch/eventRule:EventRule")
def rule(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a rule."""
    name = physical_name(logical, props)
    made = aws.call("events", "PutRule", {**props, "name": name})
    return name, {"name": name, "arn": made["RuleArn"]}


@handles("aws:cloudwatch/eventTarget:EventTarget")
def target(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say whom a rule calls."""
    one = {"id": logical, "arn": props["arn"]}
    if "inputTransformer" in props:
        told = props["inputTransformer"]
        one["inputTransformer"] = {"inputPathsMap": told["inputPaths"], "inputTemplate": told["inputTemplate"]}
    aws.call("events", "PutTargets", {"rule": props["rule"], "targets": [one]})
    return logical, {"targetId": logical}
