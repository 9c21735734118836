"""Functions, who may call them and what feeds them."""

from pathlib import Path
from typing import Any

import pulumi

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.handlers.s3 import placed
from local.props import Props

#: Where the zips lie. Many functions share one: sent along with each, it would be encoded, signed and read every time.
CODE_BUCKET = "code-of-functions"


@handles("aws:lambda/function:Function")
def function(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a function from its zip; the emulator ignores the architecture and runs its own interpreter."""
    name = physical_name(logical, props)
    inputs = {key: value for key, value in props.items() if key not in {"name", "code", "timeout"}}
    made = aws.call(
        "lambda",
        "CreateFunction",
        {**inputs, "functionName": name, "timeout": props["timeout"], "code": _code(aws, props["code"])},
    )
    arn = made["FunctionArn"]
    path = f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return name, {"name": name, "arn": arn, "invokeArn": path}


@handles("aws:lambda/permission:Permission")
def permission(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Record who may call a function; the emulator never checks it, rules on the resource graph do."""
    request = {"functionName": props["function"], "statementId": logical}
    aws.call("lambda", "AddPermission", {**request, **props.only("action", "principal", "sourceArn")})
    return logical, {"statementId": logical}


@handles("aws:lambda/eventSourceMapping:EventSourceMapping")
def event_source_mapping(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Feed a queue to a function."""
    made = aws.call("lambda", "CreateEventSourceMapping", props)
    return made["UUID"], {"uuid": made["UUID"], "arn": made.get("EventSourceMappingArn", made["UUID"])}


@handles("aws:lambda/functionRecursionConfig:FunctionRecursionConfig")
def recursion(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Allow a function to queue work for itself."""
    aws.call("lambda", "PutFunctionRecursionConfig", props)
    return props["functionName"], {}


def _code(aws: Aws, code: pulumi.Archive) -> dict[str, str]:
    if not isinstance(code, pulumi.FileArchive):
        raise TypeError(f"a function's code must be a zip that is built already, not {type(code).__name__}")
    path, s3 = Path(code.path), aws.client("s3")
    aws.once(CODE_BUCKET, lambda: s3.create_bucket(Bucket=CODE_BUCKET, **placed(aws.region)))
    aws.once(path.name, lambda: s3.put_object(Bucket=CODE_BUCKET, Key=path.name, Body=path.read_bytes()))
    return {"s3Bucket": CODE_BUCKET, "s3Key": path.name}
