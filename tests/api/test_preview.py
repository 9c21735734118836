"""POST /datasources/preview: the registration's rules, the key's, and nothing stored."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from api.preview import Previewer, preview_source
from contracts.addresses import Policy
from contracts.clock import SECOND_MS
from fetching.certificates import Certificates
from fetching.fetch import Ask
from fetching.outcome import Outcome, Reply, Validators
from fetching.preview import Fetch
from tests.api import vault
from tests.api.account import Answer, Aws, Caller, prices
from tests.api.vault import NOTHING, Vault

KEY = "top-secret"
ROUTE = "POST /datasources/preview"


class Feed:
    """Answers every request alike and notes it."""

    def __init__(self, body: Any = None) -> None:
        self.asked: list[Ask] = []
        self.body = body or [{"price": 1}]
        self.certificate: dict[str, str] | None = None

    async def answer(self, ask: Ask) -> Outcome:
        """Answer."""
        self.asked.append(ask)
        return Reply(
            wire=json.dumps(self.body).encode(), coding="", content_type="application/json",
            validators=Validators(url=str(ask.url)),
        )  # fmt: skip

    @asynccontextmanager
    async def open(self, certificates: Certificates) -> AsyncIterator[Fetch]:
        """Be what a session is in production."""
        if self.certificate is not None:
            certificates.note("feeds.example.com:443", self.certificate)
        yield self.answer


@pytest.fixture
def secrets(aws: Aws) -> Iterator[Vault]:
    """Serve the account's secrets."""
    with vault.serving(aws) as served:
        yield served


def look(
    aws: Aws, caller: Caller, feed: Feed, body: Any, *, policy: Policy | None = None, secrets: Vault | None = None
) -> Answer:
    """Preview a source."""

    async def pause(_: float) -> None:
        pass

    at = Previewer(
        policy=policy or Policy(), read_key=secrets.keys().read if secrets else _no_key, requests=feed.open,
        sheets=_no_sheets, run=asyncio.run, pause=pause, clock=lambda: 0.0, now_ms=aws.now_ms,
    )  # fmt: skip
    return caller.call(partial(preview_source, at=at), ROUTE, body=json.dumps(body))


async def _no_key(secret_id: str, origin: str) -> str | None:
    raise AssertionError((secret_id, origin))  # nothing here asks for one


def _no_sheets() -> Any:
    raise AssertionError  # they have their own test


def test_a_preview_shows_and_stores_nothing(aws: Aws, caller: Caller):
    """The tables and the secrets are what they were; a name is not needed to look."""
    feed = Feed()
    answer = look(aws, caller, feed, {"url": "https://feeds.example.com/a", "apiKey": KEY})
    assert (answer.status, answer.json["ok"]) == (200, True)
    assert [ask.headers for ask in feed.asked] == [{"X-API-Key": KEY}] * 2
    assert KEY not in answer.body
    assert aws.secret_names() == []
    assert [aws.rows(table) for table in (aws.tables.data_sources, aws.tables.sheets_data, aws.tables.fleet)] == [
        []
    ] * 3


@pytest.mark.parametrize(("days", "said"), [(12, ["certificate"]), (40, [])])
def test_a_certificate_that_is_about_to_end_is_said_before_anything_is_saved(
    aws: Aws, caller: Caller, days: int, said: list[str]
):
    """Whoever registers it may be who can renew it; the other warnings of this feed are not asked about here."""
    feed = Feed()
    ends = dt.datetime.fromtimestamp(aws.at_ms / SECOND_MS, dt.UTC) + dt.timedelta(days=days, hours=1)
    feed.certificate = {"notAfter": ends.strftime("%b %d %H:%M:%S %Y GMT")}
    warnings = look(aws, caller, feed, {"url": "https://feeds.example.com/a"}).json["warnings"]
    assert [one["code"] for one in warnings if one["code"] != "no_validators"] == said
    assert all(f"feeds.example.com:443 ends in {days} days" in one["message"] for one in warnings[: len(said)])


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"selector": "a["}, "selector"),
        ({"surprise": 1}, "surprise"),
        ({"headers": {"X-Token": "***"}}, "headers.X-Token"),
        ({"apiKey": "ключ"}, "apiKey"),
    ],
)
def test_what_cannot_be_registered_is_not_asked(aws: Aws, caller: Caller, fields: Any, wrong: str):
    """The same rules in the same words, before anything leaves."""
    feed = Feed()
    answer = look(aws, caller, feed, prices(**fields))
    assert (answer.status, answer.fields, feed.asked) == (422, {wrong}, [])


