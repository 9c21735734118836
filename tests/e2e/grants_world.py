"""A stack whose operator takes single rights away, and what a process then says."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from tests import owner
from tests.e2e.outside import Api, Feeds, Reader, until_true

SMALL, LARGE = "small", "large"
THERE_WITHIN_S = 60
DOOMED_AT_ONCE = 4

type Statement = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Right:
    """One action on one resource: the smallest thing that a policy can lack."""

    action: str
    resource: str

    def __str__(self) -> str:
        """Name it as an operator reads it."""
        return f"{self.action} on {self.resource.rsplit(':', 1)[1]}"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What one role may do."""

    iam: Any
    role: str
    name: str
    document: dict[str, Any]

    @property
    def rights(self) -> list[Right]:
        """List every right of every statement."""
        return [
            Right(action=action, resource=resource)
            for statement in self.document["Statement"]
            for action in statement["Action"]
            for resource in statement["Resource"]
        ]

    @contextmanager
    def without(self, *taken: Right) -> Iterator[None]:
        """Take rights away, and give them back."""
        rest = [right for right in self.rights if right not in taken]
        self._put([{"Effect": "Allow", "Action": [one.action], "Resource": [one.resource]} for one in rest])
        try:
            yield
        finally:
            self._put(self.document["Statement"])

    def _put(self, statements: list[Statement]) -> None:
        document = json.dumps(self.document | {"Statement": statements})
        self.iam.put_role_policy(RoleName=self.role, PolicyName=self.name, PolicyDocument=document)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a function answered, and the end of its log."""

    payload: Any
    log: str
    failed: bool


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The account's owner: reads and replaces policies, and calls functions."""

    state: dict[str, Any]

    def client(self, service: str) -> Any:
        """Make a client with the owner's keys."""
        return owner.client(self.state, service)

    @cached_property
    def dynamodb(self) -> Any:
        """The tables' client."""
        return self.client("dynamodb")

    @cached_property
    def functions(self) -> dict[str, Any]:
        """Find every function by its logical name: the physical one ends in seven characters of Pulumi's."""
        found = self.client("lambda").list_functions()["Functions"]
        return {one["FunctionName"].rsplit("-", 1)[0]: one for one in found}

    def policy_of_workers(self, kind: str) -> Policy:
        """Find the policy of the workers of a kind."""
        names, ecs = self.state["services"][kind], self.client("ecs")
        (service,) = ecs.describe_services(cluster=names["cluster"], services=[names["service"]])["services"]
        task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return self._policy(str(task["taskRoleArn"]))

    @property
    def secrets_prefix(self) -> str:
        """Read where keys of sources are kept, as a function is told."""
        return str(self.functions["tidy"]["Environment"]["Variables"]["SECRETS_PREFIX"])

    def assumed(self, function: str, service: str) -> Any:
        """Make a client under the very role of a function."""
        role = self.functions[function]["Role"]
        keys = self.client("sts").assume_role(RoleArn=role, RoleSessionName="outside")["Credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs know a literal each
            endpoint_url=self.state["awsEndpoint"],
            region_name=self.state["region"],
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def policy_of(self, function: str) -> Policy:
        """Find the policy of a function's role."""
        return self._policy(self.functions[function]["Role"])

    def invoke(self, function: str, event: dict[str, Any]) -> Answer:
        """Call a function with an event."""
        name, payload = self.functions[function]["FunctionName"], json.dumps(event)
        answer = self._lambda.invoke(FunctionName=name, Payload=payload, LogType="Tail")
        return Answer(
            payload=json.loads(answer["Payload"].read()),
            log=base64.b64decode(answer.get("LogResult", "")).decode(),
            failed="FunctionError" in answer,
        )

    @cached_property
    def _lambda(self) -> Any:
        return self.client("lambda")

    def _policy(self, role_arn: str) -> Policy:
        role, iam = role_arn.rsplit("/", 1)[1], self.client("iam")
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return Policy(
            iam=iam, role=role, name=name, document=json.loads(document) if isinstance(document, str) else document
        )


class Logs:
    """What the workers of a kind said since it was last asked."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind = folder / "logs", kind
        self._read: dict[Path, int] = {}
        self.news()

    def news(self) -> str:
        """Give what is new."""
        said = []
        for path in self._folder.glob(f"{self._kind}-*.log"):
            text = path.read_text(errors="replace")
            said.append(text[self._read.get(path, 0) :])
            self._read[path] = len(text)
        return "".join(said)


@dataclass(frozen=True, kw_only=True)
class World:
    """A stack with two sources, a small document and one that lies in the bucket, and somebody who is connected."""

    state: dict[str, Any]
    operator: Operator
    api: Api
    feeds: Feeds
    reader: Reader
    connection_id: str
    ids: dict[str, str]
    made: list[str] = field(default_factory=list)
    """Sources that the tests registered beside."""
    condemned: list[str] = field(default_factory=list)
    keyed: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def of(cls, state: dict[str, Any]) -> AsyncIterator["World"]:
        """Register both sources and wait for their documents; delete all that was registered."""
        operator = Operator(state=state)
        async with Feeds.serving() as feeds, Api.of(state) as api:
            before = _connections(operator)
            async with Reader.connected(state) as reader:
                (connection_id,) = _connections(operator) - before
                feeds.set(SMALL, {"n": 0})
                feeds.set(LARGE, large())
                ids = {name: await api.register(feeds.url(name)) for name in (SMALL, LARGE)}
                world = cls(
                    state=state, operator=operator, api=api, feeds=feeds, reader=reader,
                    connection_id=connection_id, ids=ids,
                )  # fmt: skip
                try:
                    await world._until_there()
                    yield world
                finally:
                    await asyncio.gather(*map(api.delete, (*ids.values(), *world.made)))

    def fresh_url(self) -> str:
        """Name a feed that no source has yet."""
        return self.feeds.url(f"new-{secrets.token_hex(4)}")

    async def secret_id(self) -> str:
        """Name the secret of a source that has one; all who ask get the same."""
        if not self.keyed:
            self.made.append(await self.api.register(self.fresh_url(), pollingInterval=3_600, apiKey="k"))
            _, made = await self.api.call("GET", f"/datasources/{self.made[-1]}")
            self.keyed.append(made["apiKeySecretId"])
        return self.keyed[0]

    async def doomed(self) -> str:
        """Give a source that has all a source can leave behind; they are made several at once."""
        if not self.condemned:
            for _ in range(DOOMED_AT_ONCE):
                url = self.fresh_url()
                self.feeds.set(url.rsplit("/", 1)[1], large())
                self.condemned.append(await self.api.register(url, apiKey="k"))
            self.made.extend(self.condemned)
            for source_id in self.condemned:
                await self.until_stored(source_id)
        return self.condemned.pop()

    async def until_stored(self, source_id: str) -> None:
        """Wait until a source has a document."""

        async def is_stored() -> bool:
            status, _ = await self.api.call("GET", f"/datasources/{source_id}/data")
            return status == 200

        await until_true(is_stored, THERE_WITHIN_S)

    async def _until_there(self) -> None:
        """Wait until both documents are stored, and the small one has a history."""
        await self.reader.ask(action="subscribe", sourceId=self.ids[SMALL])
        await self.reader.until_equal(self.ids[SMALL], {"n": 0})
        self.feeds.set(SMALL, {"n": 1})
        await self.reader.until_equal(self.ids[SMALL], {"n": 1})
        await self.until_stored(self.ids[LARGE])


def large() -> list[str]:
    """Make a document that no table's item can hold, another each time."""
    return [secrets.token_hex(500) for _ in range(900)]


def _connections(operator: Operator) -> set[str]:
    """Name the connections there are, from the rows that speak of themselves."""
    rows = operator.dynamodb.scan(TableName=operator.state["tables"]["Connections"])["Items"]
    return {row["connectionId"]["S"] for row in rows if row["sheetId"]["S"] == "#"}
