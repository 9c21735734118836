"""
Each right is needed: with one statement of a role's policy removed, the use of that process is refused.

The embedded AWS enforces what roles may do; what it does not enforce is named here and held by `tests/stack`.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import WebSocketException

from contracts.messages import Kind, Message
from contracts.table import subscribers
from contracts.table.connections import Subscription
from tests.e2e.outside import Api, Feeds, Reader

HEARD_WITHIN_S = 3
REFUSED_WITHIN_S = 6
SMALL, LARGE = "small", "large"
WORSE_THAN = 400

#: Statements that no refusal here can show, by their first action, and why.
NOT_SEEN = {
    "logs:CreateLogStream": "the embedded AWS writes logs for anybody",
    "s3:ListBucket": "tells a missing document from a forbidden one: seen only when a document is gone",
}

type Statement = dict[str, Any]
type Use = Callable[["World"], Awaitable[bool]]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The account's owner: reads and replaces policies, and calls functions."""

    state: dict[str, Any]

    def client(self, service: str) -> Any:
        """Make a client with the owner's keys."""
        keys = self.state["credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs know a literal each
            endpoint_url=self.state["awsEndpoint"],
            region_name=self.state["region"],
            aws_access_key_id=keys["accessKeyId"],
            aws_secret_access_key=keys["secretAccessKey"],
        )

    @cached_property
    def functions(self) -> dict[str, Any]:
        """Find every function by its logical name: the physical one ends in seven characters of Pulumi's."""
        found = self.client("lambda").list_functions()["Functions"]
        return {one["FunctionName"].rsplit("-", 1)[0]: one for one in found}

    @cached_property
    def worker_role(self) -> str:
        """Find the role of the external workers."""
        names, ecs = self.state["services"]["external"], self.client("ecs")
        (service,) = ecs.describe_services(cluster=names["cluster"], services=[names["service"]])["services"]
        task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return str(task["taskRoleArn"]).rsplit("/", 1)[1]

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

    def policy_of(self, function: str) -> "Policy":
        """Find the policy of a function's role."""
        return self.policy(self.functions[function]["Role"].rsplit("/", 1)[1])

    def policy(self, role: str) -> "Policy":
        """Find the one policy of a role."""
        iam = self.client("iam")
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        return Policy(
            iam=iam, role=role, name=name, document=json.loads(document) if isinstance(document, str) else document
        )

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Call a function with an event, and give its answer."""
        name = self.functions[function]["FunctionName"]
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What one role may do."""

    iam: Any
    role: str
    name: str
    document: dict[str, Any]

    @property
    def statements(self) -> list[Statement]:
        """List those whose absence can be seen."""
        return [one for one in self.document["Statement"] if one["Action"][0] not in NOT_SEEN]

    @contextmanager
    def without(self, statement: Statement) -> Iterator[None]:
        """Take one statement away, and give it back."""
        rest = [one for one in self.document["Statement"] if one is not statement]
        self._put(self.document | {"Statement": rest})
        try:
            yield
        finally:
            self._put(self.document)

    def _put(self, document: dict[str, Any]) -> None:
        self.iam.put_role_policy(RoleName=self.role, PolicyName=self.name, PolicyDocument=json.dumps(document))


@dataclass(frozen=True, kw_only=True)
class World:
    """A stack with two sources, a small document and one that lies in the bucket."""

    state: dict[str, Any]
    operator: Operator
    api: Api
    feeds: Feeds
    ids: dict[str, str]
    made: list[str] = field(default_factory=list)
    """Sources that the tests registered beside."""
    keyed: list[str] = field(default_factory=list)
    """The secret of one of them."""

    async def allowed(self, method: str, path: str, body: Any = None, **headers: str) -> bool:
        """Tell whether a call succeeds; anything but success and our own trouble is a mistake of the test."""
        status, answer = await self.api.call(method, path, body, **headers)
        if method == "POST" and status == 201 and "id" in answer:
            self.made.append(answer["id"])
        assert status < WORSE_THAN or status in {401, 403} or status >= 500, (path, status, answer)
        return status < WORSE_THAN

    @classmethod
    @asynccontextmanager
    async def of(cls, state: dict[str, Any]) -> AsyncIterator["World"]:
        """Register both sources and wait for their documents; delete all that was registered."""
        async with Feeds.serving() as feeds, Api.of(state) as api:
            feeds.set(SMALL, {"n": 0})
            feeds.set(LARGE, [secrets.token_hex(500) for _ in range(900)])
            ids = {name: await api.register(feeds.url(name)) for name in (SMALL, LARGE)}
            world = cls(state=state, operator=Operator(state=state), api=api, feeds=feeds, ids=ids)
            try:
                await world.until_there()
                yield world
            finally:
                for source_id in (*ids.values(), *world.made):
                    await api.delete(source_id)

    async def until_there(self) -> None:
        """Wait until both documents are stored, and the small one has a history."""
        async with Reader.connected(self.state) as reader:
            await reader.ask(action="subscribe", sourceId=self.ids[SMALL])
            await reader.until_equal(self.ids[SMALL], {"n": 0})
            self.feeds.set(SMALL, {"n": 1})
            await reader.until_equal(self.ids[SMALL], {"n": 1})
            async with asyncio.timeout(HEARD_WITHIN_S * 3):
                while (await self.api.call("GET", f"/datasources/{self.ids[LARGE]}/data"))[0] != 200:  # noqa: ASYNC110 - the API has no event to wait for
                    await asyncio.sleep(0.1)


