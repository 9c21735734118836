"""Tables and the items that a deploy puts into them."""

import json
from collections.abc import Mapping
from typing import Any

from local.aws import Aws, physical_name
from local.handlers.registry import handles
from local.props import Props


@handles("aws:dynamodb/table:Table")
def table(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Create a table; time to live and recovery are calls of their own."""
    name = physical_name(logical, props)
    request = {
        "TableName": name,
        "BillingMode": props["billingMode"],
        "AttributeDefinitions": [
            {"AttributeName": one["name"], "AttributeType": one["type"]} for one in props["attributes"]
        ],
        "KeySchema": [
            {"AttributeName": props[key], "KeyType": kind}
            for key, kind in (("hashKey", "HASH"), ("rangeKey", "RANGE"))
            if key in props
        ],
        "DeletionProtectionEnabled": props["deletionProtectionEnabled"],
        "SSESpecification": {"Enabled": props["serverSideEncryption"]["enabled"], "SSEType": "KMS"},
    }
    indexes = [_index(one) for one in props.get("globalSecondaryIndexes", [])]
    client = aws.client("dynamodb")
    made = client.create_table(**request, **({"GlobalSecondaryIndexes": indexes} if indexes else {}))
    if "ttl" in props:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=_ttl(props["ttl"]))
    recovery = {"PointInTimeRecoveryEnabled": props["pointInTimeRecovery"]["enabled"]}
    client.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    return name, {"name": name, "arn": made["TableDescription"]["TableArn"]}


@handles("aws:dynamodb/tableItem:TableItem")
def table_item(aws: Aws, logical: str, props: Props) -> tuple[str, dict[str, Any]]:
    """Put an item; the names of its keys are in the item already."""
    props.has_no_effect("hashKey", "rangeKey")
    aws.client("dynamodb").put_item(TableName=props["tableName"], Item=json.loads(props["item"]))
    return logical, {}


def _index(one: Mapping[str, Any]) -> dict[str, Any]:
    keys = [{"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in one["keySchemas"]]
    return {"IndexName": one["name"], "KeySchema": keys, "Projection": {"ProjectionType": one["projectionType"]}}


def _ttl(ttl: Mapping[str, Any]) -> dict[str, Any]:
    return {"AttributeName": ttl["attributeName"], "Enabled": ttl["enabled"]}
