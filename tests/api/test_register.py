"""Registering: whole or not at all, every wrong field named, no key ever seen again."""

import base64
import json
import random
from functools import partial
from typing import Any

import pytest

from api.delete import delete_source
from api.edit import PAUSE_MAX_S
from api.register import ID_BITS
from api.registrar import Registrar
from contracts.kinds import SourceType
from contracts.source import Registration, Source
from contracts.table import fleet
from contracts.table.fleet import Shard
from contracts.table.values import read_item
from tests.api.account import ENVIRON, NOW_MS, PREFIX, Aws, Caller, later, prices
from tests.api.breaking import Calls

KEY = "k3y-that-nobody-may-see"
SHEET = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


def everything(aws: Aws) -> dict[str, list[Any]]:
    """Give what the four tables hold of a registration."""
    return {name: aws.rows(getattr(aws.tables, name)) for name in ("data_sources", "sheets_data", "fleet", "access")}


def test_a_registered_source_is_complete(aws: Aws, caller: Caller):
    """Source, head, membership, shard, counter and log agree, as one transaction wrote them."""
    answer = caller.register(prices(apiKey=KEY, tags=["a"]))
    source = answer.json
    assert answer.status == 201
    assert answer.headers["location"] == f"/datasources/{source['id']}"
    (item,) = aws.rows(aws.tables.data_sources)
    assert Source.from_item(read_item(item)).item() == source
    (head,) = map(read_item, aws.rows(aws.tables.sheets_data))
    assert (head["id"], head["version"], head["incarnation"]) == (source["id"], 0, source["incarnation"])
    rows = {(row["pk"], row["sk"]): row for row in map(read_item, aws.rows(aws.tables.fleet))}
    assert rows["external#R", "#"]["n"] == 1
    entry = rows["external#R", "000000000001"]
    assert (entry["source"], entry["act"], entry["shard"]) == (source["id"], "put", source["shard"])
    assert rows[f"external#M#{source['shard']:05d}", source["id"]]["revision"] == 1
    shard = aws.dynamodb.get_item(**fleet.get_shard(aws.tables.fleet, SourceType.EXTERNAL, source["shard"]))
    assert Shard.read(shard["Item"]).revision == 1


def test_a_key_goes_to_its_secret_and_nowhere_else(aws: Aws, caller: Caller, capsys: pytest.CaptureFixture[str]):
    """Neither an answer, nor a table, nor the log holds it; the secret says where it may be sent."""
    answer = caller.register(prices(apiKey=KEY), headers={"content-type": "application/json", "idempotency-key": "k"})
    wrong = caller.register(prices(apiKey=KEY, url="ftp://x", color=KEY))
    secret = aws.secrets.get_secret_value(SecretId=PREFIX + answer.json["id"])
    assert json.loads(secret["SecretString"]) == {"apiKey": KEY, "origin": "https://feeds.example.com"}
    assert answer.json["apiKeySecretId"] == PREFIX + answer.json["id"]
    seen = [answer.body, wrong.body, json.dumps(everything(aws)), capsys.readouterr().out, str(answer.headers)]
    assert not any(KEY in text for text in seen)


