"""
Python values to DynamoDB attribute values and back.

boto3's own serializer turns numbers into Decimal and refuses floats; here a number is an int or a float.
"""

from collections.abc import Mapping
from typing import Any, cast

type Item = dict[str, Any]
type AttributeValue = dict[str, Any]


def write(value: Any) -> AttributeValue:  # noqa: PLR0911 - one return for each DynamoDB type
    """Wrap one value: `"a"` → `{"S": "a"}`."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float():
            return {"N": repr(value)}
        case bytes():
            return {"B": value}
        case frozenset():
            return {"NS": sorted(map(repr, value))}
        case Mapping():
            return {"M": {key: write(item) for key, item in value.items()}}
        case list() | tuple():
            return {"L": [write(item) for item in value]}
        case _:
            raise TypeError(f"no attribute value for a {type(value).__name__}")


def read(value: AttributeValue) -> Any:  # noqa: PLR0911 - one return for each DynamoDB type
    """Unwrap one attribute value."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return held
        case "N":
            return int(held) if held.isdigit() or held.lstrip("-").isdigit() else float(held)
        case "NULL":
            return None
        case "B":
            return bytes(held)
        case "NS":
            return frozenset(map(int, held))
        case "M":
            return read_item(held)
        case "L":
            return [read(item) for item in held]
        case _:
            return held


def write_item(item: Mapping[str, Any]) -> Item:
    """Wrap an item for PutItem, leaving out attributes that are None: absent is how a table says nothing."""
    return {name: write(value) for name, value in item.items() if value is not None}


def read_item(item: Mapping[str, Any]) -> Item:
    """Unwrap an item."""
    return {name: read(value) for name, value in item.items()}


def bind(values: Mapping[str, Any]) -> Item:
    """Wrap the values of an expression; names come without the colon."""
    return {f":{name}": write(value) for name, value in values.items()}


def returned(refused: Exception) -> Item | None:
    """
    Read the item that a failed condition sends back.

    AWS: `ReturnValuesOnConditionCheckFailure=ALL_OLD` puts it beside the error of the response.
    """
    response = cast("Mapping[str, Any]", getattr(refused, "response", {}))
    item = response.get("Item")
    return read_item(item) if item else None
