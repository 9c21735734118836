"""The workers: one cluster, a service per kind of source, both from one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import cloudwatch, ecs
from pulumi_aws.get_region import get_region_output

from contracts.kinds import SourceType
from stack import grants
from stack.function import Role, log_group, role, stack_name
from stack.grants import Grant
from stack.image import Image
from stack.network import Place
from stack.package import Architecture
from stack.scaling import Scaling, ScalingArgs
from stack.store import Store

COMMAND = ("python", "-m", "monitor_fleet")
#: The most Fargate allows: a worker finishes what is in flight and hands its shards over.
STOP_TIMEOUT_S = 120
HEALTH_PORT = 8080
#: Fails unless the worker says that it is well.
HEALTH_CHECK = (
    "import os, urllib.request as r; "
    """r.urlopen(f'http://127.0.0.1:{os.environ["HEALTH_PORT"]}/healthz', timeout=4)"""
)
#: A container that is not well by then has failed to start.
HEALTH_GRACE_S = 30
#: The image's own user, said again for an image that says otherwise.
USER = "10001:10001"
#: One vCPU: a worker is one event loop with a process beside it for documents that are slow to parse.
CPU_UNITS, MEMORY_MB = 1024, 2048
#: Spot costs about a third of the other and may go within two minutes: the time a worker has to hand over anyway.
CAPACITY = ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"
CPU_NAMES: Mapping[Architecture, str] = {"arm64": "ARM64", "x86_64": "X86_64"}


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How many tasks a service has at first, and how many it may scale to by itself; 0: it does not."""

    first: int
    most: int


@dataclass(frozen=True, kw_only=True)
class FleetArgs:
    """What the workers run, where, and how many at first."""

    store: Store
    image: Image
    architecture: Architecture
    place: Place
    counts: Mapping[str, Bounds]
    """Kind of source → how many tasks."""
    spot_percent: int
    """How many of a hundred tasks run on spot capacity."""
    scale_on_lag_ms: int
    """Where a service may scale: how late one in a hundred polls may start; 0: only CPU counts."""
    trace_percent: int
    """Of how many in a hundred changes X-Ray hears; 0: of none, and no worker may tell it."""
    environment: Mapping[str, Input[str]]