async def lists(world: World) -> bool:
    """List all sources, and those that fail."""
    return await world.allowed("GET", "/datasources") and await world.allowed("GET", "/datasources?state=failing")


async def gets(world: World) -> bool:
    """Show one source."""
    return await world.allowed("GET", f"/datasources/{world.ids[SMALL]}")


async def gets_data(world: World) -> bool:
    """Fetch a document of the table, and one of the bucket by the address that the Lambda's own right signed."""
    if not await world.allowed("GET", f"/datasources/{world.ids[SMALL]}/data"):
        return False
    _, answer = await world.api.call("GET", f"/datasources/{world.ids[LARGE]}/data")
    async with aiohttp.ClientSession() as session, session.get(answer["ref"]["url"]) as fetched:
        return fetched.status == 200


async def registers(world: World) -> bool:
    """Register a source with a key, in a way that can be repeated."""
    body = {"name": "new", "url": world.feeds.url(f"new-{len(world.made)}"), "pollingInterval": 3_600, "apiKey": "k"}
    return await world.allowed("POST", "/datasources/register", body, **{"Idempotency-Key": secrets.token_hex(8)})


async def previews(world: World) -> bool:
    """Look at a source by the key of one that is registered."""
    body = {"name": "new", "url": world.feeds.url(SMALL), "pollingInterval": 3_600, "apiKey": "k"}
    if not world.keyed:
        _, made = await world.api.call("POST", "/datasources/register", body)
        world.made.append(made["id"])
        world.keyed.append(made["apiKeySecretId"])
    body = {"url": world.feeds.url(SMALL), "apiKeySecretId": world.keyed[0]}
    return await world.allowed("POST", "/datasources/preview", body)


async def updates(world: World) -> bool:
    """Edit name and key of a source, as it was last seen."""
    path = f"/datasources/{world.ids[SMALL]}"
    async with world.api.session.get(world.state["apiUrl"].rstrip("/") + path) as answer:
        seen = {"If-Match": answer.headers["ETag"]}
    return await world.allowed("PUT", f"{path}/update", {"name": secrets.token_hex(4), "apiKey": "k"}, **seen)


async def deletes(world: World) -> bool:
    """Delete a new source with a head, a place in the fleet and a key."""
    assert await registers(world)
    return await world.allowed("DELETE", f"/datasources/{world.made[-1]}/delete")


async def shows_history(world: World) -> bool:
    """Follow a place of both documents, which means to read them; the older is known by its document alone."""
    for name, path in ((SMALL, "/n"), (LARGE, "/0")):
        status, answer = await world.api.call("GET", f"/datasources/{world.ids[name]}/changes?path={path}")
        if status != 200 or answer["items"][-1]["after"] is None:
            return False
    return True


async def charts(world: World) -> bool:
    """Chart a number, and what is none in a document of the bucket."""
    paths = [f"/datasources/{world.ids[name]}/series?path={path}" for name, path in ((SMALL, "/n"), (LARGE, "/0"))]
    return all([await world.allowed("GET", path) for path in paths])


async def polls_now(world: World) -> bool:
    """Ask for a poll of a source that was not asked for lately."""
    assert await registers(world)
    return await world.allowed("POST", f"/datasources/{world.made[-1]}/poll")


async def imports(world: World) -> bool:
    """Import a source with a key and one that was deleted with its key, as a file of another day has them."""
    name = f"new-{len(world.made)}"
    item = {"name": name, "url": world.feeds.url(name), "pollingInterval": 3_600, "apiKey": "k"}
    for again in (False, True):
        status, answer = await world.api.call("POST", "/datasources/import", {"items": [item]})
        if status >= 500:
            return False
        assert answer["items"][0]["outcome"] == "created", answer
        if again:
            world.made.append(answer["items"][0]["id"])
        else:
            await world.api.delete(answer["items"][0]["id"])
    return True


async def exports(world: World) -> bool:
    """Export a page."""
    return await world.allowed("GET", "/datasources/export")


