"""Deleting: gone at once for everybody, tidied up by whoever asks again, safe to repeat."""

from functools import partial
from typing import Any

import pytest

from api.delete import delete_source
from contracts.clock import SECOND_MS
from contracts.table.secrets import HOLD_MS
from tests.api.account import PREFIX, Answer, Aws, Caller, later, prices
from tests.api.breaking import Calls
from tests.api.stored import commit, items

#: After this nobody is behind a hold any more.
HOLD_S = HOLD_MS / SECOND_MS + 1


def delete(caller: Caller, source_id: str, **clients: Any) -> Answer:
    """Delete a source."""
    act = partial(delete_source, at=caller.aws.remover(**clients))
    return caller.call(act, "DELETE /datasources/{sourceId}/delete", source_id=source_id)


def test_a_deleted_source_leaves_nothing_but_the_log(aws: Aws, caller: Caller):
    """Neither rows, nor history, nor a key, nor a membership; the log tells the workers."""
    source = caller.register(prices(apiKey="secret")).json
    for version in range(60):
        commit(aws, source["id"], [version])
    kept = caller.register().json
    commit(aws, kept["id"], [0])
    assert delete(caller, source["id"]).status == 204
    assert [row["id"] for row in items(aws, aws.tables.data_sources)] == [kept["id"]]
    left = {row["id"] for row in items(aws, aws.tables.sheets_data) if row["sheetId"] == source["id"]}
    assert len(left) == 59  # older bodies expire by themselves; nothing points to them
    assert source["id"] not in left
    assert {row["sheetId"] for row in items(aws, aws.tables.changes)} == {kept["id"]}
    assert aws.secret_names() == []
    rows = {(row["pk"], row["sk"]): row for row in items(aws, aws.tables.fleet)}
    assert (rows["external#R", "000000000003"]["act"], rows["external#R", "#"]["n"]) == ("delete", 3)
    assert (f"external#M#{source['shard']:05d}", source["id"]) not in rows


def test_the_newest_document_goes_wherever_it_is_kept(aws: Aws, caller: Caller):
    """A large one lies in the bucket."""
    source = caller.register().json
    commit(aws, source["id"], [1], bucket=True)
    assert delete(caller, source["id"]).status == 204
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=aws.bucket)


def test_subscribers_are_told(aws: Aws, caller: Caller):
    """By a message of the source's own group, after its last change."""
    source = caller.register().json
    commit(aws, source["id"], [1])
    delete(caller, source["id"])
    (message,) = aws.messages()
    assert (message["kind"], message["sourceId"]) == ("deleted", source["id"])
    assert (message["incarnation"], message["version"]) == (source["incarnation"], 1)


def test_a_key_can_be_restored_for_some_days(aws: Aws, caller: Caller):
    """People delete the wrong thing."""
    source = caller.register(prices(apiKey="secret")).json
    delete(caller, source["id"])
    aws.secrets.restore_secret(SecretId=PREFIX + source["id"])
    assert aws.secret_names() == [PREFIX + source["id"]]


@pytest.mark.parametrize("first", [0, 1])
def test_a_shared_key_goes_with_its_last_source(aws: Aws, caller: Caller, first: int):
    """Whichever of them brought it."""
    owner = caller.register(prices(apiKey="secret")).json
    other = caller.register(prices(apiKeySecretId=owner["apiKeySecretId"])).json
    sharing = [owner, other]
    delete(caller, sharing[first]["id"])
    assert aws.secret_names() == [owner["apiKeySecretId"]]
    delete(caller, sharing[1 - first]["id"])
    assert aws.secret_names() == []
    assert [row for row in items(aws, aws.tables.fleet) if row["pk"] == "secrets"] == []


def test_deleting_again_is_no_error(caller: Caller):
    """The answer to the first may have been lost; what cannot be an id is not found."""
    source = caller.register(prices(apiKey="secret")).json
    assert [delete(caller, source["id"]).status for _ in range(3)] == [204, 204, 204]
    assert delete(caller, "external-00000000").status == 204
    assert delete(caller, "nothing").status == 404


