"""
What each function does with its rights, as single calls of the function itself: nothing stands between.

A use gives an empty text if it did what it is for, else what showed that it did not. Whoever gives a function a new
right adds a use that needs it.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp

from contracts.clock import MINUTE_MS
from contracts.messages import Kind, Message
from contracts.table import secrets as rows_of_secrets
from contracts.table import subscribers, sweeps
from contracts.table.connections import Subscription
from contracts.table.sweeps import Late
from tests.e2e.grants_world import LARGE, SMALL, Answer, World

type Use = Callable[[World], Awaitable[str]]


def _http(world: World, function: str, path: str = "", *, body: Any = None, **more: Any) -> Answer:
    """Call an endpoint as the API does once the authorizer has let somebody in who may do all."""
    route = ROUTES[function]
    method, template = route.split()
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": template.replace("{sourceId}", path),
        "rawQueryString": "",
        "pathParameters": {"sourceId": path} if path else {},
        "headers": {"content-type": "application/json", **more.get("headers", {})},
        "queryStringParameters": more.get("query", {}),
        "requestContext": {
            "http": {"method": method, "path": template, "sourceIp": "127.0.0.1"},
            "requestId": secrets.token_hex(8),
            "routeKey": route,
            "authorizer": {"lambda": {"principal": "operator", "scopes": "read write"}},
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
    return world.operator.invoke(function, event)


def _said(answer: Answer) -> str:
    """Give what a failed call said; a call that is wrong in itself is a mistake of the test."""
    if answer.failed:
        return f"{answer.payload} {answer.log}"
    status = answer.payload["statusCode"]
    assert status < 400 or status >= 500, answer
    return f"{status} {answer.log}" if status >= 500 else ""


ROUTES: Mapping[str, str] = {
    "api-list": "GET /datasources",
    "api-get": "GET /datasources/{sourceId}",
    "api-data": "GET /datasources/{sourceId}/data",
    "api-changes": "GET /datasources/{sourceId}/changes",
    "api-series": "GET /datasources/{sourceId}/series",
    "api-poll": "POST /datasources/{sourceId}/poll",
    "api-imports": "POST /datasources/import",
    "api-exports": "GET /datasources/export",
    "api-register": "POST /datasources/register",
    "api-preview": "POST /datasources/preview",
    "api-update": "PUT /datasources/{sourceId}/update",
    "api-delete": "DELETE /datasources/{sourceId}/delete",
    "api-tickets": "POST /tickets",
    "api-fleet": "GET /fleet",
}


async def lists(world: World) -> str:
    """List all sources."""
    return _said(_http(world, "api-list"))


async def lists_the_failing(world: World) -> str:
    """List those that fail, by the index."""
    return _said(_http(world, "api-list", query={"state": "failing"}))


async def gets(world: World) -> str:
    """Show one source."""
    return _said(_http(world, "api-get", world.ids[SMALL]))


async def _sheet(world: World) -> str:
    """Register a sheet that nobody reads soon."""
    fields = {"type": "googleSheet", "name": "sheet", "pollingInterval": 3_600, "enabled": False}
    source_id = await world.api.register(world.state["sheet"]["url"], **fields)
    world.made.append(source_id)
    return source_id


def _achieves(answer: Answer) -> str:
    """Give what a call said; a source that is shown without its achievable interval says what failed."""
    said = _said(answer)
    if said or json.loads(answer.payload["body"])["achievableInterval"] is not None:
        return said
    return f"failed to note the wish: {answer.log}"


async def lists_a_sheet(world: World) -> str:
    """List sheets, with what Google's quota makes of them."""
    await _sheet(world)
    return _said(_http(world, "api-list", query={"type": "googleSheet"}))


async def gets_a_sheet(world: World) -> str:
    """Show one."""
    return _achieves(_http(world, "api-get", await _sheet(world)))


async def registers_a_sheet(world: World) -> str:
    """Register one, and once more by the same request, which is told of the quota without a wish of its own."""
    body = {"type": "googleSheet", "name": "sheet", "url": world.state["sheet"]["url"], "pollingInterval": 3_600}
    headers = {"idempotency-key": secrets.token_hex(8)}
    first, again = (_http(world, "api-register", body=body | {"enabled": False}, headers=headers) for _ in range(2))
    if not _said(first):
        world.made.append(json.loads(first.payload["body"])["id"])
    return _achieves(first) or _achieves(again)


