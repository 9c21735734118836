"""The tables, the queue and the secrets of one deployment, and one caller of its API."""

import json
import random
from dataclasses import dataclass, field, replace
from typing import Any

from api.achievable import SheetQuota
from api.delete import Remover
from api.documents import Documents
from api.edit import Configuration
from api.key_uses import KeyUses
from api.keys import Keys
from api.register import register_source
from api.registrar import Registrar
from api.respond import Act, serve
from contracts.clock import SECOND_MS
from contracts.table import schema
from contracts.table.schema import TableNames

REGION = "eu-west-1"
NOW_MS = 1_795_000_000_000
PREFIX = "test/source/"
ENVIRON = {
    **{f"TABLE_{attribute.upper()}": f"the-{attribute}" for attribute in schema.FIELDS.values()},
    "EXTERNAL_SHARDS": "1024",
    "SHEET_SHARDS": "256",
    "SECRETS_PREFIX": PREFIX,
    "GOOGLE_HINTS": "0",
    "GOOGLE_READS_PER_ACCOUNT": "60",
    "GOOGLE_READS_PER_PROJECT": "300",
}
RIGHT = {"principal": "ada", "scopes": "read write"}


@dataclass
class Aws:
    """Clients of one empty account that holds what the stack would have made."""

    dynamodb: Any
    secrets: Any
    sqs: Any
    s3: Any
    tables: TableNames
    queue_url: str
    bucket: str
    at_ms: int = NOW_MS
    pauses: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        """Tell the time that the test wants."""
        return self.at_ms

    def registrar(self, *, chance: random.Random | None = None, **clients: Any) -> Registrar:
        """Join what registering needs, with other clients where a test wants some."""
        environ = ENVIRON | clients.pop("environ", {})
        given = {"dynamodb": self.dynamodb, "secrets": self.secrets} | clients
        return Registrar.of(
            environ, now_ms=self.now_ms, chance=chance or random.SystemRandom(), pause=self.pauses.append, **given
        )

    def quota(self, **environ: str) -> SheetQuota:
        """See Google's quota as the API does."""
        return SheetQuota.of(ENVIRON | environ, dynamodb=self.dynamodb, now_ms=self.now_ms)

    def remover(self, **clients: Any) -> Remover:
        """Join what deleting needs, with other clients where a test wants some."""
        chance = random.SystemRandom()
        given = {"dynamodb": self.dynamodb, "sqs": self.sqs, "s3": self.s3, "secrets": self.secrets} | clients
        return Remover(
            dynamodb=given["dynamodb"], sqs=given["sqs"], queue_url=self.queue_url, tables=self.tables,
            documents=Documents(
                dynamodb=given["dynamodb"], s3=given["s3"], table=self.tables.sheets_data, bucket=self.bucket
            ),
            uses=self.uses(dynamodb=given["dynamodb"], secrets=given["secrets"]), now_ms=self.now_ms, chance=chance,
            configuration=Configuration(
                dynamodb=given["dynamodb"], fleet_table=self.tables.fleet, now_ms=self.now_ms, chance=chance,
                pause=self.pauses.append,
            ),
        )  # fmt: skip

    def uses(self, **clients: Any) -> KeyUses:
        """Join what keeps count of secrets, with other clients where a test wants some."""
        given = {"dynamodb": self.dynamodb, "secrets": self.secrets} | clients
        return KeyUses(
            dynamodb=given["dynamodb"], fleet_table=self.tables.fleet, now_ms=self.now_ms, chance=random.SystemRandom(),
            keys=Keys(client=given["secrets"], prefix=PREFIX),
        )  # fmt: skip

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Give every item of a table, as the client returns it."""
        items: list[dict[str, Any]] = self.dynamodb.scan(TableName=table)["Items"]
        return items

    def secret_names(self) -> list[str]:
        """Name the secrets that are alive."""
        return [secret["Name"] for secret in self.secrets.list_secrets()["SecretList"]]

    def messages(self) -> list[dict[str, Any]]:
        """Receive what is queued."""
        got = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in got.get("Messages", [])]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a caller got."""

    status: int
    headers: dict[str, str]
    body: str
    raw: dict[str, Any]

    @property
    def json(self) -> Any:
        """Read the body."""
        return json.loads(self.body)

    @property
    def fields(self) -> set[str]:
        """Name the fields that a problem document finds wrong."""
        return {error["field"] for error in self.json.get("errors", [])}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Calls endpoints as the HTTP API does (payload format 2.0)."""

    aws: Aws
    right: dict[str, Any] | None = field(default_factory=lambda: dict(RIGHT))

    def call(self, act: Act, route: str, **request: Any) -> Answer:
        """Send one request to one endpoint."""
        raw = serve(event(route, right=self.right, **request), what="test", make=lambda: act, now_ms=self.aws.now_ms)
        return Answer(status=raw["statusCode"], headers=raw["headers"], body=raw["body"], raw=raw)

    def register(
        self, source: Any = None, *, at: Registrar | None = None, raw: str | None = None, **request: Any
    ) -> Answer:
        """Register a source, or send a raw body."""
        registrar = at or self.aws.registrar()
        request["body"] = json.dumps(source or prices()) if raw is None else raw
        return self.call(lambda got: register_source(got, registrar), "POST /datasources/register", **request)

    def as_principal(self, **right: Any) -> "Caller":
        """Give another caller."""
        return replace(self, right=right)


def prices(**fields: Any) -> dict[str, Any]:
    """Describe a source as a caller would."""
    return {"name": "Prices", "url": "https://feeds.example.com/prices.json"} | fields


def event(
    route: str,
    *,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    source_id: str | None = None,
    right: dict[str, Any] | None = None,
    base64: bool = False,
) -> dict[str, Any]:
    """Make an event of the HTTP API."""
    method, _, path = route.partition(" ")
    made: dict[str, Any] = {
        "version": "2.0", "routeKey": route, "rawPath": path, "isBase64Encoded": base64,
        "headers": {"content-type": "application/json"} if headers is None else headers,
        "requestContext": {
            "requestId": "request-1", "http": {"method": method, "path": path, "sourceIp": "198.51.100.7"},
            "authorizer": {"lambda": right} if right else {},
        },
    }  # fmt: skip
    made |= {"body": body} if body is not None else {}
    made |= {"queryStringParameters": query} if query else {}
    return made | ({"pathParameters": {"sourceId": source_id}} if source_id else {})


def later(aws: Aws, seconds: float) -> None:
    """Let time pass."""
    aws.at_ms += int(seconds * SECOND_MS)
