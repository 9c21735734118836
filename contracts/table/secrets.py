"""
Requests to Fleet about secrets: which there are, and how many sources use each.

A secret's row is written before the secret is made and deleted after the secret is: so none is without a row, and
whoever dies in between leaves something that is found. Who makes, brings back or deletes a secret holds its row for
a while, and only while nobody uses it; sources come and go by transactions that count. A key that replaces another in
its secret is `chosen` by the transaction of its edit, and read afterwards.
"""

from typing import Any

from contracts.clock import SECOND_MS
from contracts.table.values import bind, write_item

type Request = dict[str, Any]

PARTITION = "secrets"
#: Longer than any process that holds a row can live (a Lambda: 28 s), so that a lapsed hold has nobody behind it.
HOLD_MS = 60 * SECOND_MS

_FREE = "uses <= :zero AND (attribute_not_exists(heldBy) OR heldBy = :holder OR heldUntil < :now)"


def key(secret_id: str) -> dict[str, str]:
    """Give the key of a secret's row."""
    return {"pk": PARTITION, "sk": secret_id}


def hold_to_make(table: str, secret_id: str, *, holder: str, now_ms: int) -> Request:
    """Hold the row of a secret that is about to be made or brought back; refused while it is used or held."""
    return _hold(table, secret_id, f"attribute_not_exists(pk) OR ({_FREE})", holder=holder, now_ms=now_ms)


def hold_to_delete(table: str, secret_id: str, *, holder: str, now_ms: int) -> Request:
    """Hold the row of a secret that nobody uses any more; refused while it is used or held, or if there is none."""
    return _hold(table, secret_id, f"attribute_exists(pk) AND {_FREE}", holder=holder, now_ms=now_ms)


def keep(table: str, secret_id: str, *, holder: str) -> Request:
    """Count the first user of a secret that is held (an action of the transaction that writes the source)."""
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "UpdateExpression": "SET uses = :one REMOVE heldBy, heldUntil",
        "ConditionExpression": "heldBy = :holder AND uses <= :zero",
        "ExpressionAttributeValues": bind({"one": 1, "zero": 0, "holder": holder}),
    }


def share(table: str, secret_id: str) -> Request:
    """Count one more user of a secret that others use (an action of the transaction that writes the source)."""
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "UpdateExpression": "ADD uses :one",
        "ConditionExpression": "uses > :zero",
        "ExpressionAttributeValues": bind({"one": 1, "zero": 0}),
    }


def choose(table: str, secret_id: str, *, version: str) -> Request:
    """Say which version of a used secret is to be read from now on (an action of the transaction of the edit)."""
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "UpdateExpression": "SET chosen = :version",
        "ConditionExpression": "uses > :zero",
        "ExpressionAttributeValues": bind({"version": version, "zero": 0}),
    }


def row(table: str, secret_id: str) -> Request:
    """Read the row of a secret, strongly."""
    return {"TableName": table, "Key": write_item(key(secret_id)), "ConsistentRead": True}


def chosen(table: str) -> Request:
    """Query the secrets of which a version was chosen and may not be read yet."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "FilterExpression": "attribute_exists(chosen)",
        "ExpressionAttributeValues": bind({"pk": PARTITION}),
        "ConsistentRead": True,
    }


def is_read(table: str, secret_id: str, *, version: str) -> Request:
    """Write down that the chosen version is the one that is read; refused if another was chosen since."""
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "UpdateExpression": "REMOVE chosen",
        "ConditionExpression": "chosen = :version",
        "ExpressionAttributeValues": bind({"version": version}),
    }


def leave(table: str, secret_id: str) -> Request:
    """Count one user less (an action of the transaction that edits or deletes the source); never refused."""
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "UpdateExpression": "ADD uses :less",
        "ExpressionAttributeValues": bind({"less": -1}),
    }


def forget(table: str, secret_id: str, *, holder: str) -> Request:
    """Delete the row of a secret that its holder has deleted."""
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "ConditionExpression": "heldBy = :holder AND uses <= :zero",
        "ExpressionAttributeValues": bind({"holder": holder, "zero": 0}),
    }


def unused(table: str, *, now_ms: int) -> Request:
    """Query the secrets that nobody uses and nobody holds: what a deletion or a registration left behind."""
    return {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "FilterExpression": "uses <= :zero AND (attribute_not_exists(heldBy) OR heldUntil < :now)",
        "ExpressionAttributeValues": bind({"pk": PARTITION, "zero": 0, "now": now_ms}),
        "ConsistentRead": True,
    }


def _hold(table: str, secret_id: str, condition: str, *, holder: str, now_ms: int) -> Request:
    values = {"holder": holder, "until": now_ms + HOLD_MS, "now": now_ms, "zero": 0}
    return {
        "TableName": table,
        "Key": write_item(key(secret_id)),
        "UpdateExpression": "SET heldBy = :holder, heldUntil = :until, uses = if_not_exists(uses, :zero) REMOVE chosen",
        "ConditionExpression": condition,
        "ExpressionAttributeValues": bind(values),
    }
