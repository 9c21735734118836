"""Roles and their policies."""

from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:iam/role:Role")
def role(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a role."""
    name = physical_name(logical, props)
    made = aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=props["assumeRolePolicy"])
    return name, {"name": name, "arn": made["Role"]["Arn"]}


@handles("aws:iam/rolePolicy:RolePolicy")
def role_policy(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Give a role its policy."""
    name = physical_name(logical, props)
    aws.client("iam").put_role_policy(RoleName=props["role"], PolicyName=name, PolicyDocument=props["policy"])
    return f"{props['role']}:{name}", {"name": name}
