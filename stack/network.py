"""
Where the workers run: a network of the stack's own, into which nothing comes.

Two ways out. `public`: a task has an address of its own on the internet, which its security group closes; at $3.65 a
month and task the cheapest. `nat`: tasks have none and leave by the fixed addresses of NAT gateways, for sources that
let in whom they know; each gateway costs ten times that before its first byte, and $0.045 per GB. Interface endpoints
would spare neither: who polls the internet needs a way there anyway. Tables and documents go through gateway
endpoints, which cost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import ec2
from pulumi_aws.get_availability_zones import get_availability_zones_output
from pulumi_aws.get_region import get_region_output

#: Zones, and subnets of a kind: AWS loses a zone now and then.
ZONES = 2
#: Each subnet is a sixteenth of the network: 4,091 tasks of a /16.
SUBNET_BITS = 4
#: AWS keeps so many addresses of each subnet for itself; every task takes one.
ADDRESSES_KEPT = 5
#: Zones in which Fargate runs nothing, by the ids that are the same in every account (AWS, "Supported Regions for
#: Amazon ECS on AWS Fargate": apne1-az1, -az2, -az4 only; usw1-az1, -az3 only).
ZONES_WITHOUT_FARGATE = ("apne1-az3", "usw1-az2")
ANYWHERE = "0.0.0.0/0"
GATEWAYS = ("dynamodb", "s3")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where tasks run. `public`: each needs an address of its own to get out."""

    subnets: Sequence[Input[str]]
    security_groups: Sequence[Input[str]]
    public: bool


class Network(pulumi.ComponentResource):
    """A network of the stack's own; sources may not name it (the gate is told its range)."""

    place: Place
    outbound_addresses: Output[Sequence[str]]
    """Where polls come from, if that is fixed."""

    def __init__(self, name: str, *, cidr: str, nat_gateways: int, opts: ResourceOptions | None = None) -> None:
        super().__init__("fleet:stack:Network", name, None, opts)
        self._name, self._child = name, ResourceOptions(parent=self)
        self._parts = list(IPv4Network(cidr).subnets(SUBNET_BITS))
        self._zones = _zones()
        self._vpc = ec2.Vpc(name, cidr_block=cidr, enable_dns_support=True, enable_dns_hostnames=True, opts=self._child)
        gateway = ec2.InternetGateway(f"{name}-gateway", vpc_id=self._vpc.id, opts=self._child)
        table = self._routes("routes", ec2.RouteTableRouteArgs(cidr_block=ANYWHERE, gateway_id=gateway.id))
        public = [self._subnet(f"{zone}", zone, self._parts[zone], table) for zone in range(ZONES)]
        addresses = [self._address(number) for number in range(nat_gateways)]
        inside, tables = self._behind(public, addresses, gateway) if nat_gateways else (public, [table])
        self._lead_to_tables_and_documents(tables)
        self.place = Place(subnets=inside, security_groups=[self._group().id], public=not nat_gateways)
        self.outbound_addresses = Output.all(*(address.public_ip for address in addresses))
        self.register_outputs({"outbound_addresses": self.outbound_addresses})

    def _behind(
        self, public: Sequence[Input[str]], addresses: Sequence[ec2.Eip], gateway: ec2.InternetGateway
    ) -> tuple[list[Input[str]], list[ec2.RouteTable]]:
        """Make a subnet per zone that leads out through the zone's own NAT gateway, or through the only one."""
        nats = [
            ec2.NatGateway(
                f"{self._name}-nat-{number}",
                allocation_id=address.id,
                subnet_id=public[number],
                opts=ResourceOptions(parent=self, depends_on=[gateway]),
            )
            for number, address in enumerate(addresses)
        ]
        tables = [
            self._routes(f"inside-{number}-routes", _through(nat)) for number, nat in enumerate(nats)
        ]  # fmt: skip
        inside = [
            self._subnet(f"inside-{zone}", zone, self._parts[ZONES + zone], tables[min(zone, len(tables) - 1)])
            for zone in range(ZONES)
        ]
        return inside, tables

    def _address(self, number: int) -> ec2.Eip:
        """Hold an address that outlives its gateway: others have written it down."""
        return ec2.Eip(f"{self._name}-address-{number}", domain="vpc", opts=self._child)

    def _routes(self, name: str, route: ec2.RouteTableRouteArgs) -> ec2.RouteTable:
        return ec2.RouteTable(f"{self._name}-{name}", vpc_id=self._vpc.id, routes=[route], opts=self._child)

    def _subnet(self, name: str, zone: int, part: IPv4Network, table: ec2.RouteTable) -> Input[str]:
        subnet = ec2.Subnet(
            f"{self._name}-{name}",
            vpc_id=self._vpc.id,
            cidr_block=str(part),
            availability_zone=self._zones[zone],
            # Which zones there are changes: while one is down it is not among them, and a deploy that moved the
            # subnets then would stop all that is left.
            opts=ResourceOptions(parent=self, ignore_changes=["availability_zone"]),
        )
        ec2.RouteTableAssociation(
            f"{self._name}-{name}-routes", subnet_id=subnet.id, route_table_id=table.id, opts=self._child
        )
        return subnet.id

    def _lead_to_tables_and_documents(self, tables: Sequence[ec2.RouteTable]) -> None:
        for service in GATEWAYS:
            ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=self._vpc.id,
                vpc_endpoint_type="Gateway",
                service_name=Output.concat("com.amazonaws.", get_region_output().region, f".{service}"),
                route_table_ids=[table.id for table in tables],
                opts=self._child,
            )

    def _group(self) -> ec2.SecurityGroup:
        """Let tasks call any TCP port, as sources have any; names are resolved by the network itself."""
        out = ec2.SecurityGroupEgressArgs(protocol="tcp", from_port=0, to_port=65_535, cidr_blocks=[ANYWHERE])
        return ec2.SecurityGroup(
            f"{self._name}-workers",
            vpc_id=self._vpc.id,
            description="Workers: nothing comes in, any TCP goes out",
            ingress=[],
            egress=[out],
            opts=self._child,
        )


def tasks_max(cidr: str) -> int:
    """Tell how many tasks have an address in a network of this range."""
    subnet = next(IPv4Network(cidr).subnets(SUBNET_BITS))
    return ZONES * (subnet.num_addresses - ADDRESSES_KEPT)


def _zones() -> Output[Sequence[str]]:
    """Name the zones of the Region itself that are up: an account may have opted in to small ones in single cities."""
    found = get_availability_zones_output(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        exclude_zone_ids=list(ZONES_WITHOUT_FARGATE),
    )
    return found.names


def _through(nat: ec2.NatGateway) -> ec2.RouteTableRouteArgs:
    return ec2.RouteTableRouteArgs(cidr_block=ANYWHERE, nat_gateway_id=nat.id)
