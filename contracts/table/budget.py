"""
Requests to Budget: how much of the account's requests to API Gateway each second has been given out.

A row per second. A sender adds what it wants to send while the row allows it; the sum after its addition is its place
in that second, so that everybody's posts spread over the second without anybody talking to anybody.
"""

from typing import Any

from contracts.clock import HOUR_S
from contracts.table.values import bind, write_item

type Request = dict[str, Any]


def take(table: str, second: int, posts: int, *, least: int, most: int) -> Request:
    """
    Take `posts` of a second; refused, with the row, unless its sum is from `least` up to where `most` still holds.

    `least` is what the part of the second that is over could have sent: it is lost, or all of it would go out at once.
    """
    return _update(table, second) | {
        "UpdateExpression": "SET used = used + :posts",
        "ConditionExpression": "used BETWEEN :least AND :most",
        "ExpressionAttributeValues": bind({"posts": posts, "least": least, "most": most - posts}),
    }


def begin(table: str, second: int, posts: int, *, least: int) -> Request:
    """Take `posts` of a second of which less than `least` was taken, or nothing yet."""
    return _update(table, second) | {
        "UpdateExpression": "SET used = :sum, #ttl = :ttl",
        "ConditionExpression": "attribute_not_exists(used) OR used < :least",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": bind({"sum": least + posts, "least": least, "ttl": second + HOUR_S}),
    }


def count(table: str, second: int, posts: int) -> Request:
    """Add posts that were sent without asking."""
    return {
        "TableName": table,
        "Key": _key(second),
        "UpdateExpression": "SET #ttl = :ttl ADD used :posts",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": bind({"posts": posts, "ttl": second + HOUR_S}),
    }


def _update(table: str, second: int) -> Request:
    return {
        "TableName": table,
        "Key": _key(second),
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _key(second: int) -> dict[str, Any]:
    return write_item({"id": f"posts#{second}"})
