"""
The whole Lambda, driven as API Gateway and SQS drive it: tables and connections in memory, queues and objects in moto.

Tables in moto take long to make and long to ask; `local.memory` is held to moto and to the embedded AWS
by one suite over all three (`tests/contracts/table`).
"""

import json
import random
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cache
from itertools import chain, count, repeat
from typing import Any, cast

import boto3

from contracts import bodies, steps
from contracts.access import Right, new_ticket, new_token, put_ticket, put_token, token_row
from contracts.canonical import canonical, digest
from contracts.messages import Kind, Message, MessageRefused
from contracts.table import changes, heads
from contracts.table.changes import Change
from contracts.table.connections import CONNECTION_TTL_S
from contracts.table.heads import Next
from contracts.table.values import read_item, write_item
from local.memory import NAMES, Memory
from tests.ws.fake_post import FakePost
from ws import handler
from ws.budget import Budget
from ws.world import World

REGION = "eu-west-1"
NOW_MS = 1_795_000_000_000
SOURCE = "external-1a2b3c4d"
#: Under this row a connection is found when the gateway has cut it and nobody said so.
OVER = f"exp#{(NOW_MS // 1_000 + CONNECTION_TTL_S) // 60}"
#: Fewer than in production: rows in moto are slow.
HANDFUL = 64
RIGHT: dict[str, Any] = {"principal": "ada", "scopes": "read"}


#: Made once: to load a client's model takes longer than most tests. Moto empties what is behind it.
_client: Any = cache(boto3.client)


