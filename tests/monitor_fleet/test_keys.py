"""API keys: read when needed, kept for a while, sent to their own origin only."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from contracts.source import Source
from fetching.outcome import Failed, Reason, Reply, Validators
from monitor_fleet.asking import ask_for, without_key
from monitor_fleet.errors import StoreError
from monitor_fleet.keys import AGE_MAX_MS, AGE_MIN_MS, AGE_STALE_MAX_MS, Key, KeyMissing, Keys
from monitor_fleet.room import Room
from monitor_fleet.watched import Target

PREFIX = "fleet/"
KEY = Key(value="s3cret", origin="https://feed.example", version="v0")
KEY_OLD = Key(value="old", origin=KEY.origin, version="v1")
KEY_NEW = Key(value="new", origin=KEY.origin, version="v2")
GROW = Room().claim().grow


@pytest.fixture
def secrets(aws: Any) -> Any:
    """Give a Secrets Manager client with one key."""
    assert aws
    client = boto3.client("secretsmanager")
    client.create_secret(Name=PREFIX + "a", SecretString=json.dumps({"apiKey": "old", "origin": KEY.origin}))
    return client


def target(**fields: Any) -> Target:
    """Give a source's target."""
    given: dict[str, Any] = {
        "id": "external-00000001", "name": "a", "url": "https://feed.example/prices?day=1", "incarnation": "i",
        "shard": 0, "createdAt": "x", "lastUpdated": "x", "apiKeySecretId": PREFIX + "a",
    }  # fmt: skip
    return Target.of(Source(**given | fields))


async def test_a_key_is_kept_for_a_while_and_read_anew_when_refused(secrets: Any, threads: ThreadPoolExecutor):
    """One read per source and minute would be a bill; a rotated key must still be found at once."""
    now = [1_000_000]
    keys = Keys(secrets, threads, prefix=PREFIX, now_ms=lambda: now[0])
    assert (await keys.get(PREFIX + "a")).value == "old"
    secrets.put_secret_value(SecretId=PREFIX + "a", SecretString=json.dumps({"apiKey": "new", "origin": KEY.origin}))
    assert (await keys.get(PREFIX + "a")).value == "old"
    assert await keys.renew(PREFIX + "a", refused=KEY_OLD) is None  # it was read just now
    now[0] += AGE_MIN_MS
    assert await keys.renew(PREFIX + "a", refused=KEY_OLD) == KEY_NEW
    assert await keys.renew(PREFIX + "a", refused=KEY_OLD) == KEY_NEW  # another source was refused with the old one
    assert await keys.renew(PREFIX + "a", refused=KEY_NEW) is None
    assert (await keys.get(PREFIX + "a")).value == "new"
    secrets.put_secret_value(SecretId=PREFIX + "a", SecretString=json.dumps({"apiKey": "3rd", "origin": KEY.origin}))
    now[0] += AGE_MAX_MS + 1
    assert (await keys.get(PREFIX + "a")).value == "3rd"


@pytest.mark.parametrize("secret_id", [PREFIX + "none", "other/a"])
async def test_a_key_that_is_gone_or_not_ours_is_told_as_such(
    secrets: Any, threads: ThreadPoolExecutor, secret_id: str
):
    """That is for a person to mend, not for a retry."""
    with pytest.raises(KeyMissing):
        await Keys(secrets, threads, prefix=PREFIX, now_ms=lambda: 0).get(secret_id)


async def test_a_secret_that_cannot_be_read_shows_nothing_of_itself(secrets: Any, threads: ThreadPoolExecutor):
    """An error's text, and its cause, end up in logs."""
    secrets.create_secret(Name=PREFIX + "b", SecretString="s3cret but no JSON")
    with pytest.raises(KeyMissing) as raised:
        await Keys(secrets, threads, prefix=PREFIX, now_ms=lambda: 0).get(PREFIX + "b")
    assert "s3cret" not in f"{raised.value!r}{raised.value.__cause__!r}"
    assert "s3cret" not in repr(KEY)


@pytest.mark.parametrize(
    ("auth", "headers", "sent"),
    [
        ({"scheme": "header", "name": "X-Key"}, {}, {"X-Key": "s3cret"}),
        ({"scheme": "bearer"}, {}, {"Authorization": "Bearer s3cret"}),
        ({"scheme": "basic"}, {}, {"Authorization": "Basic " + base64.b64encode(b"s3cret:").decode()}),
        ({}, {"X-A": "key={apiKey};v=1", "X-B": "b"}, {"X-A": "key=s3cret;v=1", "X-B": "b"}),
    ],
)
def test_a_key_goes_where_the_source_says(auth: Any, headers: Any, sent: Any):
    """A header that names it wins over the scheme."""
    ask = ask_for(target(auth=auth, headers=headers), KEY, None, grow=GROW)
    assert (dict(ask.headers), str(ask.url)) == (sent, "https://feed.example/prices?day=1")