@pytest.mark.parametrize(
    ("name", "value"), [("Authorization", KEY), ("X-Api-Pwd", KEY), ("X-JWT", KEY), ("X-From", f"Bearer {KEY}")]
)
def test_a_header_that_looks_like_a_credential_is_kept_but_not_shown(aws: Aws, caller: Caller, name: str, value: str):
    """People put keys into headers too."""
    answer = caller.register(prices(headers={name: value, "Accept": "text/csv"}))
    assert answer.json["headers"] == {name: "***", "Accept": "text/csv"}
    (item,) = aws.rows(aws.tables.data_sources)
    assert read_item(item)["headers"][name] == value


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, {"name"}),
        ({"name": "x" * 201}, {"name"}),
        ({"name": 7}, {"name"}),
        ({"name": "\ud800"}, {"name"}),
        ({"url": "ftp://example.com/"}, {"url"}),
        ({"url": "https://user:pass@example.com/"}, {"url"}),
        ({"url": "https://169.254.169.254/latest"}, {"url"}),
        ({"url": "https://[::ffff:10.0.0.1]/"}, {"url"}),
        ({"url": "https://example.com:22/"}, {"url"}),
        ({"url": "https://example.com:port/"}, {"url"}),
        ({"type": "googleSheet", "url": "https://example.com/feed.json"}, {"url"}),
        ({"type": "googleSheet", "url": SHEET, "headers": {"A": "b"}, "apiKey": "k"}, {"headers", "apiKey"}),
        ({"type": "googleSheet", "url": SHEET, "pollingInterval": 9}, {"pollingInterval"}),
        ({"type": "googleSheet", "url": SHEET, "ranges": ["A1:B", "Tab!nope"]}, {"ranges.1"}),
        ({"type": "ftp"}, {"type"}),
        ({"dataFormat": "csv"}, {"dataFormat"}),
        ({"pollingInterval": 0}, {"pollingInterval"}),
        ({"pollingInterval": 10**400}, {"pollingInterval"}),
        ({"pollingInterval": "often"}, {"pollingInterval"}),
        ({"polling_interval_s": 5}, {"polling_interval_s"}),
        ({"headers": {"Host": "x"}}, {"headers.Host"}),
        ({"headers": {"X-A": "a\r\nb"}}, {"headers.X-A"}),
        ({"headers": ["X-A"]}, {"headers"}),
        ({"headers": {"X-Token": "***"}}, {"headers.X-Token"}),
        ({"auth": {"scheme": "digest"}}, {"auth.scheme"}),
        ({"auth": {"name": "Transfer-Encoding"}}, {"auth.name"}),
        ({"selector": "a["}, {"selector"}),
        ({"ignore": ["/ok", "wrong", "/" + "x" * 1_024]}, {"ignore.1", "ignore.2"}),
        ({"tolerance": -1}, {"tolerance"}),
        ({"tolerance": 1e-200}, {"tolerance"}),
        ({"unordered": ["l"]}, {"unordered.0"}),
        ({"tags": [""]}, {"tags.0"}),
        ({"apiKey": "two\nlines"}, {"apiKey"}),
        ({"apiKey": "ключ"}, {"apiKey"}),
        ({"apiKey": "a", "apiKeySecretId": "b"}, {"apiKeySecretId"}),
        ({"id": "external-00000000", "revision": 7, "owner": "eve"}, {"id", "revision", "owner"}),
        ({"url": "ftp://x", "pollingInterval": 0, "headers": {"TE": "x"}}, {"url", "pollingInterval", "headers.TE"}),
    ],
)
def test_every_wrong_field_is_named(aws: Aws, caller: Caller, fields: dict[str, Any], wrong: set[str]):
    """All at once, so that a form needs one try; and nothing was written."""
    answer = caller.register(prices(**fields))
    assert (answer.status, answer.fields) == (422, wrong)
    assert answer.headers["content-type"] == "application/problem+json"
    assert everything(aws) == {"data_sources": [], "sheets_data": [], "fleet": [], "access": []}
    assert aws.secret_names() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        ('"text"', 400),
        ('{"a": NaN}', 400),
        ("[" * 100_000, 400),
        ('{"a":' * 50_000, 400),
        ('{"pollingInterval": ' + "9" * 5_000 + "}", 400),
        ('{"name": "\ud800"}', 400),
        (json.dumps({"name": "x" * 300_000}), 413),
    ],
)
def test_a_body_that_cannot_be_read_is_the_callers_mistake(caller: Caller, body: str, status: int):
    """Never a 500, whatever is sent."""
    assert caller.register(raw=body).status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (base64.b64encode(json.dumps(prices()).encode()).decode(), 201),
        (base64.b64encode(b"\xff\xfe{}").decode(), 400),
        ("not base64!", 400),
    ],
)
def test_a_body_may_come_in_base64(caller: Caller, body: str, status: int):
    """API Gateway sends it so for media types that it takes for binary."""
    assert caller.register(raw=body, base64=True).status == status


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_media_type_is_refused(caller: Caller, media_type: str):
    """A form on a strange page can send these without asking; JSON it cannot."""
    assert caller.register(headers={"content-type": media_type}).status == 415


