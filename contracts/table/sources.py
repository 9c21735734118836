"""Requests to DataSources: the configuration and status of each source."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contracts.kinds import State
from contracts.table.schema import ATTENTION_INDEX
from contracts.table.values import bind, write, write_item

if TYPE_CHECKING:  # pydantic doubles the start of a Lambda that only reads
    from contracts.source import Source, Status

type Request = dict[str, Any]

#: What an edit never touches: set at registration, or written by workers.
_FIXED = frozenset({"id", "type", "incarnation", "shard", "createdAt", "owner", "status"})

#: BatchGetItem takes at most this many keys (AWS).
BATCH_GET_MAX = 100


def get(table: str, source_id: str) -> Request:
    """GetItem, read strongly."""
    return {"TableName": table, "Key": write_item({"id": source_id}), "ConsistentRead": True}


def get_many(table: str, source_ids: Sequence[str]) -> Request:
    """BatchGetItem of at most `BATCH_GET_MAX` ids, read strongly."""
    keys = [write_item({"id": source_id}) for source_id in source_ids]
    return {"RequestItems": {table: {"Keys": keys, "ConsistentRead": True}}}


def page(table: str, *, limit: int, after: str | None) -> Request:
    """Scan one page; lists are not a hot path."""
    request: Request = {"TableName": table, "Limit": limit}
    return request | ({"ExclusiveStartKey": write_item({"id": after})} if after else {})


#: What is in the index beside states: a source that is well, but whose certificate is about to end.
CERTIFICATE = "certificate"


def page_of_attention(table: str, wants: str, *, limit: int, after: str | None) -> Request:
    """Query one page of the sources that want attention: those in a state, or `CERTIFICATE`."""
    request: Request = {
        "TableName": table,
        "IndexName": ATTENTION_INDEX,
        "KeyConditionExpression": "attention = :state",
        "ExpressionAttributeValues": bind({"state": str(wants)}),
        "Limit": limit,
    }
    return request | ({"ExclusiveStartKey": write_item({"attention": str(wants), "id": after})} if after else {})


def put_new(table: str, source: "Source") -> Request:
    """Put a source that must not exist yet (an action of the registering transaction)."""
    return {"TableName": table, "Item": write_item(source.item()), "ConditionExpression": "attribute_not_exists(id)"}


def edit(table: str, source: "Source", *, seen: int) -> Request:
    """Write what an edit may change of a source as it was read (an action of the editing transaction)."""
    fields = {name: value for name, value in source.item().items() if name not in _FIXED}
    keyless = "" if "apiKeySecretId" in fields else " REMOVE apiKeySecretId"
    return {
        "TableName": table,
        "Key": write_item({"id": source.id}),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in fields) + keyless,
        "ConditionExpression": "#revision = :seen",
        "ExpressionAttributeNames": {f"#{name}": name for name in fields},
        "ExpressionAttributeValues": bind(fields | {"seen": seen}),
    }


def delete(table: str, source_id: str, *, revision: int) -> Request:
    """Delete a source as it was read (an action of the deleting transaction)."""
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "ConditionExpression": "revision = :revision",
        "ExpressionAttributeValues": bind({"revision": revision}),
    }


def is_there(table: str, source_id: str) -> Request:
    """Hold a transaction to a source that is there (its ConditionCheck)."""
    return {"TableName": table, "Key": write_item({"id": source_id}), "ConditionExpression": "attribute_exists(id)"}


def set_status(table: str, source_id: str, status: "Status", *, incarnation: str) -> Request:
    """
    Write a status on a transition; never touches the revision.

    Refused if the source is gone, is another incarnation, or a worker of a newer epoch wrote since.
    """
    calm = status.state is State.HEALTHY and status.certificate_days is None
    wants = CERTIFICATE if status.state is State.HEALTHY else status.state.value
    return {
        "TableName": table,
        "Key": write_item({"id": source_id}),
        "UpdateExpression": "SET #status = :status" + (" REMOVE attention" if calm else ", attention = :wants"),
        "ConditionExpression": "attribute_exists(id) AND incarnation = :incarnation AND #status.epoch <= :epoch",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":status": write(_plain(status)),
            **bind({"incarnation": incarnation, "epoch": status.epoch}),
            **({} if calm else bind({"wants": wants})),
        },
    }


def _plain(status: "Status") -> Mapping[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
