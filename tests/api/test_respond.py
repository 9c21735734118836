"""What every answer has in common: a status of ours, safe headers, one line in the log."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from api.problem import bad_request
from api.request import Request
from api.respond import Response, json_response
from tests.api.account import Aws, Caller


def failing(error: Exception) -> Any:
    """Make an endpoint that fails."""

    def act(_: Request) -> Response:
        raise error

    return act


def aws_error(code: str, status: int) -> ClientError:
    """Make an error of a client."""
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetItem")  # type: ignore[typeddict-item] # the fields that are read


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (bad_request("no"), 400),
        (RuntimeError("a secret text"), 500),
        (aws_error("AccessDeniedException", 400), 500),
        (aws_error("ThrottlingException", 400), 503),
        (aws_error("InternalServerError", 500), 503),
        (ReadTimeoutError(endpoint_url="https://aws"), 503),
    ],
)
def test_every_error_has_a_status_and_a_document(
    caller: Caller, capsys: pytest.CaptureFixture[str], error: Exception, status: int
):
    """The text of an error goes nowhere: it may quote what somebody sent."""
    answer = caller.call(failing(error), "GET /x")
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.body + capsys.readouterr().out


def test_our_own_mistake_is_found_by_its_place(caller: Caller, capsys: pytest.CaptureFixture[str]):
    """The line names the error's kind and where it came from."""
    caller.call(failing(RuntimeError("x")), "GET /x")
    line = json.loads(capsys.readouterr().out)
    assert line["error"] == "RuntimeError"
    assert any("test_respond.py" in place for place in line["where"])


def test_one_line_says_who_did_what_from_where(caller: Caller, capsys: pytest.CaptureFixture[str]):
    """An audit needs no more; a key or a body is never in it."""
    caller.call(lambda _: json_response({}), "DELETE /x", source_id="external-00000000", body="body")
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert line == {
        "what": "test", "at": "2026-11-18T11:06:40.000Z", "request": "request-1", "from": "198.51.100.7",
        "principal": "ada", "source": "external-00000000", "status": 200, "ms": 0,
    }  # fmt: skip


def test_answers_cannot_be_kept_sniffed_framed_or_run(caller: Caller):
    """Success and failure alike."""
    for act in (lambda _: json_response({}), failing(RuntimeError())):
        headers = caller.call(act, "GET /x").headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("right", "route", "status"),
    [
        (None, "GET /x", 401),
        ({}, "GET /x", 401),
        ({"principal": "eve", "scopes": ""}, "GET /x", 403),
        ({"principal": "eve", "scopes": "read"}, "POST /x", 403),
        ({"principal": "eve", "scopes": "read", "expiry": "1"}, "GET /x", 403),
        ({"principal": "ada", "scopes": "read"}, "GET /x", 200),
    ],
)
def test_an_endpoint_asks_again_who_calls(aws: Aws, right: Any, route: str, status: int):
    """A route that somebody forgot to put behind the authorizer stays shut."""
    assert Caller(aws=aws, right=right).call(lambda _: json_response({}), route).status == status