def test_a_media_type_may_name_its_charset(caller: Caller):
    """Many clients say it."""
    assert caller.register(headers={"content-type": "Application/JSON; charset=utf-8"}).status == 201


def test_private_addresses_are_allowed_only_where_the_deployment_says_so(aws: Aws, caller: Caller):
    """The local stack polls its own feeds, but never its own ports nor metadata addresses."""
    local = aws.registrar(environ={"GATE_ALLOW_PRIVATE": "1", "GATE_FORBIDDEN_PORTS": "4566,4567"})
    assert caller.register(prices(url="http://127.0.0.1:9000/a"), at=local).status == 201
    assert caller.register(prices(url="http://127.0.0.1:4567/a"), at=local).fields == {"url"}
    assert caller.register(prices(url="http://169.254.170.2/a"), at=local).fields == {"url"}
    assert caller.register(prices(url="http://127.0.0.1:9000/a")).fields == {"url"}


def test_a_secret_may_be_shared_with_sources_of_its_origin_only(aws: Aws, caller: Caller):
    """Else whoever may register could have somebody's key sent to a server of their own."""
    owner = caller.register(prices(apiKey=KEY)).json
    shared = caller.register(prices(url="https://FEEDS.example.com:443/b", apiKeySecretId=owner["apiKeySecretId"]))
    assert shared.json["apiKeySecretId"] == owner["apiKeySecretId"]
    aws.secrets.create_secret(Name="another-application", SecretString="x")
    for fields in (
        {"url": "https://evil.example.com/", "apiKeySecretId": owner["apiKeySecretId"]},
        {"url": "http://feeds.example.com/", "apiKeySecretId": owner["apiKeySecretId"]},
        {"apiKeySecretId": "another-application"},
        {"apiKeySecretId": f"{PREFIX}external-00000000"},
        {"apiKeySecretId": PREFIX},
    ):
        assert caller.register(prices(**fields)).fields == {"apiKeySecretId"}


def test_the_same_idempotency_key_gives_the_same_answer(aws: Aws, caller: Caller):
    """A client whose answer was lost sends again and gets what it would have got."""
    headers = {"content-type": "application/json", "idempotency-key": "order-7"}
    first = caller.register(prices(apiKey=KEY), headers=headers)
    later(aws, 3_600)
    again = caller.register(prices(apiKey=KEY), headers=headers)
    assert (again.status, again.body, again.headers) == (201, first.body, first.headers)
    assert len(aws.rows(aws.tables.data_sources)) == len(aws.secret_names()) == 1


def test_an_idempotency_key_belongs_to_one_body_one_caller_and_one_day(aws: Aws, caller: Caller):
    """Another body under it is a mistake; another caller's key is another key; a day later it is forgotten."""
    headers = {"content-type": "application/json", "idempotency-key": "order-7"}
    first = caller.register(headers=headers)
    assert caller.register(prices(name="Other"), headers=headers).status == 409
    other = caller.as_principal(principal="bob", scopes="write").register(headers=headers)
    assert other.status == 201
    later(aws, 86_401)
    assert len({first.json["id"], other.json["id"], caller.register(headers=headers).json["id"]}) == 3


def test_a_repeat_does_not_confirm_a_source_that_is_gone(aws: Aws, caller: Caller):
    """A script that is run again must not end in the belief that its source exists."""
    headers = {"content-type": "application/json", "idempotency-key": "order-7"}
    source_id = caller.register(headers=headers).json["id"]
    gone = partial(delete_source, at=aws.remover())
    assert caller.call(gone, "DELETE /datasources/{sourceId}/delete", source_id=source_id).status == 204
    assert caller.register(headers=headers).status == 409


@pytest.mark.parametrize("key", ["", "two words", "é", "x" * 129])
def test_an_idempotency_key_is_short_printable_ascii(caller: Caller, key: str):
    """It becomes part of a row's id."""
    headers = {"content-type": "application/json", "idempotency-key": key}
    assert caller.register(headers=headers).status == 400


