"""Who gets in: nobody, unless a living token or ticket says so and its scope covers the route."""

import json
import random
from functools import partial
from typing import Any

import pytest

from api.authorize import decide, find_right
from api.tickets import issue_ticket
from contracts import access
from contracts.access import Right
from tests.api.account import NOW_MS, Aws, Caller, later

CHANCE = random.SystemRandom()
ARN = "arn:aws:execute-api:eu-west-1:123456789012:abc/live/$connect"


def token(aws: Aws, *, scopes: str = "read write", expires_ms: int | None = None) -> str:
    """Let somebody in."""
    made = access.new_token(CHANCE)
    right = Right(principal="ada", scopes=frozenset(scopes.split()), expires_ms=expires_ms)
    row = access.token_row(made, right, name="test", created_at="")
    aws.dynamodb.put_item(**access.put_token(aws.tables.access, row))
    return made


def ask(aws: Aws, event: dict[str, Any]) -> dict[str, Any]:
    """Ask the authorizer."""
    given = {"dynamodb": aws.dynamodb, "tables": aws.tables, "now_ms": aws.now_ms}
    find = partial(find_right, **given, foreign=lambda _: None)
    return decide(event, find, now_ms=aws.now_ms)


def http(aws: Aws, route: str = "GET /datasources", **headers: str) -> dict[str, Any]:
    """Ask as the HTTP API does."""
    return ask(aws, {"version": "2.0", "routeKey": route, "headers": headers, "requestContext": {"requestId": "r"}})


def handshake(aws: Aws, *, query: dict[str, str] | None = None, **headers: str) -> dict[str, Any]:
    """Ask as the WebSocket API does: header names as they came, absent maps null or missing."""
    context = {"routeKey": "$connect", "eventType": "CONNECT", "requestId": "r"}
    return ask(aws, {"methodArn": ARN, "headers": headers, "queryStringParameters": query, "requestContext": context})


def effect(answer: dict[str, Any]) -> str:
    """Give what the policy says of the handshake, and of nothing else."""
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == ARN
    return str(statement["Effect"])


def ticket(aws: Aws, right: Right | None = None) -> str:
    """Get a ticket as a browser does."""
    caller = Caller(aws=aws, right={"principal": "ada", "scopes": "read"} if right is None else {
        "principal": right.principal, "scopes": " ".join(right.scopes), "expiry": right.expires_ms,
    })  # fmt: skip
    act = partial(issue_ticket, dynamodb=aws.dynamodb, tables=aws.tables, now_ms=aws.now_ms, chance=CHANCE)
    answer = caller.call(act, "POST /tickets")
    assert (answer.status, answer.json["expiresIn"]) == (201, 60)
    return str(answer.json["ticket"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer nonsense",
        "Bearer smf_000000000000_0",
        "Bearer smf__",
        "Bearer \ud800",
        "Bearer smf_é_x",
        "Bearer " + "x" * 100_000,
    ],
)
def test_what_is_no_token_opens_nothing(aws: Aws, header: str):
    """Neither API, whatever is sent."""
    assert http(aws, authorization=header) == {"isAuthorized": False, "context": {}}
    assert effect(handshake(aws, Authorization=header)) == "Deny"


def test_without_a_token_nobody_gets_in(aws: Aws):
    """Also where the maps themselves are missing."""
    assert http(aws)["isAuthorized"] is False
    assert effect(handshake(aws)) == "Deny"
    assert ask(aws, {"version": "2.0"})["isAuthorized"] is False
    assert effect(ask(aws, {"methodArn": ARN, "headers": None})) == "Deny"


def test_a_token_opens_both_apis_and_tells_who_it_is(aws: Aws):
    """The scheme and the header's name are read in any case."""
    made = token(aws, expires_ms=NOW_MS + 1_000)
    context = {"principal": "ada", "scopes": "read write", "expiry": NOW_MS + 1_000}
    assert http(aws, authorization=f"Bearer {made}") == {"isAuthorized": True, "context": context}
    answer = handshake(aws, AUTHORIZATION=f"bearer {made}")
    assert (effect(answer), answer["context"], answer["principalId"]) == ("Allow", context, "ada")


def test_a_right_without_an_end_says_nothing_of_one(aws: Aws):
    """API Gateway takes no null in a context."""
    assert None not in http(aws, authorization=f"Bearer {token(aws)}")["context"].values()


