"""The network: records, since the workers run on this machine's own."""

from collections.abc import Mapping
from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:ec2/vpc:Vpc")
def vpc(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a network; its two switches are calls of their own."""
    client = aws.client("ec2")
    made: str = client.create_vpc(CidrBlock=props["cidrBlock"])["Vpc"]["VpcId"]
    client.modify_vpc_attribute(VpcId=made, EnableDnsSupport={"Value": props["enableDnsSupport"]})
    client.modify_vpc_attribute(VpcId=made, EnableDnsHostnames={"Value": props["enableDnsHostnames"]})
    return made, {}


@handles("aws:ec2/internetGateway:InternetGateway")
def internet_gateway(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create the way out of a network."""
    client = aws.client("ec2")
    made: str = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=made, VpcId=props["vpcId"])
    return made, {}


@handles("aws:ec2/eip:Eip")
def address(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Hold an address."""
    made = aws.call("ec2", "AllocateAddress", props)
    return made["AllocationId"], {"publicIp": made["PublicIp"]}


@handles("aws:ec2/natGateway:NatGateway")
def nat_gateway(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a way out for those without an address."""
    return aws.call("ec2", "CreateNatGateway", props)["NatGateway"]["NatGatewayId"], {}


@handles("aws:ec2/subnet:Subnet")
def subnet(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a subnet."""
    return aws.call("ec2", "CreateSubnet", props)["Subnet"]["SubnetId"], {}


@handles("aws:ec2/routeTable:RouteTable")
def route_table(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a route table with its routes."""
    made: str = aws.call("ec2", "CreateRouteTable", {"vpcId": props["vpcId"]})["RouteTable"]["RouteTableId"]
    for route in props["routes"]:
        way = {key: route[key] for key in ("gatewayId", "natGatewayId") if key in route}
        aws.call("ec2", "CreateRoute", {**way, "destinationCidrBlock": route["cidrBlock"], "routeTableId": made})
    return made, {}


@handles("aws:ec2/routeTableAssociation:RouteTableAssociation")
def route_table_association(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Let a subnet follow a route table."""
    return aws.call("ec2", "AssociateRouteTable", props)["AssociationId"], {}


@handles("aws:ec2/vpcEndpoint:VpcEndpoint")
def vpc_endpoint(aws: Aws, _logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a gateway to a service."""
    return aws.call("ec2", "CreateVpcEndpoint", props)["VpcEndpoint"]["VpcEndpointId"], {}


@handles("aws:ec2/securityGroup:SecurityGroup")
def security_group(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a security group: what AWS lets out by itself goes, as Pulumi sees to."""
    name = physical_name(logical, props)
    client = aws.client("ec2")
    made: str = client.create_security_group(GroupName=name, Description=props["description"], VpcId=props["vpcId"])[
        "GroupId"
    ]
    found = client.describe_security_groups(GroupIds=[made])["SecurityGroups"][0]
    if found["IpPermissionsEgress"]:
        client.revoke_security_group_egress(GroupId=made, IpPermissions=found["IpPermissionsEgress"])
    if props["ingress"]:
        client.authorize_security_group_ingress(GroupId=made, IpPermissions=[_rule(one) for one in props["ingress"]])
    client.authorize_security_group_egress(GroupId=made, IpPermissions=[_rule(one) for one in props["egress"]])
    return made, {"name": name}


def _rule(one: Mapping[str, Any]) -> dict[str, Any]:
    ranges = [{"CidrIp": cidr} for cidr in one["cidrBlocks"]]
    return {"IpProtocol": one["protocol"], "FromPort": one["fromPort"], "ToPort": one["toPort"], "IpRanges": ranges}