class Fleet(pulumi.ComponentResource):
    """The cluster and its two services."""

    services: Output[Mapping[str, Mapping[str, str]]]
    cluster_name: Output[str]
    service_names: Mapping[str, Output[str]]
    """Kind of source → its service."""
    service_arns: Sequence[Output[str]]
    cluster_arn: Output[str]

    def __init__(self, name: str, args: FleetArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Fleet", name, None, opts)
        self._name, self._args = name, args
        self._child = ResourceOptions(parent=self)
        self._cluster = ecs.Cluster(name, opts=self._child)
        self._capacity = ecs.ClusterCapacityProviders(
            f"{name}-capacity", cluster_name=self._cluster.name, capacity_providers=list(CAPACITY), opts=self._child
        )
        made = {kind: self._service(kind, bounds) for kind, bounds in args.counts.items()}
        self.cluster_name, self.service_names = self._cluster.name, {kind: one.name for kind, one in made.items()}
        self.service_arns, self.cluster_arn = [one.arn for one in made.values()], self._cluster.arn
        self.services = Output.all(
            **{kind: Output.all(cluster=self._cluster.name, service=service.name) for kind, service in made.items()}
        )
        self.register_outputs({"services": self.services})

    def _service(self, kind: str, bounds: Bounds) -> ecs.Service:
        """
        Declare a service whose count is only its first: afterwards it belongs to the operator.

        A deployment starts all of the new before it stops any of the old, so that each shard moves about once. It is
        waited for: one that ECS rolls back fails the command, whatever else of it is done. What a service's tasks run
        on may change in place only by a new deployment (the provider refuses it else).
        """
        name = f"{self._name}-{kind}"
        service = ecs.Service(
            name,
            cluster=self._cluster.arn,
            capacity_provider_strategies=_capacity(self._args.spot_percent),
            task_definition=self._task(name, kind).arn,
            desired_count=bounds.first,
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker=ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            propagate_tags="SERVICE",  # tasks are what costs most, and start without tags of their own
            wait_for_steady_state=True,
            force_new_deployment=True,
            network_configuration=ecs.ServiceNetworkConfigurationArgs(
                subnets=list(self._args.place.subnets),
                security_groups=list(self._args.place.security_groups),
                assign_public_ip=self._args.place.public,
            ),
            opts=ResourceOptions(parent=self, ignore_changes=["desired_count"], depends_on=[self._capacity]),
        )
        if bounds.most:
            scaling = ScalingArgs(
                cluster=self._cluster.name,
                service=service.name,
                least=bounds.first,
                most=bounds.most,
                kind=kind,
                stack=stack_name(),
                lag_ms=self._args.scale_on_lag_ms,
            )
            Scaling(f"{name}-scaling", scaling, self._child)
        return service

    def _task(self, name: str, kind: str) -> ecs.TaskDefinition:
        logs = log_group(name, self._child)
        may = (grants.poll_sheets if kind == SourceType.GOOGLE_SHEET else grants.poll_sources)(self._args.store)
        may += grants.send_traces() if self._args.trace_percent else []
        task = role(name, service="ecs-tasks", may=may, opts=self._child)
        starts = [*grants.write_logs(logs.arn), *self._args.image.pull]
        execution = role(f"{name}-execution", service="ecs-tasks", may=starts, opts=self._child)
        return ecs.TaskDefinition(
            f"{name}-task",
            family=f"{stack_name()}-{kind}",
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(CPU_UNITS),
            memory=str(MEMORY_MB),
            runtime_platform=ecs.TaskDefinitionRuntimePlatformArgs(
                operating_system_family="LINUX", cpu_architecture=CPU_NAMES[self._args.architecture]
            ),
            task_role_arn=task.role.arn,
            execution_role_arn=execution.role.arn,
            container_definitions=Output.json_dumps([self._container(kind, logs, may)]),
            opts=_after(self._child, task, execution),
        )

    def _container(self, kind: str, logs: cloudwatch.LogGroup, may: Sequence[Grant]) -> dict[str, object]:
        """Describe the one container in the form that AWS gives back, empty lists and all, or every diff differs."""
        region = get_region_output().region
        told: dict[str, Input[str]] = {
            **grants.environment(may),
            **self._args.environment,
            "AWS_DEFAULT_REGION": region,
            "HEALTH_PORT": str(HEALTH_PORT),
            "KIND": kind,
            "RELEASE": self._args.image.reference,
            "STACK": stack_name(),
            **({"TRACE_PERCENT": str(self._args.trace_percent)} if self._args.trace_percent else {}),
        }
        return {
            "name": "worker",
            "image": self._args.image.reference,
            "command": list(COMMAND),
            "environment": [{"name": key, "value": told[key]} for key in sorted(told)],
            "essential": True,
            "readonlyRootFilesystem": True,
            "user": USER,
            "stopTimeout": STOP_TIMEOUT_S,
            "healthCheck": {
                "command": ["CMD", "python", "-c", HEALTH_CHECK],
                "interval": 10,
                "timeout": 5,
                "retries": 3,
                "startPeriod": HEALTH_GRACE_S,
            },
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": logs.name, "awslogs-region": region, "awslogs-stream-prefix": "worker"},
            },
            "mountPoints": [],
            "portMappings": [],
            "systemControls": [],
            "volumesFrom": [],
        }


def _capacity(spot_percent: int) -> list[ecs.ServiceCapacityProviderStrategyArgs]:
    """Share tasks out; where any may be spot, the first is not: somebody polls when all spot capacity goes."""
    weights = {ON_DEMAND: 100 - spot_percent, SPOT: spot_percent}
    return [
        ecs.ServiceCapacityProviderStrategyArgs(
            capacity_provider=name, weight=weight, base=1 if name == ON_DEMAND else 0
        )
        for name, weight in weights.items()
        if weight or name == ON_DEMAND
    ]


def _after(opts: ResourceOptions, *roles: Role) -> ResourceOptions:
    return ResourceOptions.merge(opts, ResourceOptions(depends_on=[made.policy for made in roles]))