def test_one_wrong_character_is_a_wrong_token(aws: Aws):
    """The row is found by the id, the secret decides."""
    made = token(aws)
    wrong = made[:-1] + ("0" if made[-1] != "0" else "1")
    assert http(aws, authorization=f"Bearer {wrong}")["isAuthorized"] is False


def test_an_expired_or_revoked_token_opens_nothing(aws: Aws):
    """From that very millisecond on."""
    made = token(aws, expires_ms=NOW_MS + 1_000)
    later(aws, 1)
    assert http(aws, authorization=f"Bearer {made}")["isAuthorized"] is False
    revoked = token(aws)
    aws.dynamodb.delete_item(TableName=aws.tables.access, Key={"id": {"S": access.token_id(revoked)}})
    assert http(aws, authorization=f"Bearer {revoked}")["isAuthorized"] is False


@pytest.mark.parametrize(
    ("route", "scopes", "allowed"),
    [
        ("GET /datasources", "read", True),
        ("GET /datasources/{sourceId}/data", "write", True),
        ("GET /fleet", "", False),
        ("POST /tickets", "read", True),
        ("POST /datasources/register", "read", False),
        ("DELETE /datasources/{sourceId}/delete", "read", False),
        ("PUT /datasources/{sourceId}/update", "read", False),
        ("DELETE /datasources/{sourceId}/delete", "write", True),
        ("$default", "read", False),
        ("", "read", False),
    ],
)
def test_the_scope_must_cover_the_route(aws: Aws, route: str, scopes: str, allowed: bool):
    """What is not known to read needs `write`."""
    answer = http(aws, route, authorization=f"Bearer {token(aws, scopes=scopes)}")
    assert answer["isAuthorized"] is allowed


def test_a_ticket_opens_one_handshake(aws: Aws):
    """It was in an address, so it may be in a log: used once, it is worth nothing."""
    made = ticket(aws)
    first = handshake(aws, query={"ticket": made})
    assert (effect(first), first["context"]) == ("Allow", {"principal": "ada", "scopes": "read"})
    assert effect(handshake(aws, query={"ticket": made})) == "Deny"


def test_a_ticket_lives_a_minute(aws: Aws):
    """The table's own expiry may come days later."""
    made = ticket(aws)
    later(aws, 60)
    assert effect(handshake(aws, query={"ticket": made})) == "Deny"


def test_a_ticket_inherits_the_end_of_its_callers_right(aws: Aws):
    """Else a connection would outlive the token it came from."""
    right = Right(principal="bob", scopes=frozenset({"read"}), expires_ms=NOW_MS + 5_000)
    made = ticket(aws, right)
    assert handshake(aws, query={"ticket": made})["context"]["expiry"] == NOW_MS + 5_000
    made = ticket(aws, right)
    later(aws, 5)
    assert effect(handshake(aws, query={"ticket": made})) == "Deny"


def test_a_ticket_opens_no_http_route(aws: Aws):
    """There a header can be set."""
    event = {"version": "2.0", "routeKey": "GET /fleet", "queryStringParameters": {"ticket": ticket(aws)}}
    assert ask(aws, event)["isAuthorized"] is False


def test_a_wrong_header_is_not_mended_by_a_ticket(aws: Aws):
    """Whoever shows a header is judged by it; the ticket stays unused."""
    made = ticket(aws)
    assert effect(handshake(aws, query={"ticket": made}, Authorization="Bearer no")) == "Deny"
    assert effect(handshake(aws, query={"ticket": made})) == "Allow"


def test_a_table_that_does_not_answer_is_no_yes(aws: Aws):
    """The error is ours: API Gateway answers 500 and nobody is in."""
    aws.dynamodb.delete_table(TableName=aws.tables.access)
    with pytest.raises(aws.dynamodb.exceptions.ResourceNotFoundException):
        http(aws, authorization="Bearer smf_000000000000_0")


def test_tokens_and_tickets_are_kept_as_hashes_and_never_logged(aws: Aws, capsys: pytest.CaptureFixture[str]):
    """A copy of the table or of the log opens nothing."""
    made, pass_ = token(aws), ticket(aws)
    kept = json.dumps(aws.rows(aws.tables.access))
    http(aws, authorization=f"Bearer {made}")
    http(aws, authorization=f"Bearer {made}x")
    handshake(aws, query={"ticket": pass_})
    out = capsys.readouterr().out
    secret = made.rpartition("_")[2]
    assert not any(hidden in text for hidden in (secret, pass_) for text in (kept, out))
    lines = [json.loads(line) for line in out.splitlines() if '"authorize"' in line]
    assert [line["allowed"] for line in lines] == [True, False, True]
