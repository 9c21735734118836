"""Our signatures are botocore's."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.signature import Credentials
from ws.signature import Signer

IDS = st.text(min_size=1, max_size=24).filter(lambda text: text.strip("./") == text and text.isprintable())


class Nothing:
    """A body without bytes."""

    def stream(self) -> list[bytes]:
        """Give nothing."""
        return []


class Botos:
    """What boto3 sends for a post or a cut, without sending it."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.client: Any = boto3.client(
            "apigatewaymanagementapi", endpoint_url=url, region_name="eu-west-1",
            aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
        )  # fmt: skip
        self.client.meta.events.register("before-send", self._keep)
        self.sent: Any = None

    def _keep(self, request: Any, **_: Any) -> Any:
        self.sent = request
        return AWSResponse(request.url, 200, HTTPHeaders(), Nothing())


def parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Take a head apart."""
    first, *lines = head.decode().split("\r\n")
    verb, path, _ = first.split(" ")
    return verb, path, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE/+=="])
@pytest.mark.parametrize(
    "url", ["https://abc.execute-api.eu-west-1.amazonaws.com/live", "http://127.0.0.1:4566/_aws/execute-api/live"]
)
@pytest.mark.parametrize(("verb", "body"), [("POST", b'{"type":"pong"}'), ("POST", b""), ("DELETE", b"")])
@pytest.mark.parametrize("connection_id", ["L0SM9cOFvHcCIhw=", "a/b c%~ü@:", "@connections"])
def test_a_request_is_signed_as_botocore_signs_it(
    token: str | None, url: str, verb: str, body: bytes, connection_id: str
):
    """Path, headers and signature; the id is escaped once on the wire and twice in what is signed."""
    credentials = Credentials(access_key="AKIDEXAMPLE", secret_key="wJalr/XUtnFEMI+K7", token=token)
    botos = Botos(url, credentials)
    if verb == "POST":
        botos.client.post_to_connection(ConnectionId=connection_id, Data=body)
    else:
        botos.client.delete_connection(ConnectionId=connection_id)
    theirs = {name.lower(): value.decode() if isinstance(value, bytes) else value
              for name, value in botos.sent.headers.items()}  # fmt: skip
    host, _, path = url.partition("//")[2].partition("/")
    at = datetime.strptime(theirs["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()

    signer = Signer(host=host, stage=f"/{path}", region="eu-west-1", credentials=lambda: credentials)
    head = signer.seal(at).head(verb, connection_id, body_hash=hashlib.sha256(body).hexdigest(), body_bytes=len(body))

    sent_verb, sent_path, ours = parsed(head)
    assert f"{sent_verb} {url.partition(path)[0]}{sent_path[1:]}" == f"{botos.sent.method} {botos.sent.url}"
    for name in ("x-amz-date", "x-amz-security-token", "authorization", "content-length"):
        assert ours.get(name) == theirs.get(name), name
    assert ours["host"] == host


@settings(max_examples=100, deadline=None)
@given(connection_id=IDS)
def test_no_id_can_break_out_of_its_request(connection_id: str):
    """Whatever a table's row says, one request is one line, one path and its headers."""
    signer = Signer(
        host="h", stage="/live", region="r", credentials=lambda: Credentials(access_key="a", secret_key="s")
    )

    head = signer.seal(0).head("POST", connection_id + "\r\nX: y", body_hash="", body_bytes=0)

    assert head.count(b"\r\n") == 6
    assert head.split(b" ")[1].startswith(b"/live/@connections/")
