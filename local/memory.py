"""
DynamoDB in memory: the requests that `contracts/table` builds, answered as boto3's client would.

Used by tests, the simulation and the benches; `tests/contracts/table` holds it to moto and to the embedded AWS. Every
call is one atomic step and every read is strong. Items are replaced, never changed in place, so what was handed out
stays as it was.
"""

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, cast

from botocore import xform_name
from botocore.exceptions import ClientError

from contracts.table.schema import FIELDS, SCHEMAS, Index, Key, Schema, TableNames
from local.expressions import Bindings, Item, holds, plain, projected, updated
from monitor_fleet.store import Request, Store, in_our_words

type Answer = dict[str, Any]

#: AWS: a transaction has at most this many actions.
TRANSACTION_ACTIONS_MAX = 100

#: A physical name is not the logical one: who mixes them up must notice.
NAMES = TableNames(**{field: f"memory-{table}" for table, field in FIELDS.items()})


class Table:
    """The items of one table, by partition and range key."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._partitions: dict[Any, dict[Any, Item]] = {}

    def get(self, key: Item) -> Item | None:
        """Look an item up."""
        hashed, ranged = self._place(key)
        return self._partitions.get(hashed, {}).get(ranged)

    def put(self, item: Item) -> None:
        """Put an item in the place of the one with its key."""
        hashed, ranged = self._place(item)
        self._partitions.setdefault(hashed, {})[ranged] = item

    def delete(self, key: Item) -> None:
        """Delete an item, if it is there."""
        hashed, ranged = self._place(key)
        self._partitions.get(hashed, {}).pop(ranged, None)

    def items(self) -> list[Item]:
        """List all items in the order of their keys."""
        return [item for hashed in sorted(self._partitions) for item in _in_order(self._partitions[hashed])]

    def partition(self, hashed: Any) -> list[Item]:
        """List one partition in order."""
        return _in_order(self._partitions.get(hashed, {}))

    def raw(self, hashed: Any) -> dict[Any, Item]:
        """Give one partition as it is now, by range key; later writes do not change what was given."""
        return dict(self._partitions.get(hashed, {}))

    def key_of(self, item: Item, index: Index | None = None) -> Item:
        """Pick the attributes of an item's key, and of an index's."""
        keys = [self.schema.hash, self.schema.range, index and index.hash, index and index.range]
        return {key.name: item[key.name] for key in keys if key}

    def _place(self, item: Item) -> tuple[Any, Any]:
        return _held(item, self.schema.hash), _held(item, self.schema.range) if self.schema.range else None


class Memory:
    """The client: the methods of boto3's DynamoDB client that we call, over tables of `contracts.table.schema`."""

    def __init__(self, names: TableNames = NAMES) -> None:
        self.tables = {getattr(names, FIELDS[logical]): Table(schema) for logical, schema in SCHEMAS.items()}
        self._tokens: dict[str, Any] = {}
        self._one_at_a_time = Lock()

    def get_item(self, **request: Any) -> Answer:
        """Get an item."""
        item = self._table(request).get(request["Key"])
        return {"Item": _projected(item, request)} if item else {}

    def put_item(self, **request: Any) -> Answer:
        """Put an item, if the condition holds."""
        self._check_and_write("Put", request, request["Item"])
        return {}

    def update_item(self, **request: Any) -> Answer:
        """Update an item, if the condition holds; an absent one is made."""
        new = self._check_and_write("Update", request, request["Key"])
        return {"Attributes": dict(new)} if request.get("ReturnValues") == "ALL_NEW" else {}

    def delete_item(self, **request: Any) -> Answer:
        """Delete an item, if the condition holds."""
        old = self._check_and_write("Delete", request, request["Key"])
        return {"Attributes": old} if old and request.get("ReturnValues") == "ALL_OLD" else {}

    def batch_get_item(self, **request: Any) -> Answer:
        """Get many items; nothing is ever left unprocessed."""
        return {"Responses": {name: self._found(name, wanted) for name, wanted in request["RequestItems"].items()}}

    def batch_write_item(self, **request: Any) -> Answer:
        """Put and delete many items."""
        for name, writes in request["RequestItems"].items():
            for (act, inner), *_ in (write.items() for write in writes):
                self._write(act.removesuffix("Request"), {"TableName": name, **inner})
        return {"UnprocessedItems": {}}

    def query(self, **request: Any) -> Answer:
        """Query a partition of a table or of its index, in order."""
        table, index = self._table(request), self._index(request)
        bindings = Bindings.of(request)
        items = table.items() if index else table.partition(_partition(request, bindings))
        found = _page(table, index, [one for one in items if _matches(request, one, bindings)], request)
        wanted = request.get("FilterExpression")  # it counts in a page's limit, and only then goes
        return found | {"Items": [item for item in found["Items"] if holds(wanted, item, bindings)]}

    def scan(self, **request: Any) -> Answer:
        """Scan a table, in the order of its keys."""
        table = self._table(request)
        return _page(table, None, table.items(), request)

    def transact_write_items(self, **request: Any) -> Answer:
        """Do all or nothing; under a token that was used, do nothing again."""
        with self._one_at_a_time:
            return self._transact(request["TransactItems"], request.get("ClientRequestToken"))

    def _transact(self, actions: list[dict[str, Any]], token: str | None) -> Answer:
        if token is not None and token in self._tokens:
            if self._tokens[token] != actions:
                raise _error("IdempotentParameterMismatchException", "TransactWriteItems", {})
            return {}
        self._check_all([next(iter(action.items())) for action in actions])
        for action in actions:
            self._write(*next(iter(action.items())))
        if token is not None:
            self._tokens[token] = actions
        return {}

    def _check_all(self, actions: list[tuple[str, Answer]]) -> None:
        if len(actions) > TRANSACTION_ACTIONS_MAX:
            raise _error("ValidationException", "TransactWriteItems", {})
        refusals = [self._refusal(request, request.get("Item") or request["Key"]) for _, request in actions]
        if any(refusals):
            reasons = [refusal or {"Code": "None"} for refusal in refusals]
            raise _error("TransactionCanceledException", "TransactWriteItems", {"CancellationReasons": reasons})

    def _check_and_write(self, act: str, request: Request, key: Item) -> Item:
        with self._one_at_a_time:
            self._check(request, key)
            return self._write(act, request)

    def _check(self, request: Request, key: Item) -> None:
        refusal = self._refusal(request, key)
        if refusal:
            item = {"Item": refusal["Item"]} if "Item" in refusal else {}
            raise _error("ConditionalCheckFailedException", "WriteItem", item)

    def _refusal(self, request: Request, key: Item) -> Answer | None:
        item = self._table(request).get(key)
        if holds(request.get("ConditionExpression"), item, Bindings.of(request)):
            return None
        if not item or request.get("ReturnValuesOnConditionCheckFailure") != "ALL_OLD":
            return {"Code": "ConditionalCheckFailed"}
        return {"Code": "ConditionalCheckFailed", "Item": dict(item)}

    def _write(self, act: str, request: Request) -> Item:
        table = self._table(request)
        match act:
            case "Put":
                made = dict(request["Item"])
                table.put(made)
            case "Update":
                old = table.get(request["Key"]) or dict(request["Key"])
                made = updated(request["UpdateExpression"], old, Bindings.of(request))
                table.put(made)
            case "Delete":
                made = dict(table.get(request["Key"]) or {})
                table.delete(request["Key"])
            case _:
                made = {}
        return made

    def _found(self, name: str, wanted: Request) -> list[Item]:
        found = (self.tables[name].get(key) for key in wanted["Keys"])
        return [_projected(item, wanted) for item in found if item]

    def _table(self, request: Request) -> Table:
        if request["TableName"] not in self.tables:
            raise _error("ResourceNotFoundException", "Any", {})
        return self.tables[request["TableName"]]

    def _index(self, request: Request) -> Index | None:
        return self._table(request).schema.index if "IndexName" in request else None


