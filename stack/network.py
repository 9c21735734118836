"""
Where the workers run: two public subnets, and nothing that comes in.

A task has an address of its own on the internet, which its security group closes: at $3.65 a month and task the
cheapest way out (a NAT gateway costs ten times that before its first byte). Tables and documents go through gateway
endpoints, which cost nothing. Who needs one fixed outgoing address configures subnets of their own behind a NAT.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws
from pulumi import Input, ResourceOptions

SUBNETS = 2
#: Each subnet is a sixteenth of the network: 4,091 tasks of a /16.
SUBNET_BITS = 4
ANYWHERE = "0.0.0.0/0"
GATEWAYS = ("dynamodb", "s3")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where tasks run."""

    subnets: Sequence[Input[str]]
    security_groups: Sequence[Input[str]]


class Network(pulumi.ComponentResource):
    """A network of the stack's own; sources may not name it (the gate is told its range)."""

    place: Place

    def __init__(self, name: str, *, cidr: str, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Network", name, None, opts)
        self._name, self._child = name, ResourceOptions(parent=self)
        self._vpc = aws.ec2.Vpc(
            name, cidr_block=cidr, enable_dns_support=True, enable_dns_hostnames=True, opts=self._child
        )
        table = self._way_out()
        self.place = Place(subnets=self._subnets(cidr, table), security_groups=[self._group().id])
        for service in GATEWAYS:
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=self._vpc.id,
                vpc_endpoint_type="Gateway",
                service_name=pulumi.Output.concat("com.amazonaws.", aws.get_region_output().region, f".{service}"),
                route_table_ids=[table.id],
                opts=self._child,
            )
        self.register_outputs({})

    def _way_out(self) -> aws.ec2.RouteTable:
        gateway = aws.ec2.InternetGateway(f"{self._name}-gateway", vpc_id=self._vpc.id, opts=self._child)
        return aws.ec2.RouteTable(
            f"{self._name}-routes",
            vpc_id=self._vpc.id,
            routes=[aws.ec2.RouteTableRouteArgs(cidr_block=ANYWHERE, gateway_id=gateway.id)],
            opts=self._child,
        )

    def _subnets(self, cidr: str, table: aws.ec2.RouteTable) -> list[Input[str]]:
        zones = aws.get_availability_zones_output(state="available").names
        made: list[Input[str]] = []
        for number, part in zip(range(SUBNETS), IPv4Network(cidr).subnets(SUBNET_BITS), strict=False):
            subnet = aws.ec2.Subnet(
                f"{self._name}-{number}",
                vpc_id=self._vpc.id,
                cidr_block=str(part),
                availability_zone=zones[number],
                opts=self._child,
            )
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{number}-routes", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
            )
            made.append(subnet.id)
        return made

    def _group(self) -> aws.ec2.SecurityGroup:
        """Let tasks call any TCP port, as sources have any; names are resolved by the network itself."""
        out = aws.ec2.SecurityGroupEgressArgs(protocol="tcp", from_port=0, to_port=65_535, cidr_blocks=[ANYWHERE])
        return aws.ec2.SecurityGroup(
            f"{self._name}-workers",
            vpc_id=self._vpc.id,
            description="Workers: nothing comes in, any TCP goes out",
            ingress=[],
            egress=[out],
            opts=self._child,
        )