async def issues_tickets(world: World) -> bool:
    """Ask for a ticket."""
    return await world.allowed("POST", "/tickets")


async def shows_the_fleet(world: World) -> bool:
    """Ask who polls what, which also means to get past the authorizer."""
    return await world.allowed("GET", "/fleet")


async def tidies(world: World) -> bool:
    """Sweep up after a registration that was killed: a row, and the secret that it names."""
    secret_id = world.operator.secrets_prefix + secrets.token_hex(4)
    row = {"pk": {"S": "secrets"}, "sk": {"S": secret_id}, "uses": {"N": "0"}}
    world.operator.client("dynamodb").put_item(TableName=world.state["tables"]["Fleet"], Item=row)
    world.operator.client("secretsmanager").create_secret(Name=secret_id, SecretString="{}")
    await asyncio.to_thread(world.operator.invoke, "tidy", {})
    return "DeletedDate" in world.operator.client("secretsmanager").describe_secret(SecretId=secret_id)


@pytest.fixture(scope="module")
def lasting(state: dict[str, Any]) -> Iterator[tuple[asyncio.Runner, World]]:
    """Give one world to all tests of this file, and the loop that it lives in."""
    with asyncio.Runner() as runner:
        entered = World.of(state)
        world = runner.run(entered.__aenter__())
        try:
            yield runner, world
        finally:
            runner.run(entered.__aexit__(None, None, None))


def refusals(runner: asyncio.Runner, world: World, function: str, use: Use) -> list[tuple[list[str], bool]]:
    """Take each statement away in turn, and tell what the use then says."""
    policy = world.operator.policy_of(function)
    assert runner.run(succeeds(use, world)), f"{function} fails with all its rights"
    told = []
    for statement in policy.statements:
        with policy.without(statement):
            told.append((statement["Action"], runner.run(succeeds(use, world))))
    return told


async def succeeds(use: Use, world: World) -> bool:
    """Use it, and give the answer."""
    return await use(world)


@pytest.mark.parametrize(
    ("function", "use"),
    [
        ("api-list", lists),
        ("api-get", gets),
        ("api-data", gets_data),
        ("api-imports", imports),
        ("api-exports", exports),
        ("api-changes", shows_history),
        ("api-series", charts),
        ("api-poll", polls_now),
        ("api-register", registers),
        ("api-preview", previews),
        ("api-update", updates),
        ("api-delete", deletes),
        ("api-tickets", issues_tickets),
        ("api-fleet", shows_the_fleet),
        ("authorizer", shows_the_fleet),
        ("tidy", tidies),
    ],
)
def test_an_endpoint_needs_each_of_its_rights(lasting: tuple[asyncio.Runner, World], function: str, use: Use):
    """A right that nothing needs is one to take away; and a right that is missing is refused, not worked around."""
    told = refusals(*lasting, function, use)

    assert told
    assert [actions for actions, allowed in told if allowed] == []


@pytest.mark.parametrize("function", ["api-list", "api-get", "api-register", "api-update", "api-delete", "tidy"])
def test_no_endpoint_can_read_a_key(lasting: tuple[asyncio.Runner, World], function: str):
    """Whoever finds a hole in one of them finds no key behind it; only workers and the preview read keys."""
    runner, world = lasting
    assert runner.run(succeeds(registers, world))
    secret = {"SecretId": world.operator.secrets_prefix + world.made[-1]}

    with pytest.raises(ClientError, match="not authorized to perform: secretsmanager:GetSecretValue"):
        world.operator.assumed(function, "secretsmanager").get_secret_value(**secret)

    assert "k" in world.operator.assumed("api-preview", "secretsmanager").get_secret_value(**secret)["SecretString"]


async def serves_subscribers(world: World) -> bool:
    """Let in, follow, resume, renew, chunk, and carry on with the queue."""
    try:
        async with Reader.connected(world.state) as reader:
            return await _is_served(world, reader) and await _carries_on(world)
    except (WebSocketException, OSError):
        return False


async def _is_served(world: World, reader: Reader) -> bool:
    small = world.ids[SMALL]
    await reader.ask(action="subscribe", sourceId=small)
    if not await hears(reader, lambda: reader.copies[small].document is not None):
        return False
    copy = reader.copies[small]
    assert copy.position
    await reader.ask(action="resume", positions={small: [copy.position[0], copy.position[1] - 1]})
    if not await hears(reader, lambda: any(frame["type"] == "patch" for _, frame in copy.frames)):
        return False
    await reader.ask(action="auth", token=world.state["token"])
    await reader.ask(action="subscribe", sourceId=world.ids[LARGE], accept=["gzip", "chunk"])
    return await hears(reader, lambda: any(frame["type"] == "chunk" for frame in reader.others))