async def edits_a_sheet(world: World) -> str:
    """Edit how often one is read."""
    return _achieves(await _edits(world, await _sheet(world), pollingInterval=7_200))


async def imports_a_sheet(world: World) -> str:
    """Import one, which counts among the wishes."""
    item = {"type": "googleSheet", "name": secrets.token_hex(4), "url": world.state["sheet"]["url"], "enabled": False}
    answer = _http(world, "api-imports", body={"items": [item | {"pollingInterval": 3_600}]})
    if not _said(answer):
        world.made.append(json.loads(answer.payload["body"])["items"][0]["id"])
    return _said(answer) or ("failed to note the wish" if "wish_not_added" in answer.log else "")


async def gets_data(world: World) -> str:
    """Fetch a document of the table."""
    return _said(_http(world, "api-data", world.ids[SMALL]))


async def signs_data(world: World) -> str:
    """Fetch a document of the bucket by the address that the Lambda's own right signed."""
    answer = _http(world, "api-data", world.ids[LARGE])
    if answer.payload["statusCode"] != 200:
        return _said(answer)
    url = json.loads(answer.payload["body"])["ref"]["url"]
    async with aiohttp.ClientSession() as session, session.get(url) as fetched:
        return "" if fetched.status == 200 else await fetched.text()


async def shows_history(world: World) -> str:
    """Follow a place of both documents, which means to read them; the older is known by its document alone."""
    for name, path in ((SMALL, "/n"), (LARGE, "/0")):
        answer = _http(world, "api-changes", world.ids[name], query={"path": path})
        if _said(answer):
            return _said(answer)
        if json.loads(answer.payload["body"])["items"][-1]["after"] is None:
            return f"failed to read the document: {answer.log}"
    return ""


async def charts(world: World) -> str:
    """Chart a number, and what is none in a document of the bucket."""
    asked = ((SMALL, "/n"), (LARGE, "/0"))
    said = [_said(_http(world, "api-series", world.ids[name], query={"path": path})) for name, path in asked]
    return "".join(said)


async def polls_now(world: World) -> str:
    """Ask for a poll of a source that was not asked for lately."""
    source_id = await world.api.register(world.fresh_url(), pollingInterval=3_600)
    world.made.append(source_id)
    return _said(_http(world, "api-poll", source_id))


async def registers(world: World) -> str:
    """Register a source with a key, in a way that can be repeated."""
    body = {"name": "new", "url": world.fresh_url(), "pollingInterval": 3_600, "apiKey": "k"}
    answer = _http(world, "api-register", body=body, headers={"idempotency-key": secrets.token_hex(8)})
    if not _said(answer):
        world.made.append(json.loads(answer.payload["body"])["id"])
    return _said(answer)


async def repeats(world: World) -> str:
    """Send a registration once more."""
    body = {"name": "new", "url": world.fresh_url(), "pollingInterval": 3_600}
    headers = {"idempotency-key": secrets.token_hex(8)}
    first, again = (_http(world, "api-register", body=body, headers=headers) for _ in range(2))
    if not _said(first):
        world.made.append(json.loads(first.payload["body"])["id"])
    return _said(first) or _said(again)


async def shares_a_key(world: World) -> str:
    """Register a source that is polled with another one's key."""
    body = {"name": "new", "url": world.fresh_url(), "apiKeySecretId": await world.secret_id()}
    answer = _http(world, "api-register", body=body | {"pollingInterval": 3_600})
    if not _said(answer):
        world.made.append(json.loads(answer.payload["body"])["id"])
    return _said(answer)


async def leaves_no_key_behind(world: World) -> str:
    """Fail to register a source whose key is stored already: neither the secret nor its row may stay."""
    policy, before = world.operator.policy_of("api-register"), _kept(world)
    (puts_the_source,) = [one for one in policy.rights if str(one).startswith("dynamodb:PutItem on table/tables-DataS")]
    with policy.without(puts_the_source):
        assert await registers(world)
    left = _kept(world) - before
    return f"left behind: {left}" if left else ""


def _kept(world: World) -> set[str]:
    """Name every secret there is, and every row of one."""
    secrets_there = world.operator.client("secretsmanager").list_secrets()["SecretList"]
    rows = world.operator.dynamodb.query(
        TableName=world.state["tables"]["Fleet"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "secrets"}},
    )["Items"]
    return {one["Name"] for one in secrets_there} | {f"row of {row['sk']['S']}" for row in rows}


