"""The cluster, its services and their task definitions: records, which the agent turns into processes."""

import json
from collections.abc import Mapping
from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:ecs/cluster:Cluster")
def cluster(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a cluster."""
    name = physical_name(logical, props)
    made = aws.client("ecs").create_cluster(clusterName=name)["cluster"]
    return made["clusterArn"], {"name": name, "arn": made["clusterArn"]}


@handles("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders")
def capacity(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Say what a cluster's tasks may run on."""
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=props["clusterName"], capacityProviders=props["capacityProviders"], defaultCapacityProviderStrategy=[]
    )
    return props["clusterName"], {}


@handles("aws:ecs/taskDefinition:TaskDefinition")
def task_definition(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Register a task definition."""
    inputs = {**props, "containerDefinitions": json.loads(props["containerDefinitions"])}
    made = aws.call("ecs", "RegisterTaskDefinition", inputs)["taskDefinition"]
    return made["family"], {"arn": made["taskDefinitionArn"]}


@handles("aws:ecs/service:Service")
def service(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a service; Pulumi spreads out what ECS nests. Nothing is deployed twice here, or waited for."""
    props.has_no_effect("forceNewDeployment", "waitForSteadyState")
    name = physical_name(logical, props)
    network = props["networkConfiguration"]
    made = aws.call(
        "ecs",
        "CreateService",
        {
            **props.only("cluster", "taskDefinition", "desiredCount", "propagateTags"),
            "serviceName": name,
            "capacityProviderStrategy": props["capacityProviderStrategies"],
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": props["deploymentCircuitBreaker"],
                "minimumHealthyPercent": props["deploymentMinimumHealthyPercent"],
                "maximumPercent": props["deploymentMaximumPercent"],
            },
            "networkConfiguration": {"awsvpcConfiguration": _network(network)},
        },
    )["service"]
    return made["serviceArn"], {"name": name, "arn": made["serviceArn"]}


def _network(network: Mapping[str, Any]) -> dict[str, Any]:
    return {**network, "assignPublicIp": "ENABLED" if network["assignPublicIp"] else "DISABLED"}