async def hears(reader: Reader, what: Callable[[], bool]) -> bool:
    """Wait for something; an error frame or silence is a refusal."""
    try:
        await reader.until(lambda: what() or any(one["type"] == "error" for one in reader.others), HEARD_WITHIN_S)
    except TimeoutError:
        return False
    return what() and not any(one["type"] == "error" for one in reader.others)


async def _carries_on(world: World) -> bool:
    """Hand a second bucket to the queue, and park what is no message."""
    source_id = world.ids[SMALL]
    dynamodb, table = world.operator.client("dynamodb"), world.state["tables"]["Subscribers"]
    cursor = {"TableName": table, "Key": {"bucket": {"S": f"{source_id}#0"}, "connectionId": {"S": "#"}}}
    for buckets in ("2", "1"):
        dynamodb.update_item(
            **cursor, UpdateExpression="SET buckets = :n", ExpressionAttributeValues={":n": {"N": buckets}}
        )
        if buckets == "2":
            gone = Subscription(
                connection_id="gone", source_id=source_id, bucket=1, principal="ada", since_ms=0, until_s=2**31
            )
            dynamodb.put_item(**subscribers.put_subscriber(table, gone))
            change = Message(kind=Kind.CHANGE, source_id=source_id, incarnation="", version=1, at_ms=0)
            # Of a further bucket: only its posts take from the budget before they go out.
            status = Message(kind=Kind.STATUS, source_id=source_id, incarnation="", version=1, at_ms=0, bucket=1)
            records = [record(change.encode()), record(status.encode()), record("no message")]
            answer = await asyncio.to_thread(world.operator.invoke, "sockets-handler", {"Records": records})
    return bool(answer == {"batchItemFailures": []})


def record(body: str) -> dict[str, Any]:
    """Make a record as the queue hands it over."""
    return {"messageId": secrets.token_hex(8), "body": body, "attributes": {"MessageGroupId": "grants"}}


def test_the_subscribers_lambda_needs_each_of_its_rights(lasting: tuple[asyncio.Runner, World]):
    """One Lambda does it all, so its policy is the longest."""
    runner, world = lasting
    sqs = world.operator.client("sqs")
    try:
        told = refusals(runner, world, "sockets-handler", serves_subscribers)
    finally:
        for url in sqs.list_queues(QueueNamePrefix="changes-dead")["QueueUrls"]:
            sqs.purge_queue(QueueUrl=url)

    assert told
    assert [actions for actions, allowed in told if allowed] == []


class Logs:
    """What the workers said since it was last asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "logs"
        self._read: dict[Path, int] = {}
        self.news()

    def news(self) -> str:
        """Give what is new."""
        said = []
        for path in self._folder.glob("external-*.log"):
            text = path.read_text(errors="replace")
            said.append(text[self._read.get(path, 0) :])
            self._read[path] = len(text)
        return "".join(said)


async def stir(world: World, step: int) -> None:
    """Give the workers something of everything to do: two changes, and a new source with a key."""
    world.feeds.set(SMALL, {"n": 100 + step})
    world.feeds.set(LARGE, [secrets.token_hex(500) for _ in range(900)])
    world.feeds.set(f"new-{len(world.made)}", {"n": step})
    body = {"name": "new", "url": world.feeds.url(f"new-{len(world.made)}"), "pollingInterval": 1, "apiKey": "k"}
    assert await world.allowed("POST", "/datasources/register", body)


async def is_refused(logs: Logs, statement: Statement) -> bool:
    """Wait for a worker to say that it may not do something of a statement."""
    refusals_of = [f"not authorized to perform: {action} " for action in statement["Action"]]
    try:
        async with asyncio.timeout(REFUSED_WITHIN_S):
            while not any(refusal in news for news in [logs.news()] for refusal in refusals_of):  # noqa: ASYNC110 - a log file has no event to wait for
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True


def test_a_worker_needs_each_of_its_rights(lasting: tuple[asyncio.Runner, World], folder: Path):
    """It says in its log what AWS refused, and goes on when the right is back."""
    runner, world = lasting
    logs, policy, silent = Logs(folder), world.operator.policy(world.operator.worker_role), []
    for step, statement in enumerate(policy.statements):
        with policy.without(statement):
            logs.news()
            runner.run(stir(world, step))
            if not runner.run(is_refused(logs, statement)):
                silent.append(statement["Action"])
    world.feeds.set(SMALL, {"n": "back"})

    assert silent == []
    assert runner.run(follows(world, {"n": "back"}))


async def follows(world: World, document: Any) -> bool:
    """Tell whether a subscriber gets to this document."""
    async with Reader.connected(world.state) as reader:
        await reader.ask(action="subscribe", sourceId=world.ids[SMALL])
        await reader.until_equal(world.ids[SMALL], document)
    return True