async def previews(world: World) -> str:
    """Look at a source by the key of one that is registered; its feed is served by this very thread's loop."""
    body = {"url": world.feeds.url(SMALL), "apiKeySecretId": await world.secret_id()}
    return _said(await asyncio.to_thread(_http, world, "api-preview", body=body))


async def previews_a_sheet(world: World) -> str:
    """Look at a sheet: by the accounts' secret, within the quota."""
    return _said(_http(world, "api-preview", body={"type": "googleSheet", "url": world.state["sheet"]["url"]}))


async def _edits(world: World, source_id: str, **fields: Any) -> Answer:
    async with world.api.session.get(f"{world.state['apiUrl'].rstrip('/')}/datasources/{source_id}") as seen:
        headers = {"if-match": seen.headers["ETag"]}
    return _http(world, "api-update", source_id, body=fields, headers=headers)


async def edits(world: World) -> str:
    """Edit a source's name."""
    return _said(await _edits(world, world.ids[SMALL], name=secrets.token_hex(4)))


async def changes_the_key(world: World) -> str:
    """Give a source without a key one, another one, none, and one again; what follows the edit is to be seen too."""
    source_id = await world.api.register(world.fresh_url(), pollingInterval=3_600)
    world.made.append(source_id)
    secret_id = f"{world.operator.secrets_prefix}{source_id}"
    for key in ("first", "second", None, "third"):
        said = _said(await _edits(world, source_id, apiKey=key)) or _left(world, secret_id, key)
        if said:
            return said
    return ""


def _left(world: World, secret_id: str, key: str | None) -> str:
    """Say what an edit left behind of the key before, if it did."""
    if key is None:
        left = {secret_id, f"row of {secret_id}"} & _kept(world)
        return f"left behind: {left}" if left else ""
    kept = world.operator.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
    return "" if json.loads(kept)["apiKey"] == key else "left behind: the key before"


async def deletes(world: World) -> str:
    """Delete a source with a key, a document and a history; one that a refusal spared is taken again."""
    source_id = await world.doomed()
    said = _said(_http(world, "api-delete", source_id))
    status, _ = await world.api.call("GET", f"/datasources/{source_id}")
    if status == 200:
        world.condemned.append(source_id)
    return said


async def tidies(world: World) -> str:
    """Sweep up after a registration that was killed: a row, and the secret that it names."""
    client = world.operator.client("secretsmanager")
    secret_id = f"{world.operator.secrets_prefix}{secrets.token_hex(4)}"
    row = {"pk": {"S": "secrets"}, "sk": {"S": secret_id}, "uses": {"N": "0"}}
    world.operator.dynamodb.put_item(TableName=world.state["tables"]["Fleet"], Item=row)
    client.create_secret(Name=secret_id, SecretString="{}")
    answer = world.operator.invoke("tidy", {})
    if answer.failed:
        return f"{answer.payload} {answer.log}"
    return "" if "DeletedDate" in client.describe_secret(SecretId=secret_id) else "left behind: the secret"


async def has_the_chosen_key_read(world: World) -> str:
    """Finish an edit that was killed after it landed: its key waits beside the one before."""
    secret_id = await world.secret_id()
    client, table = world.operator.client("secretsmanager"), world.state["tables"]["Fleet"]
    kept = json.loads(client.get_secret_value(SecretId=secret_id)["SecretString"])
    value = json.dumps(kept | {"apiKey": secrets.token_hex(4)})
    version = client.put_secret_value(SecretId=secret_id, SecretString=value, VersionStages=["proposed"])["VersionId"]
    world.operator.dynamodb.update_item(**rows_of_secrets.choose(table, secret_id, version=version))
    answer = world.operator.invoke("tidy", {})
    if answer.failed:
        return f"{answer.payload} {answer.log}"
    now = client.get_secret_value(SecretId=secret_id)["SecretString"]
    return "" if now == value else "left behind: the key before"


async def imports(world: World) -> str:
    """Import a source with a key, and once more after it was deleted, as a file of another day has it."""
    item = {"name": "new", "url": world.fresh_url(), "pollingInterval": 3_600, "apiKey": "k"}
    for again in (False, True):
        answer = _http(world, "api-imports", body={"items": [item]})
        if _said(answer):
            return _said(answer)
        source_id = json.loads(answer.payload["body"])["items"][0]["id"]
        if again:
            world.made.append(source_id)
        else:
            await world.api.delete(source_id)
    return ""


async def exports(world: World) -> str:
    """Export a page."""
    return _said(_http(world, "api-exports"))


async def issues_tickets(world: World) -> str:
    """Give out a ticket."""
    return _said(_http(world, "api-tickets"))