def test_a_key_in_the_query_is_in_no_validator_that_is_kept():
    """Validators are kept by url; the url with the key is made for each request and forgotten."""
    source = target(auth={"scheme": "query", "name": "k"})
    kept = Validators(url=source.url, etag='"1"', key_version="v0")
    ask = ask_for(source, KEY, kept, grow=GROW)
    assert str(ask.url) == "https://feed.example/prices?day=1&k=s3cret"
    assert ask.validators == replace(kept, url=str(ask.url))
    given = Validators(url=str(ask.url), etag='"2"')
    assert without_key(ask, source, given, KEY) == replace(kept, etag='"2"')


async def test_validators_are_of_the_key_that_asked(desk: Any):
    """A key changed in Secrets Manager itself may see another document: the old key's 304 says nothing of it."""

    class Changed:
        """Has a key, and another one from then on."""

        key = KEY_OLD

        async def get(self, _: str) -> Key:
            """Give the key."""
            return self.key

        async def renew(self, _: str, *, refused: Key) -> Key | None:
            """Have no other."""
            assert refused
            return None

    desk.register(apiKeySecretId=PREFIX + "a")
    desk.web.etags, keys = True, Changed()
    owner, watched = desk.owner(), desk.watch()
    object.__setattr__(owner.turns.poller, "keys", keys)
    await owner.poll(watched)
    await owner.poll(watched)
    assert desk.web.asked[-1].validators
    keys.key = KEY_NEW
    await owner.poll(watched)
    assert desk.web.asked[-1].validators is None
    await owner.poll(watched)
    assert desk.web.asked[-1].validators
    # A new owner knows of the committed document which key saw it: the old one.
    later, again = desk.owner(), desk.watch(epoch=2)
    object.__setattr__(later.turns.poller, "keys", keys)
    await later.load(again)
    await later.poll(again)
    assert desk.web.asked[-1].validators is None


@pytest.mark.parametrize("url", ["https://evil.example/", "http://feed.example/", "https://feed.example:8443/"])
def test_a_key_is_not_sent_to_another_origin(url: str):
    """Who may edit a url must not be able to read the key."""
    with pytest.raises(KeyMissing, match="registered for"):
        ask_for(target(url=url), KEY, None, grow=GROW)


def test_a_key_with_a_line_break_is_not_sent():
    """It could add headers of its own."""
    with pytest.raises(KeyMissing, match="characters"):
        ask_for(target(), Key(value="a\r\nHost: b", origin=KEY.origin), None, grow=GROW)


async def test_while_the_secrets_are_away_a_key_stays_good_for_an_hour(threads: ThreadPoolExecutor):
    """Our own trouble fails no source; and sources that share a key read it once, however many they are."""

    class Away:
        """Answers once, then not for a while."""

        reads = 0
        away = False

        def get_secret_value(self, **_: str) -> Any:
            """Answer, or be away."""
            self.reads += 1
            if self.away:
                raise EndpointConnectionError(endpoint_url="https://secrets")
            return {"SecretString": json.dumps({"apiKey": "old", "origin": KEY.origin}), "VersionId": "v1"}

    now, secrets = [1_000_000], Away()
    keys = Keys(cast("Any", secrets), threads, prefix=PREFIX, now_ms=lambda: now[0])
    assert await asyncio.gather(*(keys.get(PREFIX + "a") for _ in range(20))) == [KEY_OLD] * 20
    assert secrets.reads == 1
    secrets.away = True
    now[0] += AGE_STALE_MAX_MS
    assert await keys.get(PREFIX + "a") == KEY_OLD
    now[0] += 1
    with pytest.raises(StoreError):
        await keys.get(PREFIX + "a")


async def test_a_refused_key_is_read_again_once_and_the_source_asked_again(desk: Any):
    """A rotated key costs no failed poll; a wrong one costs one request, not a loop."""

    class Rotated:
        """Has an old key, and the new one after the old one was refused."""

        value = "old"

        async def get(self, _: str) -> Key:
            """Give the key."""
            return Key(value=self.value, origin=KEY.origin)

        async def renew(self, _: str, *, refused: Key) -> Key | None:
            """Read it again, once."""
            self.value = "new"
            return None if refused == KEY_NEW else KEY_NEW

    desk.register(apiKeySecretId=PREFIX + "a")
    owner, watched = desk.owner(), desk.watch()
    object.__setattr__(owner.turns.poller, "keys", Rotated())
    refused = Failed(reason=Reason.UNAUTHORIZED, why="401")
    desk.web.instead = [refused]
    await owner.poll(watched)
    assert [ask.headers["X-API-Key"] for ask in desk.web.asked] == ["old", "new"]
    assert desk.head().version == 1
    desk.web.instead = [refused, Reply(wire=b"", coding="", content_type="", validators=Validators(url=""))]
    await owner.poll(watched)
    assert (watched.failures, len(desk.web.asked)) == (1, 3)
