"""Run the program under mocks and write what it declares to stdout, as JSON: `python -m tests.stack.record`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor

from local.config import stack_config
from local.deploy import run_program
from local.outputs import with_markers
from local.props import plain

ROOT = Path(__file__).parent.parent.parent
REGION, ACCOUNT = "eu-central-1", "123456789012"
#: What an account may see of a Region, as AWS lists it: name → id, and whether somebody had to opt in.
ZONES = {
    f"{REGION}-ham-1a": ("euc1-ham1-az1", "opted-in"),
    f"{REGION}1": ("apne1-az3", "opt-in-not-required"),
    f"{REGION}a": ("euc1-az2", "opt-in-not-required"),
    f"{REGION}b": ("euc1-az3", "opt-in-not-required"),
}
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/monitor-fleet@sha256:{'0' * 64}"
#: Over the local numbers: all that can be switched on, under production's rules; as little as there can be; and with an
#: image that the program builds.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "production": {
        "production": True,
        "protect": True,
        "alarmEmail": "operator@example.com",
        "externalCountMax": 20,
        "scaleOnLagMs": 1_000,
        "tracePercent": 5,
        "sheetCount": 0,
        "egress": "nat",
        "natGateways": 2,
        "spotPercent": 70,
        "allowPrivateTargets": False,
        "corsOrigins": ["https://app.example.com"],
        "oidcIssuer": "https://issuer.example.com",
        "oidcAudience": "fleet",
        "oidcClientId": "dashboard",
        "alerts": [
            {"name": "all", "email": "ops@example.com"},
            {"name": "prod", "tags": ["prod"], "afterMinutes": 1, "webhook": "https://hooks.example.com/fleet"},
        ],
        "alertsSecret": "signing-secret",
    },
    "widest": {
        "production": False,
        "protect": True,
        "contact": "c" * 256,
        "requestsPerSecond": 2_500,
        "fanOutsAtOnce": 1_000,
        "tracePercent": 5,
        "subnets": ["subnet-0"],
        "securityGroups": ["sg-0"],
        "forbiddenPorts": list(range(65_500, 65_516)),
        "forbiddenNetworks": [f"fd12:3456:789a:bc{number:02x}::/64" for number in range(16)],
        "oidcIssuer": "https://issuer.example.com/".ljust(256, "i"),
        "oidcAudience": "a" * 256,
        "oidcScopePrefix": "s" * 256,
        "oidcClientId": "c" * 256,
        "alerts": [
            {"name": f"{number}".ljust(32, "n"), "tags": ["t" * 48], "email": "ops@example.com"} for number in range(8)
        ],
    },
    "development": {},
    "built": {"workerImage": ""},
}
TOKEN = "smf_0123456789ab_" + "0" * 48


class Recorder(pulumi.runtime.Mocks):
    """Gives every resource an ARN as AWS writes it, and fails on any look-up it does not know."""

    def new_resource(  # noqa: C901 - a line a type
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        """Answer with plausible outputs."""
        if not args.custom:
            return "", dict(args.inputs)
        outputs = {"name": args.name, "arn": arn(args.typ, args.name), **args.inputs, "id": args.name}
        if args.typ == "aws:apigatewayv2/api:Api":
            scheme = "wss" if args.inputs["protocolType"] == "WEBSOCKET" else "https"
            outputs["apiEndpoint"] = f"{scheme}://{args.name}.execute-api.{REGION}.amazonaws.com"
            outputs["executionArn"] = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{args.name}"
        if args.typ == "aws:s3/bucket:Bucket":
            outputs["bucketRegionalDomainName"] = f"{args.name}.s3.{REGION}.amazonaws.com"
        if args.typ == "aws:cloudfront/distribution:Distribution":
            outputs["domainName"] = "d111111abcdef8.cloudfront.net"
        if args.typ == "aws:ec2/eip:Eip":
            outputs["publicIp"] = "203.0.113.7"
        if args.typ == "aws:ecr/repository:Repository":
            outputs["repositoryUrl"] = IMAGE.partition("@")[0]
        if args.typ == "aws:sqs/queue:Queue":
            outputs["url"] = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{args.name}"
        if args.typ == "aws:secretsmanager/secretVersion:SecretVersion":
            outputs["versionId"] = "version-1"
        if args.typ == "aws:lambda/function:Function":
            outputs["invokeArn"] = f"arn:aws:apigateway:{REGION}:lambda:path/functions/{args.name}/invocations"
        if args.typ == "docker-build:index:Image":
            outputs["ref"] = f"{args.inputs['tags'][0]}@sha256:{'1' * 64}"
        return args.name, with_markers(args.typ, outputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Answer the look-ups that the program makes."""
        if args.token == "aws:index/getAvailabilityZones:getAvailabilityZones":
            return {"names": zones(args.args)}, []
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:ecr/getAuthorizationToken:getAuthorizationToken": {"userName": "AWS", "password": "for-twelve-hours"},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
        }
        return answers[args.token], []


def zones(asked: Mapping[str, Any]) -> list[str]:
    """List zones as AWS does for these filters."""
    wanted = {one["name"]: one["values"] for one in asked["filters"]}
    return [
        name
        for name, (identity, opted) in ZONES.items()
        if opted in wanted["opt-in-status"] and identity not in asked["excludeZoneIds"]
    ]


class RecordingMonitor(MockMonitor):
    """Sees what mocks are not told: options of a resource."""

    def __init__(self) -> None:
        super().__init__(Recorder())
        self.declared: list[dict[str, Any]] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the protocol's method
        """Note a custom resource, then do as always."""
        if request.custom:
            inputs = plain(pulumi.runtime.rpc.deserialize_properties(request.object))
            self.declared.append(
                {
                    "type": request.type,
                    "name": request.name,
                    "parent": request.parent,
                    "inputs": {name: _named(value) for name, value in inputs.items()},
                    "ignored": list(request.ignoreChanges),
                    "protected": request.protect,
                    "retained": request.retainOnDelete,
                }
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi types none of its mocks


def _named(value: Any) -> Any:
    """Give a file's path for the file or archive."""
    return value.path if isinstance(value, pulumi.FileAsset | pulumi.FileArchive) else value


def arn(typ: str, name: str) -> str:
    """Write an ARN; a bucket's names neither region nor account."""
    service = typ.split(":", maxsplit=2)[1].partition("/")[0]
    service = "logs" if service == "cloudwatch" else service
    return f"arn:aws:s3:::{name}" if service == "s3" else f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def declared(variant: str) -> dict[str, Any]:
    """Declare everything once, as for one of the variants."""
    monitor = RecordingMonitor()
    config = stack_config(ROOT, {"workerImage": IMAGE, "initialToken": TOKEN, **VARIANTS[variant]})
    exports = run_program(ROOT, monitor.mocks, config, monitor)
    return {"resources": monitor.declared, "exports": exports}


def main() -> None:
    """Declare each variant; loading the provider is what takes the time."""
    sys.stdout.write(json.dumps({variant: declared(variant) for variant in VARIANTS}))


if __name__ == "__main__":
    main()