async def shows_the_fleet(world: World) -> str:
    """Say who polls what."""
    return _said(_http(world, "api-fleet"))


async def knows_a_token(world: World) -> str:
    """Let in who shows a token."""
    headers = {"authorization": f"Bearer {world.state['token']}"}
    answer = world.operator.invoke("authorizer", {"routeKey": "GET /fleet", "headers": headers})
    assert answer.failed or answer.payload["isAuthorized"], answer
    return f"{answer.payload} {answer.log}" if answer.failed else ""


async def takes_a_ticket(world: World) -> str:
    """Let in who shows a ticket, and use it up."""
    _, issued = await world.api.call("POST", "/tickets")
    event = {"methodArn": "arn:aws:execute-api:r:a:api/live/$connect", "requestContext": {"routeKey": "$connect"}}
    answer = world.operator.invoke(
        "authorizer", event | {"headers": {}, "queryStringParameters": {"ticket": issued["ticket"]}}
    )
    assert answer.failed or answer.payload["context"], answer
    return f"{answer.payload} {answer.log}" if answer.failed else ""


def _socket(world: World, route: str, connection_id: str, *, body: Any = None, **context: Any) -> str:
    """Hand the sockets' Lambda an event of a connection; give what went wrong."""
    asked = {"routeKey": route, "connectionId": connection_id, **context}
    event = {"requestContext": asked, "body": None if body is None else json.dumps(body)}
    return _trouble(world.operator.invoke("sockets-handler", event))


def _trouble(answer: Answer) -> str:
    """Give what a line of the Lambda's log says went wrong; its other fields are counts."""
    if answer.failed:
        return f"{answer.payload} {answer.log}"
    lines = [json.loads(line) for line in answer.log.splitlines() if line.startswith("{")]
    return "; ".join(str(line[key]) for line in lines for key in ("wrong", "error") if line.get(key))


def _frame(world: World, **frame: Any) -> str:
    return _socket(world, "$default", world.connection_id, body=frame)


async def follows(world: World) -> str:
    """Leave a source and follow it anew."""
    source_id = world.ids[SMALL]
    left = _frame(world, action="unsubscribe", sourceId=source_id)
    return left or _frame(world, action="subscribe", sourceId=source_id)


async def resumes(world: World) -> str:
    """Send what a reader missed."""
    position = world.reader.copies[world.ids[SMALL]].position
    assert position
    return _frame(world, action="resume", positions={world.ids[SMALL]: [position[0], 1]})


async def sends_large(world: World) -> str:
    """Send a document of the bucket, in chunks."""
    return _frame(world, action="subscribe", sourceId=world.ids[LARGE], accept=["gzip", "chunk"])


async def renews(world: World) -> str:
    """Let a connection live on by a new token."""
    return _frame(world, action="auth", token=world.state["token"])


async def renews_by_ticket(world: World) -> str:
    """Let a connection live on by a ticket, and use it up."""
    _, issued = await world.api.call("POST", "/tickets")
    return _frame(world, action="auth", ticket=issued["ticket"])


async def meets_and_parts(world: World) -> str:
    """See somebody come, and go."""
    ghost, right = _ghost(), {"principal": "ghost", "scopes": "read"}
    return _socket(world, "$connect", ghost, authorizer=right) or _socket(world, "$disconnect", ghost)