class _Overtaken:
    """A client before whose first transaction somebody else's registration lands."""

    def __init__(self, real: Any, overtake: Any) -> None:
        self._real, self._overtake = real, overtake

    def __getattr__(self, name: str) -> Any:
        if name == "transact_write_items" and self._overtake:
            overtake, self._overtake = self._overtake, None
            overtake()
        return getattr(self._real, name)


def test_two_registrations_at_once_both_land_in_the_log(aws: Aws, caller: Caller):
    """The slower one finds the counter moved, reads it again and takes the next entry."""
    slow = aws.registrar(dynamodb=_Overtaken(aws.dynamodb, lambda: caller.register(prices(name="Quick"))))
    assert caller.register(prices(name="Slow"), at=slow).status == 201
    rows = {row["sk"]: row for row in map(read_item, aws.rows(aws.tables.fleet)) if row["pk"] == "external#R"}
    assert rows["#"]["n"] == 2
    names = {row["id"]: row["name"] for row in map(read_item, aws.rows(aws.tables.data_sources))}
    assert [names[rows[f"{n:012d}"]["source"]] for n in (1, 2)] == ["Quick", "Slow"]
    assert len(aws.pauses) == 1


def test_the_same_idempotency_key_twice_at_once_makes_one_source(aws: Aws, caller: Caller):
    """The slower one is refused by the row, throws its secret away and answers with the quicker one's source."""
    headers = {"content-type": "application/json", "idempotency-key": "order-7"}
    first: list[str] = []

    def overtake() -> None:
        first.append(caller.register(prices(apiKey=KEY), headers=headers).body)

    slow = aws.registrar(dynamodb=_Overtaken(aws.dynamodb, overtake))
    answer = caller.register(prices(apiKey=KEY), at=slow, headers=headers)
    assert (answer.status, answer.body) == (201, first[0])
    assert len(aws.rows(aws.tables.data_sources)) == len(aws.secret_names()) == 1


def test_endless_contention_ends_in_an_answer(aws: Aws, caller: Caller):
    """A bounded number of tries, then 503 and no trace."""

    class Contended(_Overtaken):
        def __getattr__(self, name: str) -> Any:
            self._overtake = caller.register
            return super().__getattr__(name)

    answer = caller.register(prices(apiKey=KEY), at=aws.registrar(dynamodb=Contended(aws.dynamodb, None)))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert aws.secret_names() == []
    assert all(0 <= pause <= PAUSE_MAX_S for pause in aws.pauses)


@pytest.mark.parametrize("key", [{}, {"apiKey": KEY}])
def test_an_id_that_was_given_before_does_not_touch_its_source(aws: Aws, caller: Caller, key: dict[str, str]):
    """Ids are 32 bits of chance; when they meet, the newcomer is asked to try again."""

    class Unlucky(random.SystemRandom):
        def getrandbits(self, k: int, /) -> int:
            return 7 if k == ID_BITS else super().getrandbits(k)

    first = caller.register(prices(**key), at=aws.registrar(chance=Unlucky()))
    second = caller.register(prices(name="Other", **key), at=aws.registrar(chance=Unlucky()))
    assert (first.status, second.status) == (201, 503)
    (row,) = map(read_item, aws.rows(aws.tables.data_sources))
    assert row["name"] == "Prices"
    assert len(aws.secret_names()) == len(key)


BODY = prices(apiKey=KEY)
HEADERS = {"content-type": "application/json", "idempotency-key": "order-7"}
#: idempotency row, secret's row, secret, counter, transaction; see `test_the_calls_of_a_registration`.
CALLS = ["get_item", "update_item", "create_secret", "get_item", "transact_write_items"]


def _register(aws: Aws, caller: Caller, calls: Calls) -> Any:
    at = aws.registrar(dynamodb=calls.client(aws.dynamodb), secrets=calls.client(aws.secrets))
    return caller.register(BODY, at=at, headers=HEADERS)


def test_the_calls_of_a_registration(aws: Aws, caller: Caller):
    """What the next tests break one by one is all there is."""
    calls = Calls()
    assert _register(aws, caller, calls).status == 201
    assert calls.names == CALLS


