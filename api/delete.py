"""
DELETE /datasources/{sourceId}/delete: a source with all it left.

One transaction ends it: from then on it is in no list, no worker commits to it, and its id is never given again.
What follows tidies up; if that breaks off, the same request again does the rest, so it is done for ids unknown too.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from api import door
from api.documents import Documents
from api.edit import Action, Cancelled, Configuration, Edit
from api.key_uses import KeyUses, Move
from api.keys import Keys
from api.problem import no_such_source, try_again
from api.request import Request
from api.respond import Act, Answer, Event, Response, serve
from api.rows import SOURCE_ID, read_head, read_source
from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.messages import Kind, Message, send
from contracts.table import changes, heads, sources
from contracts.table.heads import Head
from contracts.table.schema import TableNames

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

TRIES_MAX = 4
#: BatchWriteItem takes at most this many (AWS).
BATCH_WRITE_MAX = 25
#: More history than a Lambda has time for expires by itself (`ttl`); nobody finds it without its source.
CHANGES_MAX = 2_500
#: AWS may leave some rows of a batch for another try.
BATCH_TRIES_MAX = 5
UNIQUE_BITS = 64


@dataclass(frozen=True, kw_only=True)
class Remover:
    """All that deleting needs."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"
    queue_url: str
    tables: TableNames
    documents: Documents
    uses: KeyUses
    configuration: Configuration
    now_ms: NowMs
    chance: random.Random


def delete_source(request: Request, at: Remover) -> Response:
    """End a source and tidy up; what is gone already is no error."""
    request.allow_parameters()
    source_id = request.source_id
    if not SOURCE_ID.fullmatch(source_id):
        raise no_such_source()
    ended = _end(source_id, at)
    head = ended.head
    _tell_subscribers(source_id, head, at)
    _delete_changes(source_id, at)
    if head and head.ref:
        at.documents.delete(head.ref)
    # Of a source that is gone already only its own secret's name is known; `api.tidy` finds any other.
    at.uses.tidy(ended.secret_id or at.uses.keys.secret_id(source_id))
    return Response(status=HTTPStatus.NO_CONTENT)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a source leaves to be tidied up; nothing is known of one that was gone."""

    head: Head | None = None
    secret_id: str | None = None


def _end(source_id: str, at: Remover) -> Ended:
    """Land the transaction."""
    for _ in range(TRIES_MAX):
        item = read_source(at.dynamodb, at.tables.data_sources, source_id)
        if item is None:
            return Ended()
        head = read_head(at.dynamodb, at.tables.sheets_data, source_id)
        try:
            at.configuration.land(_actions(item, at.tables), _edit(item))
        except Cancelled:  # it was edited or deleted meanwhile
            continue
        return Ended(head=head, secret_id=item.get("apiKeySecretId"))
    raise try_again("the source is being edited")


def _actions(item: Mapping[str, Any], tables: TableNames) -> list[Action]:
    return [
        ("Delete", sources.delete(tables.data_sources, item["id"], revision=item["revision"])),
        ("Delete", heads.delete(tables.sheets_data, item["id"])),
        *Move(before=item.get("apiKeySecretId")).actions(tables.fleet),
    ]


def _edit(item: Mapping[str, Any]) -> Edit:
    return Edit(
        source_id=item["id"],
        kind=SourceType(item["type"]),
        shard=item["shard"],
        act="delete",
        revision=item["revision"],
    )


def _tell_subscribers(source_id: str, head: Head | None, at: Remover) -> None:
    message = Message(
        kind=Kind.DELETED,
        source_id=source_id,
        incarnation=head.incarnation if head else "",
        version=head.version if head else 0,
        at_ms=at.now_ms(),
    )
    at.sqs.send_message(**send(at.queue_url, message, unique=f"{at.chance.getrandbits(UNIQUE_BITS):016x}"))


def _delete_changes(source_id: str, at: Remover) -> None:
    start = None
    for _ in range(CHANGES_MAX // BATCH_WRITE_MAX):
        page = at.dynamodb.query(
            **changes.keys_of(at.tables.changes, source_id, start=start), Limit=BATCH_WRITE_MAX, ConsistentRead=True
        )
        if page["Items"]:
            _delete_batch(page["Items"], at)
        start = page.get("LastEvaluatedKey")
        if not start:
            return


def _delete_batch(keys: list[dict[str, Any]], at: Remover) -> None:
    left: Any = {at.tables.changes: [{"DeleteRequest": {"Key": key}} for key in keys]}
    for attempt in range(BATCH_TRIES_MAX):
        left = at.dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems")
        if not left:
            return
        at.configuration.pause(at.chance.uniform(0, 0.05 * 2**attempt))
    raise try_again("the source is gone; its history is not yet: repeat the request")


@cache
def _act() -> Act:
    dynamodb, tables = door.dynamodb(), TableNames.from_environ(os.environ)
    keys = Keys(client=door.secrets_manager(), prefix=os.environ["SECRETS_PREFIX"])
    remover = Remover(
        dynamodb=dynamodb,
        sqs=door.sqs(),
        queue_url=os.environ["QUEUE_URL"],
        tables=tables,
        documents=Documents.at_the_door(os.environ),
        uses=KeyUses(dynamodb=dynamodb, fleet_table=tables.fleet, keys=keys, now_ms=door.wall_ms, chance=door.CHANCE),
        configuration=Configuration.at_the_door(dynamodb, tables.fleet),
        now_ms=door.wall_ms,
        chance=door.CHANCE,
    )
    return partial(delete_source, at=remover)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="delete", make=_act, now_ms=door.wall_ms)
