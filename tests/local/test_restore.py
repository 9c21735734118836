"""Restoring: whole sources under new incarnations, living ones left alone or fenced, interruptions harmless."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from api.delete import delete_source
from api.update import update_source
from contracts.bodies import unpack
from contracts.canonical import canonical, digest
from contracts.clock import DAY_S, SECOND_MS
from contracts.steps import Summary
from contracts.table import changes, heads, secrets
from contracts.table.changes import Change
from contracts.table.heads import Next, Ref
from contracts.table.values import read_item, write_item
from fetching import document
from fetching.document import Reading
from local.backup import backup
from local.backup_file import Backup
from local.restore import RestoreFailed, restore
from tests.api import stored
from tests.api.account import NOW_MS
from tests.local.conftest import Kept, rewrite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name the file."""
    return tmp_path / "b.gz"


def put_back(kept: Kept, file: Path, *, replaces: bool = False, stack: Any = None) -> dict[str, int]:
    """Restore the file."""
    return dict(
        restore(
            stack or kept.stack,
            Backup.open(file),
            replaces=replaces,
            now_ms=kept.aws.now_ms,
            chance=kept.chance(),
            pause=kept.aws.pauses.append,
        )
    )


def end(kept: Kept, source_id: str) -> None:
    """Delete a source through the API, and take the message about it."""
    route = "DELETE /datasources/{sourceId}/delete"
    answer = kept.caller.call(lambda got: delete_source(got, kept.aws.remover()), route, source_id=source_id)
    assert answer.status == 204, answer.body
    assert [message["kind"] for message in kept.aws.messages()] == ["deleted"]


def wipe(kept: Kept) -> None:
    """Lose every row."""
    for table, names in (
        (kept.stack.tables.data_sources, ["id"]),
        (kept.stack.tables.sheets_data, ["id"]),
        (kept.stack.tables.changes, ["sheetId", "version"]),
        (kept.stack.tables.fleet, ["pk", "sk"]),
    ):
        for item in kept.aws.rows(table):
            kept.stack.dynamodb.delete_item(TableName=table, Key={name: item[name] for name in names})


def test_a_lost_stack_is_as_it_was_under_new_incarnations(kept: Kept, file: Path):
    """Document, version, hash and history are the same; only their incarnation tells clients to begin anew."""
    source_id = kept.register(pollingInterval=7, tags=["a"])
    for step in range(3):
        stored.commit(kept.aws, source_id, {"n": step})
    before, head = kept.source(source_id), kept.head(source_id)
    members = kept.members()
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)

    done = put_back(kept, file)

    after, renewed = kept.source(source_id), kept.head(source_id)
    assert done == {"restored": 1}
    assert {name for name in before if before[name] != after[name]} == {"incarnation", "revision"}
    assert after["revision"] > before["revision"]
    assert after["incarnation"] == renewed.incarnation != head.incarnation
    assert (renewed.version, renewed.hash, renewed.ref) == (head.version, head.hash, head.ref)
    assert renewed.notified == 0
    assert renewed.etag is None
    row = kept._row(kept.stack.tables.sheets_data, head.ref.id if head.ref else "")
    assert row["data"] == canonical({"n": 2}).decode()
    history = [Change.read(item) for item in kept.aws.rows(kept.stack.tables.changes)]
    assert [(one.version, one.incarnation) for one in history] == [(v, renewed.incarnation) for v in (1, 2, 3)]
    assert history[2].summary == Summary(added=0, removed=0, changed=1, paths=("/n",))
    assert kept.members() == members
    (message,) = kept.aws.messages()
    assert (message["kind"], message["incarnation"], message["version"]) == ("change", renewed.incarnation, 3)


def test_the_next_owner_loads_a_restored_head_and_commits(kept: Kept, file: Path):
    """A fresh fleet's epochs begin at 1: neither head nor status may remember those of the lost one."""
    source_id = kept.register()
    kept.fenced(source_id, epoch=40)
    stored.commit(kept.aws, source_id, {"n": 1})
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)
    put_back(kept, file)

    kept.fenced(source_id, epoch=1)
    stored.commit(kept.aws, source_id, {"n": 2})

    assert kept.head(source_id).version == 2
    assert kept.source(source_id)["status"]["epoch"] == 0


@pytest.mark.parametrize("lives", [False, True])
def test_lists_that_a_document_cannot_tell_of_come_back_with_it(kept: Kept, file: Path, lives: bool):
    """
    Else one `<b>` under an `<a>` that returns after the restore would be a value where subscribers hold a list.

    Those of a living head that is replaced are of another document.
    """
    source_id = kept.register()
    stored.commit(kept.aws, source_id, {"r": {"c": "3"}}, untold=("r/a/b",))
    backup(kept.stack, file, now_ms=NOW_MS)
    if lives:
        stored.commit(kept.aws, source_id, {"r": {"a": {"b": ["1"]}}}, untold=("r/d/e",))
    else:
        wipe(kept)

    put_back(kept, file, replaces=lives)

    head = kept.head(source_id)
    assert head.untold == ("r/a/b",)
    row = kept._row(kept.stack.tables.sheets_data, head.ref.id if head.ref else "")
    read = document.read(
        b"<r><a><b>1</b></a></r>", "application/xml", Reading(), unpack(row["encoding"], row["data"]), head.untold
    )
    assert isinstance(read, document.Document)
    assert json.loads(read.canonical) == {"r": {"a": {"b": ["1"]}}}