@pytest.mark.parametrize("lands", [False, True])
@pytest.mark.parametrize("breaks_at", range(1, len(CALLS) + 1))
def test_a_registration_that_breaks_at_any_call_is_whole_or_leaves_nothing(
    aws: Aws, caller: Caller, breaks_at: int, lands: bool
):
    """Whether AWS saw the call or only its answer was lost; and the same request again then succeeds, once."""
    answer = _register(aws, caller, Calls(breaks_at=breaks_at, lands=lands))
    made = aws.rows(aws.tables.data_sources)
    whole = breaks_at == len(CALLS) and lands
    assert answer.status == (201 if whole else 503)
    assert len(made) == len(aws.rows(aws.tables.access)) == len(aws.secret_names()) == int(whole)
    assert len([row for row in aws.rows(aws.tables.fleet) if "#M#" in row["pk"]["S"]]) == int(whole)
    again = caller.register(BODY, headers=HEADERS)
    (row,) = map(read_item, aws.rows(aws.tables.data_sources))
    assert (again.status, again.json["id"]) == (201, row["id"])
    assert aws.secret_names() == [PREFIX + row["id"]]


def test_a_transaction_that_was_given_up_can_never_land(aws: Aws, caller: Caller):
    """Its answer was lost on the way there; when it arrives late its key is gone, so it must be refused."""
    late: list[dict[str, Any]] = []

    class Delaying:
        def __getattr__(self, name: str) -> Any:
            return self._delay if name == "transact_write_items" else getattr(aws.dynamodb, name)

        def _delay(self, **request: Any) -> None:
            late.append(request)
            Calls(breaks_at=1).make("", lambda: None, {})

    assert caller.register(BODY, at=aws.registrar(dynamodb=Delaying())).status == 503
    with pytest.raises(aws.dynamodb.exceptions.TransactionCanceledException):
        aws.dynamodb.transact_write_items(**late[0])
    assert aws.rows(aws.tables.data_sources) == []
    (void,) = map(read_item, aws.rows(aws.tables.sheets_data))
    assert void["ttl"] == NOW_MS // 1_000 + 3_600


def test_a_key_is_never_deleted_while_it_is_in_doubt_whether_its_source_exists(aws: Aws, caller: Caller):
    """With AWS gone for good an unused secret may stay; a source without its key may not."""
    answer = _register(aws, caller, Calls(breaks_at=len(CALLS), lands=True, for_good=True))
    assert answer.status == 503
    (row,) = map(read_item, aws.rows(aws.tables.data_sources))
    assert aws.secret_names() == [PREFIX + row["id"]]


def test_a_registration_needs_every_variable_by_name():
    """A process that was told too little says so at its first request."""
    environ = {name: value for name, value in ENVIRON.items() if name != "SECRETS_PREFIX"}
    nobody: Any = None
    with pytest.raises(KeyError, match="SECRETS_PREFIX"):
        Registrar.of(environ, dynamodb=nobody, secrets=nobody, now_ms=nobody, chance=random.Random(), pause=nobody)


def test_a_source_holds_every_field_a_registration_may_set():
    """A field added to one and forgotten in the other would vanish without a word."""
    assert set(Registration.model_fields) - {"api_key"} <= set(Source.model_fields)


def test_a_sheet_is_registered_with_its_spreadsheets_shard(aws: Aws, caller: Caller):
    """All tabs of one spreadsheet are one worker's: it reads them in one request."""
    urls = (SHEET, f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=7")
    sheets = [
        caller.register({"name": "Prices", "type": "googleSheet", "url": url, "keyColumn": "Name"}).json for url in urls
    ]
    assert all(sheet["id"].startswith("googleSheet-") for sheet in sheets)
    assert len({sheet["shard"] for sheet in sheets}) == 1
    assert sheets[0]["shard"] < int(ENVIRON["SHEET_SHARDS"])
    rows = {(row["pk"], row["sk"]) for row in map(read_item, aws.rows(aws.tables.fleet))}
    assert ("googleSheet#R", "#") in rows
    assert ("external#R", "#") not in rows