def test_the_secret_of_a_source_is_sent_to_its_own_origin(aws: Aws, caller: Caller, secrets: Vault):
    """An edit can be previewed without typing the key again; and what echoes it shows nothing."""
    secret_id = caller.register(prices(apiKey=KEY)).json["apiKeySecretId"]
    feed = Feed({"you sent": KEY})
    wanted = prices(url="https://feeds.example.com/other", apiKeySecretId=secret_id)
    answer = look(aws, caller, feed, wanted, secrets=secrets)
    assert secrets.asked == ["secretsmanager.GetSecretValue"]
    assert feed.asked[0].headers == {"X-API-Key": KEY}
    assert answer.status == 200
    assert KEY not in answer.body


@pytest.mark.parametrize(
    "url",
    [
        "http://feeds.example.com/", "https://feeds.example.com:8443/", "https://evil.example/",
        "https://feeds.example.com.evil.example/",
    ],
)  # fmt: skip
def test_a_secret_goes_nowhere_else(aws: Aws, caller: Caller, secrets: Vault, url: str):
    """Else whoever may register could have every key sent to himself."""
    secret_id = caller.register(prices(apiKey=KEY)).json["apiKeySecretId"]
    feed = Feed()
    answer = look(aws, caller, feed, prices(url=url, apiKeySecretId=secret_id), secrets=secrets)
    assert (answer.status, answer.fields, feed.asked) == (422, {"apiKeySecretId"}, [])


def test_a_secret_outside_the_prefix_is_not_even_read(aws: Aws, caller: Caller, secrets: Vault):
    """The account holds others' secrets too, some of them of the same form."""
    value = json.dumps({"apiKey": KEY, "origin": "https://feeds.example.com"})
    aws.secrets.create_secret(Name="other/source/1", SecretString=value)
    answer = look(aws, caller, feed := Feed(), prices(apiKeySecretId="other/source/1"), secrets=secrets)
    assert (answer.status, answer.fields, feed.asked, secrets.asked) == (422, {"apiKeySecretId"}, [], [])


def test_a_deleted_secret_is_a_field_to_mend(aws: Aws, caller: Caller, secrets: Vault):
    """Not a failure of ours."""
    secret_id = caller.register(prices(apiKey=KEY)).json["apiKeySecretId"]
    aws.secrets.delete_secret(SecretId=secret_id)
    assert look(aws, caller, Feed(), prices(apiKeySecretId=secret_id), secrets=secrets).status == 422


REFUSED = (400, b'{"__type": "AccessDeniedException", "Message": "no"}')
THROTTLED = (400, b'{"__type": "ThrottlingException"}')
TROUBLE = (500, b'{"__type": "InternalServiceError"}')


@pytest.mark.parametrize(
    ("instead", "ends"),
    [
        ([TROUBLE], (200, 2)),
        ([NOTHING], (200, 2)),
        ([(502, b"<html>")], (200, 2)),
        ([TROUBLE, NOTHING], (503, 2)),
        ([THROTTLED], (503, 1)),
        ([REFUSED], (500, 1)),
    ],
)
def test_secrets_that_are_in_trouble_are_asked_twice_and_no_field_is_to_blame(
    aws: Aws, caller: Caller, secrets: Vault, instead: Any, ends: tuple[int, int]
):
    """The caller is told to come again; that a right is missing is a mistake of ours."""
    secret_id = caller.register(prices(apiKey=KEY)).json["apiKeySecretId"]
    secrets.instead = list(instead)
    answer = look(aws, caller, feed := Feed(), prices(apiKeySecretId=secret_id), secrets=secrets)
    assert (answer.status, len(secrets.asked)) == ends
    assert bool(feed.asked) == (answer.status == 200)


def test_looking_needs_the_right_to_register(aws: Aws, caller: Caller):
    """It makes the service send requests: reading alone does not allow that."""
    feed = Feed()
    answer = look(aws, caller.as_principal(principal="bob", scopes="read"), feed, prices())
    assert (answer.status, feed.asked) == (403, [])
