"""From the handshake to the goodbye."""

import json
from typing import Any

import pytest

from contracts.table.connections import CONNECTION_TTL_S
from tests.ws.service import NOW_MS, OVER, SOURCE, Service


def test_a_handshake_writes_down_who_connects_and_until_when(service: Service):
    """The expiry and the principal are queries of their own: that is how rights are ended later."""
    service.event("$connect", "one", authorizer={"principal": "ada", "scopes": "read write", "expiry": str(NOW_MS)})

    own = service.item(service.world.tables.connections, connectionId="one", sheetId="#")
    assert own["principal"] == "ada"
    assert own["scopes"] == "read write"
    assert own["expiry"] == NOW_MS
    assert own["ttl"] == NOW_MS // 1_000 + CONNECTION_TTL_S
    assert service.connection_rows() == [(f"exp#{NOW_MS // 60_000}", "one"), ("one", "#"), ("who#ada", "one")]


def test_nothing_is_posted_during_the_handshake(service: Service):
    """API Gateway answers 410 to a post before the handshake is over, which would read as gone."""
    service.event("$connect", "one", authorizer={"principal": "ada", "scopes": "read"})

    assert service.post.posts == 0
    assert ("one", "#") in service.connection_rows()


def test_a_handshake_that_no_authorizer_saw_is_refused(service: Service):
    """Should a deployment lose its authorizer, nobody gets in."""
    assert service.event("$connect", "one")["statusCode"] == 403
    assert service.connection_rows() == []


def test_a_goodbye_deletes_the_rows_of_that_connection_and_no_other(service: Service):
    """Both tables, more rows than one batch takes, and everybody else's stay."""
    for number in range(30):
        service.register(f"external-{number}")
        service.subscribe(service.connect("one") if number == 0 else "one", f"external-{number}")
    service.register()
    service.subscriber("two")

    service.event("$disconnect", "one")

    assert service.connection_rows() == [(OVER, "two"), ("two", "#"), ("two", SOURCE), ("who#ada", "two")]
    assert service.subscribers() == [(f"{SOURCE}#0", "two")]


def test_a_ping_is_answered_by_the_routes_response(service: Service):
    """No post, no table: a ping costs one small invocation."""
    service.connect()

    response = service.event("ping", "one", {"action": "ping"})

    assert json.loads(response["body"]) == {"type": "pong"}
    assert service.post.posts == 0


@pytest.mark.parametrize("body", ["", "{", "[]", '{"action": "dance"}', '{"action": "subscribe"}', "\ud800", '"' * 9])
def test_a_wrong_frame_is_answered_and_the_connection_lives_on(service: Service, body: str):
    """A client with a bug must see what is wrong, not a silent hang-up."""
    service.register()
    service.connect()

    service.event("$default", "one", body)

    (answer,) = service.post.take("one")
    assert answer["type"] == "error"
    assert answer["code"] in {"bad_json", "bad_frame", "unknown_action"}
    assert service.subscribe()[0]["type"] == "subscribed"


def test_an_error_names_the_frame_and_the_source_it_is_about(service: Service):
    """A client with many requests in flight must know which one failed."""
    service.connect()

    (answer,) = service.ask(action="subscribe", sourceId="external-nothing", id="ask-\ud800")

    assert answer["code"] == "unknown_source"
    assert answer["id"] == "ask-\ud800"
    assert answer["sourceId"] == "external-nothing"
    assert answer["temporary"] is False


def test_auth_lets_a_connection_outlive_its_first_right(service: Service):
    """The subscribers' rows carry the end of the right too, since fan-out reads nothing else."""
    service.register()
    service.connect(expiry=NOW_MS + 1_000)
    service.subscribe()
    token = service.token(expires_ms=NOW_MS + 600_000)

    assert service.ask(action="auth", token=token) == []

    service.at_ms += 2_000
    service.consume(service.commit({"n": 1}))
    assert [frame["type"] for frame in service.post.take("one")] == ["snapshot"]


@pytest.mark.parametrize(
    "token",
    [{"scopes": "nothing"}, {"principal": "eve"}, {"expires_ms": NOW_MS}],
    ids=["no scope", "somebody else's", "expired"],
)
def test_auth_refuses_a_token_that_may_not_read_or_is_not_the_principals(service: Service, token: dict[str, Any]):
    """A connection keeps its principal: revoking it must find everything it opened."""
    service.connect()

    (answer,) = service.ask(action="auth", token=service.token(**token))

    assert answer["code"] == "forbidden"


def test_auth_by_ticket_renews_who_came_with_an_issuers_token_once(service: Service):
    """The issuer's token is judged where the ticket is issued; the ticket is used up, and carries the new end."""
    service.register()
    service.connect(expiry=NOW_MS + 1_000)
    service.subscribe()
    ticket = service.ticket(expires_ms=NOW_MS + 600_000)

    assert service.ask(action="auth", ticket=ticket) == []

    service.at_ms += 2_000
    service.consume(service.commit({"n": 1}))
    assert [frame["type"] for frame in service.post.take("one")] == ["snapshot"]
    (answer,) = service.ask(action="auth", ticket=ticket)
    assert answer["code"] == "forbidden"


@pytest.mark.parametrize("late_ms", [0, 60_000], ids=["somebody else's", "too late"])
def test_auth_refuses_a_ticket_that_would_not_open_a_handshake(service: Service, late_ms: int):
    """A ticket is good for 60 s, and for its own principal."""
    service.connect()
    ticket = service.ticket(principal="ada" if late_ms else "eve")
    service.at_ms += late_ms

    (answer,) = service.ask(action="auth", ticket=ticket)

    assert answer["code"] == "forbidden"


@pytest.mark.parametrize(
    "shown", [{}, {"token": "a", "ticket": "b"}, {"ticket": ""}, {"ticket": 7}, {"token": "x" * 257}]
)
def test_auth_shows_one_token_or_one_ticket(service: Service, shown: dict[str, Any]):
    """Which of two would count nobody could say."""
    service.connect()

    (answer,) = service.ask(action="auth", **shown)

    assert answer["code"] == "bad_frame"


@pytest.mark.parametrize("token", ["smf_none_secret", "no token at all"])
def test_auth_refuses_what_is_no_token(service: Service, token: str):
    """And says no more than that."""
    service.connect()

    (answer,) = service.ask(action="auth", token=token)

    assert answer["code"] == "forbidden"
    assert token not in answer["message"]


def test_an_ended_right_subscribes_to_nothing(service: Service):
    """The handshake was hours ago; each subscription is checked anew."""
    service.register()
    service.connect(expiry=NOW_MS + 1_000)
    service.at_ms += 1_000

    (answer,) = service.subscribe()

    assert answer["code"] == "forbidden"
    assert service.subscribers() == []


def test_a_frame_of_a_connection_without_rows_is_told_to_connect_again(service: Service):
    """Its rows may have ended with a right, or with a post that found it gone."""
    service.post.open.add("one")

    (answer,) = service.subscribe()

    assert answer["code"] == "unknown_connection"


def test_an_answer_that_finds_its_connection_gone_deletes_its_rows(service: Service):
    """The goodbye may never come."""
    service.register()
    service.connect()
    service.post.open.clear()

    service.event("$default", "one", {"action": "subscribe", "sourceId": SOURCE})

    assert service.connection_rows() == []
    assert service.subscribers() == []