def test_a_file_of_before_such_lists_were_saved_is_read(kept: Kept, file: Path):
    """Its documents alone say what is a list, as they did when it was written."""
    source_id = kept.register()
    stored.commit(kept.aws, source_id, {"n": 1}, untold=("r/a/b",))
    backup(kept.stack, file, now_ms=NOW_MS)
    rewrite(file, lambda record: record.get("head", {}).pop("untold", None))
    wipe(kept)

    assert put_back(kept, file) == {"restored": 1}
    assert kept.head(source_id).untold == ()


def test_a_source_that_is_there_is_left_alone(kept: Kept, file: Path):
    """So a restore that broke off is simply run again."""
    stays, goes = kept.register(name="stays"), kept.register(name="goes")
    backup(kept.stack, file, now_ms=NOW_MS)
    end(kept, goes)
    before = kept.source(stays)

    assert put_back(kept, file) == {"restored": 1, "left alone": 1}
    assert put_back(kept, file) == {"left alone": 2}
    assert kept.source(stays) == before


def test_replacing_shuts_out_what_a_living_worker_has_in_flight(kept: Kept, file: Path):
    """Its commit was made over another history."""
    source_id = kept.register()
    stored.commit(kept.aws, source_id, {"n": 1})
    backup(kept.stack, file, now_ms=NOW_MS)
    stored.commit(kept.aws, source_id, {"n": 2})
    loaded = kept.fenced(source_id, epoch=9)
    members = kept.members()

    assert put_back(kept, file, replaces=True) == {"replaced": 1}

    in_flight = Next(version=3, hash="x", ref=Ref(id="x", encoding="json", bytes=1), at_ms=NOW_MS)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        kept.stack.dynamodb.update_item(**heads.commit(kept.stack.tables.sheets_data, loaded, in_flight))
    head = kept.head(source_id)
    assert (head.version, head.hash) == (1, digest(canonical({"n": 1})))
    assert (head.epoch, head.fence) == (9, loaded.fence + 1)
    assert kept.members() == members
    assert kept.aws.messages()[0]["incarnation"] == head.incarnation != loaded.incarnation


def test_a_restore_that_breaks_off_before_its_transaction_leaves_no_source(kept: Kept, file: Path):
    """Body and history without a source are found by nobody; the next run writes them again."""
    source_id = kept.register()
    stored.commit(kept.aws, source_id, {"n": 1})
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)

    with pytest.raises(RestoreFailed, match="run the restore again"):
        put_back(kept, file, stack=breaking(kept, "transact_write_items"))
    assert kept.aws.rows(kept.stack.tables.data_sources) == []
    assert put_back(kept, file) == {"restored": 1}
    assert len(kept.aws.rows(kept.stack.tables.changes)) == 1


def breaking(kept: Kept, operation: str) -> Any:
    """Give the stack with a client that fails at one operation."""
    from dataclasses import replace

    client: Any = boto3.client("dynamodb")

    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "InternalServerError", "Message": "no"}}, operation)

    setattr(client, operation, fail)
    return replace(kept.stack, dynamodb=client)


def test_a_source_whose_key_is_lost_waits_for_it(kept: Kept, file: Path):
    """Polled without its key it would only be refused, and maybe banned."""
    source_id = kept.register(apiKey="k")
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)
    kept.stack.secrets.delete_secret(SecretId=kept.keys().secret_id(source_id), ForceDeleteWithoutRecovery=True)

    done = put_back(kept, file)

    after = kept.source(source_id)
    assert done["its key must be set again"] == 1
    assert (after["enabled"], after["status"]["why"]) == (False, "its key must be set again")
    assert after["attention"] == after["status"]["state"] == "failing"

    act = partial(update_source, at=kept.aws.registrar())
    body = json.dumps({"apiKey": "again", "enabled": True})
    route = "PUT /datasources/{sourceId}/update"
    seen = {"content-type": "application/json", "if-match": f'"{after["revision"]}"'}
    answer = kept.caller.call(act, route, source_id=source_id, body=body, headers=seen)
    assert answer.status == 200, answer.body
    assert kept.source(source_id)["enabled"] is True
    value = kept.stack.secrets.get_secret_value(SecretId=kept.keys().secret_id(source_id))["SecretString"]
    assert json.loads(value)["apiKey"] == "again"