async def cuts_who_has_no_right(world: World) -> str:
    """Cut a connection whose right ended, a minute after; here it is one that never was."""
    ended = str(time.time_ns() // 1_000_000 - 2 * MINUTE_MS)
    right = {"principal": "ghost", "scopes": "read", "expiry": ended}
    said = _socket(world, "$connect", _ghost(), authorizer=right)
    if said:
        return said
    answer = world.operator.invoke("sockets-handler", {"minute": "2026-01-01T00:00:00Z"})
    stuck = [json.loads(line).get("stuck") for line in answer.log.splitlines() if line.startswith("{")]
    return _trouble(answer) or ("could not be cut" if any(stuck) else "")


async def tells_a_change(world: World) -> str:
    """Post to an audience of two buckets; the second is queued."""
    source_id, table = world.ids[SMALL], world.state["tables"]["Subscribers"]
    cursor = {"TableName": table, "Key": {"bucket": {"S": f"{source_id}#0"}, "connectionId": {"S": "#"}}}
    values = {":two": {"N": "2"}, ":none": {"N": "0"}}
    world.operator.dynamodb.update_item(
        **cursor, UpdateExpression="SET buckets = :two, version = :none", ExpressionAttributeValues=values
    )
    try:
        head = world.reader.copies[source_id].position
        assert head
        return _tells(world, Kind.CHANGE, source_id, incarnation=head[0], version=head[1])
    finally:
        world.operator.dynamodb.update_item(
            **cursor, UpdateExpression="SET buckets = :one", ExpressionAttributeValues={":one": {"N": "1"}}
        )


async def posts_within_the_budget(world: World) -> str:
    """Tell a further bucket, where somebody is gone: only its posts take from the budget before they go out."""
    gone = Subscription(
        connection_id="gone", source_id=world.ids[SMALL], bucket=1, principal="ada", since_ms=0, until_s=2**31
    )
    table = world.state["tables"]["Subscribers"]
    world.operator.dynamodb.put_item(**subscribers.put_subscriber(table, gone))
    message = Message(
        kind=Kind.STATUS, source_id=world.ids[SMALL], incarnation="", version=1, at_ms=0, bucket=1
    )  # fmt: skip
    return _trouble(_consume(world, message.encode()))


async def lets_go_of_what_is_not_late(world: World) -> str:
    """Look, as each minute, after a bucket that may lag and does not."""
    late = Late(source_id="external-00000000", bucket=0, at_ms=time.time_ns() // 1_000_000)
    world.operator.dynamodb.update_item(**sweeps.watch(world.state["tables"]["Connections"], late))
    return _trouble(world.operator.invoke("sockets-handler", {"minute": "2026-01-01T00:00:00Z"}))


async def tells_an_end(world: World) -> str:
    """Tell an audience of nobody that its source is gone."""
    return _tells(world, Kind.DELETED, "external-00000000")


async def parks_poison(world: World) -> str:
    """Put aside what is no message."""
    answer = _consume(world, "no message")
    return answer.log if answer.payload["batchItemFailures"] else ""


async def gives_back_soon(world: World) -> str:
    """Have a record that fails come again soon; this one was not received, which only who may ask is told."""
    answer = _consume(world, Message(kind=Kind.STATUS, source_id="", incarnation="", version=1, at_ms=0).encode())
    assert answer.payload["batchItemFailures"], answer
    lines = [json.loads(line) for line in answer.log.splitlines() if line.startswith("{")]
    told = "; ".join(str(line["not_soon"]) for line in lines)
    return "" if "ReceiptHandleIsInvalid" in told else told or "failed to ask"


def _tells(world: World, kind: Kind, source_id: str, *, incarnation: str = "", version: int = 1) -> str:
    message = Message(kind=kind, source_id=source_id, incarnation=incarnation, version=version, at_ms=0)
    return _trouble(_consume(world, message.encode()))


def _consume(world: World, body: str) -> Answer:
    record = {
        "messageId": secrets.token_hex(8), "receiptHandle": "none", "body": body,
        "attributes": {"MessageGroupId": "grants"},
    }  # fmt: skip
    return world.operator.invoke("sockets-handler", {"Records": [record]})


def _ghost() -> str:
    return f"ghost-{secrets.token_hex(4)}="


#: Every function of the stack, and what it does with its rights.
USES: Mapping[str, Sequence[Use]] = {
    "api-list": (lists, lists_the_failing, lists_a_sheet),
    "api-get": (gets, gets_a_sheet),
    "api-data": (gets_data, signs_data),
    "api-changes": (shows_history,),
    "api-series": (charts,),
    "api-poll": (polls_now,),
    "api-imports": (imports, imports_a_sheet),
    "api-exports": (exports,),
    "api-register": (registers, repeats, shares_a_key, leaves_no_key_behind, registers_a_sheet),
    "api-preview": (previews, previews_a_sheet),
    "api-update": (edits, changes_the_key, edits_a_sheet),
    "api-delete": (deletes,),
    "api-openapi": (),  # reads nothing
    "api-tickets": (issues_tickets,),
    "api-fleet": (shows_the_fleet,),
    "tidy": (tidies, has_the_chosen_key_read),
    "authorizer": (knows_a_token, takes_a_ticket),
    "sockets-handler": (
        follows,
        resumes,
        sends_large,
        renews,
        renews_by_ticket,
        meets_and_parts,
        cuts_who_has_no_right,
        tells_a_change,
        posts_within_the_budget,
        lets_go_of_what_is_not_late,
        tells_an_end,
        parks_poison,
        gives_back_soon,
    ),
}