def _calls(aws: Aws, caller: Caller, source_id: str, calls: Calls) -> Answer:
    clients = {"dynamodb": aws.dynamodb, "sqs": aws.sqs, "secrets": aws.secrets}
    return delete(caller, source_id, **{name: calls.client(client) for name, client in clients.items()})


CALLS = [
    "get_item", "get_item", "get_item", "transact_write_items", "send_message", "query", "batch_write_item",
    "delete_item", "update_item", "delete_secret", "delete_item",
]  # fmt: skip


def test_the_calls_of_a_deletion(aws: Aws, caller: Caller):
    """What the next test breaks one by one is all there is."""
    source = caller.register(prices(apiKey="secret")).json
    commit(aws, source["id"], [1])
    calls = Calls()
    assert _calls(aws, caller, source["id"], calls).status == 204
    assert calls.names == CALLS


@pytest.mark.parametrize("lands", [False, True])
@pytest.mark.parametrize("breaks_at", range(1, len(CALLS) + 1))
def test_a_deletion_that_breaks_at_any_call_is_finished_by_the_next(swift: Aws, breaks_at: int, lands: bool):
    """Between the two the source is whole or gone, never half there."""
    caller = Caller(aws=swift)
    source = caller.register(prices(apiKey="secret")).json
    commit(swift, source["id"], [1])
    calls = Calls(breaks_at=breaks_at, lands=lands, for_good=True)
    assert _calls(swift, caller, source["id"], calls).status == 503
    visible = [len(items(swift, swift.tables.data_sources)), len(_heads(swift)), len(_members(swift))]
    assert visible in ([0, 0, 0], [1, 1, 1])
    later(swift, HOLD_S)
    assert delete(caller, source["id"]).status == 204
    assert (_heads(swift), _members(swift), items(swift, swift.tables.changes), swift.secret_names()) == (
        [],
        [],
        [],
        [],
    )
    assert {message["kind"] for message in swift.messages()} == {"deleted"}


def _heads(aws: Aws) -> list[Any]:
    return [row for row in items(aws, aws.tables.sheets_data) if row["id"] == row["sheetId"]]


def _members(aws: Aws) -> list[Any]:
    return [row for row in items(aws, aws.tables.fleet) if "#M#" in row["pk"]]


def test_an_edit_meanwhile_does_not_save_a_source(aws: Aws, caller: Caller):
    """The deletion reads again and deletes what it finds then."""
    source = caller.register().json

    class Edited:
        edits = 1

        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items" and self.edits:
                self.edits = 0
                aws.dynamodb.update_item(
                    TableName=aws.tables.data_sources, Key={"id": {"S": source["id"]}},
                    UpdateExpression="SET revision = :two", ExpressionAttributeValues={":two": {"N": "2"}},
                )  # fmt: skip
            return getattr(aws.dynamodb, name)

    assert delete(caller, source["id"], dynamodb=Edited()).status == 204
    assert items(aws, aws.tables.data_sources) == []


def test_rows_that_aws_leaves_are_tried_again(aws: Aws, caller: Caller):
    """BatchWriteItem may return some of its rows untouched."""
    source = caller.register().json
    for version in range(3):
        commit(aws, source["id"], [version])

    class Lazy:
        def __getattr__(self, name: str) -> Any:
            return self._one if name == "batch_write_item" else getattr(aws.dynamodb, name)

        def _one(self, **request: Any) -> Any:
            ((table, rows),) = request["RequestItems"].items()
            aws.dynamodb.batch_write_item(RequestItems={table: rows[:1]})
            return {"UnprocessedItems": {table: rows[1:]} if rows[1:] else {}}

    assert delete(caller, source["id"], dynamodb=Lazy()).status == 204
    assert items(aws, aws.tables.changes) == []
    assert len(aws.pauses) == 2