def test_a_key_whose_deletion_can_be_taken_back_is(kept: Kept, file: Path):
    """Deleting a source by mistake is the likeliest reason to restore it."""
    source_id = kept.register(apiKey="k")
    backup(kept.stack, file, now_ms=NOW_MS)
    end(kept, source_id)

    assert put_back(kept, file) == {"restored": 1}

    assert kept.source(source_id)["enabled"] is True
    value = kept.stack.secrets.get_secret_value(SecretId=kept.keys().secret_id(source_id))["SecretString"]
    assert json.loads(value)["apiKey"] == "k"


def test_a_key_that_several_share_is_counted_for_each_of_them_again(kept: Kept, file: Path):
    """Or it would be tidied away under their hands, or go with the first of them that is deleted."""
    first = kept.register(apiKey="k")
    secret_id = kept.source(first)["apiKeySecretId"]
    kept.register(name="Other", url="https://feeds.example.com/other.json", apiKeySecretId=secret_id)
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)

    assert put_back(kept, file) == {"restored": 2}
    assert uses(kept) == {secret_id: 2}
    assert put_back(kept, file, replaces=True) == {"replaced": 2}
    assert uses(kept) == {secret_id: 2}


def uses(kept: Kept) -> dict[str, int]:
    """Say how many sources each secret is written down for."""
    rows = [read_item(item) for item in kept.aws.rows(kept.stack.tables.fleet)]
    return {row["sk"]: row["uses"] for row in rows if row["pk"] == secrets.PARTITION}


def test_a_sheet_comes_back_to_the_workers_of_its_kind(kept: Kept, file: Path):
    """Into the shard of its spreadsheet, so that its sources go on to share one read."""
    ids = [
        kept.register(name=name, url=f"https://docs.google.com/spreadsheets/d/{'b' * 44}/edit", type="googleSheet")
        for name in ("One", "Two")
    ]
    before, members = [kept.source(one) for one in ids], kept.members()
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)

    assert put_back(kept, file) == {"restored": 2}
    after = [kept.source(one) for one in ids]
    assert kept.members() == members
    assert {one["shard"] for one in before} == {one["shard"] for one in after}
    assert all(pk.startswith("googleSheet#") for pk, _ in members)
    assert not {one["incarnation"] for one in before} & {one["incarnation"] for one in after}


def test_a_credential_header_comes_from_the_living_source_or_must_be_set_again(kept: Kept, file: Path):
    """The file never held it."""
    source_id = kept.register(headers={"Authorization": "Bearer t"})
    backup(kept.stack, file, now_ms=NOW_MS)

    put_back(kept, file, replaces=True)
    assert kept.source(source_id)["headers"] == {"Authorization": "Bearer t"}
    assert kept.source(source_id)["enabled"] is True

    wipe(kept)
    put_back(kept, file)
    assert kept.source(source_id)["status"]["why"] == "its key must be set again: header Authorization"
    assert kept.source(source_id)["enabled"] is False


def test_a_document_in_the_bucket_comes_back_into_the_bucket(kept: Kept, file: Path):
    """It does not fit an item."""
    source_id = kept.register()
    document = {"rows": [f"{i * 7_919:x}-{i * i:x}-{digest(str(i).encode())}" for i in range(30_000)]}
    body = stored.commit(kept.aws, source_id, document, bucket=True)
    kept.stack.s3.put_object(Bucket="documents", Key=body.ref.id, Body=body.data)
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)
    kept.stack.s3.delete_object(Bucket="documents", Key=body.ref.id)

    put_back(kept, file)

    assert kept.stack.s3.get_object(Bucket="documents", Key=body.ref.id)["Body"].read() == body.data


def test_history_beyond_its_days_stays_out(kept: Kept, file: Path):
    """It would expire at once; and a backup may be old."""
    source_id = kept.register()
    stored.commit(kept.aws, source_id, {"n": 1})
    backup(kept.stack, file, now_ms=NOW_MS)
    wipe(kept)
    kept.aws.at_ms += 8 * DAY_S * SECOND_MS

    assert put_back(kept, file) == {"restored": 1, "changes too old": 1}
    assert kept.head(source_id).version == 1


def test_what_an_older_history_left_is_not_backed_up_as_this_ones(kept: Kept, file: Path):
    """After a replacement rows of the old incarnation stay until they expire."""
    source_id = kept.register()
    stored.commit(kept.aws, source_id, {"n": 1})
    stray = Change(source_id=source_id, incarnation="old", version=1, step=[], bytes=2, at_ms=NOW_MS)
    kept.stack.dynamodb.put_item(**changes.put(kept.stack.tables.changes, stray, history_days=7))
    kept.stack.dynamodb.put_item(
        TableName=kept.stack.tables.changes, Item=write_item({"sheetId": "other", "version": 1})
    )

    backup(kept.stack, file, now_ms=NOW_MS)

    assert next(Backup.open(file).sources()).changes == []
