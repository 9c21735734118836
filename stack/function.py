"""One Lambda with a log group and a role that may do exactly what its grants say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import cloudwatch, iam, lambda_

from stack import grants
from stack.grants import Grant
from stack.package import Architecture

RUNTIME = "python3.13"
LOG_RETENTION_DAYS = 30
#: A vCPU's share grows with memory; imports are what costs here.
MEMORY_MB = 512
#: Below the 29 s of an API's integration, above any request of ours that still makes sense.
TIMEOUT_S = 10


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """What a function runs, may do and is told."""

    handler: str
    """Module and name, such as `api.list.handler`."""
    code: pulumi.Archive
    architecture: Architecture
    grants: Sequence[Grant]
    environment: Mapping[str, Input[str]] = field(default_factory=dict)
    """What the grants do not tell already."""
    timeout_s: int = TIMEOUT_S
    memory_mb: int = MEMORY_MB
    traced: bool = False
    """Whether AWS X-Ray records calls: those that belong to a trace already, and a few others."""


class Function(pulumi.ComponentResource):
    """A Lambda function."""

    name: Output[str]
    arn: Output[str]
    invoke_arn: Output[str]

    def __init__(self, name: str, args: FunctionArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Function", name, None, opts)
        child = ResourceOptions(parent=self)
        logs = log_group(name, child)
        own = [*grants.write_logs(logs.arn), *(grants.be_traced() if args.traced else [])]
        task_role = role(name, service="lambda", may=[*args.grants, *own], opts=child)
        function = lambda_.Function(
            name,
            runtime=RUNTIME,
            architectures=[args.architecture],
            handler=args.handler,
            code=args.code,
            role=task_role.role.arn,
            timeout=args.timeout_s,
            memory_size=args.memory_mb,
            environment=lambda_.FunctionEnvironmentArgs(
                variables={"STACK": stack_name(), **grants.environment(args.grants), **args.environment}
            ),
            logging_config=lambda_.FunctionLoggingConfigArgs(log_format="Text", log_group=logs.name),
            tracing_config=lambda_.FunctionTracingConfigArgs(mode="Active") if args.traced else None,
            opts=ResourceOptions(parent=self, depends_on=[task_role.policy]),
        )
        self.name, self.arn, self.invoke_arn = function.name, function.arn, function.invoke_arn
        self.register_outputs({"name": self.name, "arn": self.arn, "invoke_arn": self.invoke_arn})

    def allow(self, name: str, source_arn: Input[str], *, service: str = "apigateway") -> lambda_.Permission:
        """Let an AWS service call this function on behalf of one API, authorizer or rule."""
        return lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=self.name,
            principal=f"{service}.amazonaws.com",
            source_arn=source_arn,
            opts=ResourceOptions(parent=self),
        )


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role and the policy that must stand before anything runs under it."""

    role: iam.Role
    policy: iam.RolePolicy


def role(name: str, *, service: str, may: Sequence[Grant], opts: ResourceOptions) -> Role:
    """Declare a role that one AWS service assumes, with one policy of its grants."""
    made = iam.Role(f"{name}-role", assume_role_policy=Output.json_dumps(_assumed_by(service)), opts=opts)
    policy = iam.RolePolicy(f"{name}-policy", role=made.id, policy=grants.policy(may), opts=opts)
    return Role(role=made, policy=policy)


def stack_name() -> str:
    """Name this stack as its log groups and its metrics do."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}"


def log_group(name: str, opts: ResourceOptions) -> cloudwatch.LogGroup:
    """Declare a log group by a name that an operator finds without looking it up."""
    return cloudwatch.LogGroup(
        f"{name}-logs",
        name=f"/{stack_name()}/{name}",
        retention_in_days=LOG_RETENTION_DAYS,
        opts=opts,
    )


def _assumed_by(service: str) -> dict[str, object]:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": f"{service}.amazonaws.com"},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