class Service:
    """One deployment. `at_ms` is its clock, `left_ms` what an invocation has left, `line` the last batch's log."""

    def __init__(self, pool: Executor, world: World | None = None) -> None:
        self.at_ms, self.left_ms = NOW_MS, 14_000
        self.post = FakePost()
        self.line: dict[str, Any] = {}
        self.documents: dict[str, Any] = {}
        self.position: dict[str, tuple[str, int]] = {}
        self._numbers = count(1)
        self.world = world or self._made(pool)
        self.world.budget.lease_max = HANDFUL

    def _made(self, pool: Executor) -> World:
        tables, dynamodb = NAMES, cast("Any", Memory())
        sqs: Any = _client("sqs")
        fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
        s3: Any = _client("s3")
        s3.create_bucket(Bucket="documents", CreateBucketConfiguration={"LocationConstraint": REGION})
        return World(
            dynamodb=dynamodb, sqs=sqs, s3=s3, post=self.post, pool=pool, tables=tables,
            budget=Budget(
                dynamodb=dynamodb, table=tables.budget, quota_per_s=10_000, now_ms=lambda: self.at_ms,
                sleep=lambda _: None,
            ),
            stack="fleet-test",
            queue_url=sqs.create_queue(QueueName="changes.fifo", Attributes=fifo)["QueueUrl"],
            dead_letter_url=sqs.create_queue(QueueName="dead.fifo", Attributes=fifo)["QueueUrl"],
            documents_bucket="documents", now_ms=lambda: self.at_ms, sleep=lambda _: None,
        )  # fmt: skip

    def with_world(self, **changed: Any) -> None:
        """Exchange something that is handed in."""
        self.world = replace(self.world, **changed)

    # What API Gateway does.

    def event(self, route: str, connection_id: str, body: Any = None, **context: Any) -> dict[str, Any]:
        """Send an event of the WebSocket API and give the response."""
        asked = {"routeKey": route, "connectionId": connection_id, **context}
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        response, line = handler.serve(self.world, {"requestContext": asked, "body": text}, lambda: self.left_ms)
        json.dumps(line)
        return response

    def connect(self, connection_id: str = "one", **right: Any) -> str:
        """Open a connection; the gateway opens it for posts only when the handshake is over."""
        response = self.event("$connect", connection_id, authorizer=RIGHT | right)
        assert response["statusCode"] == 200
        self.post.open.add(connection_id)
        return connection_id

    def ask(self, connection_id: str = "one", **frame: Any) -> list[dict[str, Any]]:
        """Send a client's frame and take the answers."""
        assert self.event("$default", connection_id, frame) == {"statusCode": 200}
        return self.post.take(connection_id)

    def subscribe(self, connection_id: str = "one", source_id: str = SOURCE, **frame: Any) -> list[dict[str, Any]]:
        """Subscribe and take the answers."""
        return self.ask(connection_id, action="subscribe", sourceId=source_id, **frame)

    def subscriber(self, connection_id: str = "one", source_id: str = SOURCE, **frame: Any) -> str:
        """Connect and subscribe."""
        self.subscribe(self.connect(connection_id), source_id, **frame)
        return connection_id

    # What the API and the workers do.

    def register(self, source_id: str = SOURCE, incarnation: str = "i1") -> str:
        """Register a source."""
        status = {"state": "healthy", "why": "", "since": NOW_MS, "epoch": 1}
        item = write_item({"id": source_id, "incarnation": incarnation, "status": status})
        self.world.dynamodb.put_item(TableName=self.world.tables.data_sources, Item=item)
        self.world.dynamodb.put_item(**heads.put_new(self.world.tables.sheets_data, source_id, incarnation))
        self.position[source_id] = (incarnation, 0)
        return source_id

    def restart(self, source_id: str = SOURCE, *, incarnation: str) -> None:
        """Begin another history of a source."""
        self.world.dynamodb.delete_item(**heads.delete(self.world.tables.sheets_data, source_id))
        self.world.dynamodb.put_item(**heads.put_new(self.world.tables.sheets_data, source_id, incarnation))
        self.position[source_id] = (incarnation, 0)

    def remove(self, source_id: str = SOURCE) -> Message:
        """Delete a source and give the message about it."""
        for table in (self.world.tables.data_sources, self.world.tables.sheets_data):
            self.world.dynamodb.delete_item(**heads.delete(table, source_id))
        return self.message(Kind.DELETED, source_id)

    def commit(self, document: Any, source_id: str = SOURCE, *, keep_step: bool = True) -> Message:
        """Commit a state as a worker does, and give the message about it."""
        incarnation, base = self.position[source_id]
        whole = canonical(document)
        body = bodies.pack(whole, source_id=source_id, version=base + 1, document_hash=digest(whole))
        self._put_body(body, source_id)
        new = Next(version=base + 1, hash=digest(whole), ref=body.ref, at_ms=self.at_ms)
        head = heads.Head.from_item(self.item(self.world.tables.sheets_data, id=source_id))
        self.world.dynamodb.update_item(**heads.commit(self.world.tables.sheets_data, head, new))
        step = steps.make(self.documents[source_id], document) if base and keep_step else None
        change = Change(
            source_id=source_id, incarnation=incarnation, version=base + 1, step=step,
            bytes=len(json.dumps(step)), at_ms=self.at_ms,
        )  # fmt: skip
        self.world.dynamodb.put_item(**changes.put(self.world.tables.changes, change, history_days=7))
        self.documents[source_id] = document
        self.position[source_id] = (incarnation, base + 1)
        return self.message(Kind.CHANGE, source_id)

    def message(self, kind: Kind, source_id: str = SOURCE, **fields: Any) -> Message:
        """Make a message about a source's newest state."""
        incarnation, version = self.position[source_id]
        return Message(
            kind=kind, source_id=source_id, incarnation=incarnation, version=version, at_ms=self.at_ms, **fields
        )

    def token(self, scopes: str = "read", *, principal: str = "ada", expires_ms: int | None = None) -> str:
        """Issue a token."""
        token = new_token(random.Random(next(self._numbers)))
        right = Right(principal=principal, scopes=frozenset(scopes.split()), expires_ms=expires_ms)
        row = token_row(token, right, name="test", created_at="")
        self.world.dynamodb.put_item(**put_token(self.world.tables.access, row))
        return token

    def ticket(self, *, principal: str = "ada", expires_ms: int | None = None) -> str:
        """Issue a ticket, as `POST /tickets` does to who shows a token of whatever kind."""
        ticket = new_ticket(random.Random(next(self._numbers)))
        right = Right(principal=principal, scopes=frozenset({"read"}), expires_ms=expires_ms)
        self.world.dynamodb.put_item(**put_ticket(self.world.tables.access, ticket, right, now_ms=self.at_ms))
        return ticket

    # What SQS does.

    def consume(self, *messages: Message | str, left_ms: Sequence[int] = (), receives: int = 1) -> list[int]:
        """
        Hand a batch to the Lambda; gives the places of those that come back.

        `left_ms` is what is left of the invocation, each time that it is asked; `receives` how often these came.
        """
        left = chain(left_ms, repeat(self.left_ms))
        texts = [each if isinstance(each, str) else each.encode() for each in messages]
        records = [
            {
                "messageId": f"m{i}", "body": text, "receiptHandle": f"r{i}",
                "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": str(receives)},
            }
            for i, (text, group) in enumerate(zip(texts, map(group_of, texts), strict=True))
        ]  # fmt: skip
        response, line = handler.serve(self.world, {"Records": records}, lambda: next(left))
        json.dumps(line)
        self.line = line
        return [int(failure["itemIdentifier"][1:]) for failure in response["batchItemFailures"]]

    def queued(self, *, dead: bool = False) -> list[str]:
        """Take the bodies of the messages in the queue, or in the dead-letter queue."""
        url = self.world.dead_letter_url if dead else self.world.queue_url
        taken: list[str] = []
        while got := self.world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in got:
                taken.append(message["Body"])
                self.world.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def sweep(self, *, time_left_ms: int = 10_000) -> dict[str, Any]:
        """Call as EventBridge does, each minute, and give what is logged."""
        answer, line = handler.serve(self.world, {"minute": "2026-01-01T00:00:00Z"}, lambda: time_left_ms)
        assert answer == {}
        json.dumps(line)
        return line

    def drain(self) -> None:
        """Let the Lambda consume what it queued itself, until nothing is left."""
        while bodies_queued := self.queued():
            assert self.consume(*bodies_queued) == []

    # What the tables hold.

    def item(self, table: str, **key: Any) -> dict[str, Any]:
        """Read one item."""
        return read_item(self.world.dynamodb.get_item(TableName=table, Key=write_item(key))["Item"])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Read a whole table."""
        return [read_item(item) for item in self.world.dynamodb.scan(TableName=table)["Items"]]

    def subscribers(self) -> list[tuple[str, str]]:
        """Give bucket and connection of every subscriber's row."""
        found = [(row["bucket"], row["connectionId"]) for row in self.rows(self.world.tables.subscribers)]
        return sorted(pair for pair in found if pair[1] != "#")

    def connection_rows(self) -> list[tuple[str, str]]:
        """Give the keys of every row of Connections."""
        return sorted((row["connectionId"], row["sheetId"]) for row in self.rows(self.world.tables.connections))

    def cursor(self, source_id: str = SOURCE, bucket: int = 0) -> dict[str, Any]:
        """Read a bucket's cursor."""
        return self.item(self.world.tables.subscribers, bucket=f"{source_id}#{bucket}", connectionId="#")

    def _put_body(self, body: bodies.Body, source_id: str) -> None:
        if body.ref.encoding == bodies.BUCKET:
            self.world.s3.put_object(Bucket="documents", Key=body.ref.id, Body=body.data)
            return
        request = heads.put_body(
            self.world.tables.sheets_data, body.ref, source_id=source_id, data=body.data, at_ms=self.at_ms
        )
        self.world.dynamodb.put_item(**request)


def group_of(text: str) -> str:
    """Name the FIFO group of a message; what is none was sent by somebody else, into the group of the source."""
    try:
        return Message.decode(text).group
    except MessageRefused:
        return SOURCE