class MemoryStore(Store):
    """The worker's verbs over `Memory`, without threads and without waiting."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(self._ask_memory)
        self._memory = memory

    async def _ask_memory(self, operation: str, request: Request) -> Any:
        try:
            return getattr(self._memory, xform_name(operation))(**request)
        except ClientError as error:
            raise in_our_words(error) from error


def _in_order(partition: Mapping[Any, Item]) -> list[Item]:
    return [partition[ranged] for ranged in sorted(partition)]


def _held(item: Item, key: Key) -> Any:
    held = item[key.name][key.type]
    return plain({"N": held}) if key.type == "N" else held


def _projected(item: Item, request: Request) -> Item:
    return projected(request.get("ProjectionExpression"), item, Bindings.of(request))


def _partition(request: Request, bindings: Bindings) -> Any:
    """Read the partition out of a key condition: ours all begin with `<hash key> = :value`."""
    value = request["KeyConditionExpression"].split()[2]
    return plain(bindings.values[value])


def _matches(request: Request, item: Item, bindings: Bindings) -> bool:
    return holds(request["KeyConditionExpression"], item, bindings)


def _page(table: Table, index: Index | None, items: Iterable[Item], request: Request) -> Answer:
    start = request.get("ExclusiveStartKey")
    left = list(items)
    if start:
        after = _order(table, start)
        left = [item for item in left if _order(table, item) > after]
    limit = request.get("Limit") or len(left)
    page = left[:limit]
    more = {"LastEvaluatedKey": table.key_of(page[-1], index)} if len(left) > limit else {}
    return {"Items": [_projected(item, request) for item in page], "Count": len(page), **more}


def _order(table: Table, item: Item) -> tuple[Any, ...]:
    return tuple(_held(item, key) for key in (table.schema.hash, table.schema.range) if key)


def _error(code: str, operation: str, more: Mapping[str, Any]) -> ClientError:
    answer = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": 400}, **more}
    return ClientError(cast("Any", answer), operation)
