"""Alerts: each outage told once to whom it concerns, signed, tried again within bounds, without a secret in it."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from api import alerts as function
from api.alert_rules import Receiver
from api.alerts import TRIES_MAX, Herald, sender
from contracts.addresses import Policy
from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.source import State, Status
from contracts.table import alerts, sources
from contracts.table.alerts import Told
from contracts.table.schema import FIELDS
from contracts.table.values import read_item
from tests.api.account import ENVIRON, NOW_MS, Aws, Caller, later, prices

#: What it asks of the tables; tests/stack holds its role to exactly this.
ASKS = {
    ("Query", "DataSources/index"), ("BatchGetItem", "DataSources"),
    ("Query", "Fleet"), ("PutItem", "Fleet"), ("UpdateItem", "Fleet"), ("DeleteItem", "Fleet"),
}  # fmt: skip
SECRET = b"signing-secret"
RULES = [
    {
        "name": "prod",
        "tags": ["prod", "live"],
        "afterFailures": 0,
        "afterMinutes": 5,
        "webhook": "https://hooks.example.com/a",
    },
    {"name": "all", "afterFailures": 0, "afterMinutes": 10, "topic": "arn:aws:sns:eu-west-1:1:all"},
]


@dataclass
class World:
    """Sources in some state, and what their receivers heard."""

    aws: Aws
    herald: Herald
    hooks: list[dict[str, Any]] = field(default_factory=list)
    mails: list[tuple[str, str, str]] = field(default_factory=list)
    refuses: str | None = None

    def register(self, **fields: Any) -> dict[str, Any]:
        """Register a source."""
        return dict(Caller(aws=self.aws).register(prices(**fields)).json)

    def is_now(
        self, source: Mapping[str, Any], state: State, *, since_ms: int | None = None, failures: int = 3,
        certificate_days: int | None = None,
    ) -> None:  # fmt: skip
        """Have a worker write a status."""
        since = self.aws.at_ms if since_ms is None else since_ms
        status = Status(
            state=state, why="it answers 500", since=since, failures=failures, certificateDays=certificate_days
        )
        request = sources.set_status(
            self.aws.tables.data_sources, source["id"], status, incarnation=source["incarnation"]
        )
        self.aws.dynamodb.update_item(**request)

    def minutes(self, count: int) -> None:
        """Let the clock's rule call each minute."""
        for _ in range(count):
            self.herald.look()
            later(self.aws, 60)

    @property
    def heard(self) -> list[tuple[str, str]]:
        """Give event and name of each alert that the webhook took, in order."""
        return [(alert["event"], alert["name"]) for body in self.hooks for alert in body["alerts"]]

    def rows(self) -> list[Told]:
        """Give what is remembered."""
        return [Told.read(item) for item in self.aws.dynamodb.query(**alerts.rows(self.aws.tables.fleet))["Items"]]


@pytest.fixture
def world(swift: Aws) -> World:
    """Give an account with both rules."""
    return world_of(swift)


def world_of(aws: Aws) -> World:
    """Give an account both rules."""
    heard: World

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        assert url == "https://hooks.example.com/a"
        assert headers["webhook-signature"].startswith("v1,")
        if heard.refuses is None:
            heard.hooks.append(json.loads(body))
        return heard.refuses

    herald = Herald(
        dynamodb=aws.dynamodb, tables=aws.tables, receivers=Receiver.read_all(json.dumps(RULES)), now_ms=aws.now_ms,
        secret=lambda: SECRET, send=send, publish=lambda *mail: heard.mails.append(mail), stack="prod",
        dashboard="https://fleet.example.com",
    )  # fmt: skip
    heard = World(aws=aws, herald=herald)
    return heard


def test_an_outage_is_told_once_when_it_is_old_enough_and_again_when_it_is_over(world: World):
    """Not at each minute in between, and not before its age."""
    source = world.register(tags=["prod"])
    world.is_now(source, State.FAILING)
    world.minutes(5)
    assert world.heard == []
    world.minutes(20)
    assert world.heard == [("failing", "Prices")]
    world.is_now(source, State.HEALTHY)
    world.minutes(5)
    assert world.heard == [("failing", "Prices"), ("recovered", "Prices")]
    assert world.rows() == []


def test_it_asks_of_the_tables_what_its_role_may_and_all_of_that(aws: Aws):
    """Over the life of an outage: a right that is never used is one too many. The worker's write stands beside."""
    world, asked = world_of(aws), set[tuple[str, str]]()
    names = {getattr(world.aws.tables, attribute): name for name, attribute in FIELDS.items()}

    def note(params: Mapping[str, Any], model: Any, **_: Any) -> None:
        tables = params.get("RequestItems", ()) or [params["TableName"]]
        asked.update((model.name, names[one] + ("/index" if "IndexName" in params else "")) for one in tables)

    source = world.register(tags=["prod"])
    world.is_now(source, State.FAILING)
    events = world.aws.dynamodb.meta.events
    events.register("before-parameter-build.dynamodb", note)
    try:
        world.minutes(12)
        world.is_now(source, State.HEALTHY)
        world.minutes(5)
    finally:
        events.unregister("before-parameter-build.dynamodb", note)

    assert asked - {("UpdateItem", "DataSources")} == ASKS


def test_a_rule_may_want_more_failures_than_make_a_source_failing(world: World):
    """And their age: whichever comes last."""
    began_ms = world.aws.at_ms
    world.herald = replace(
        world.herald, receivers=[replace(one, after_failures=5) for one in world.herald.receivers if one.webhook]
    )
    often, seldom = (world.register(name=name, tags=["prod"]) for name in ("Often", "Seldom"))
    world.is_now(often, State.FAILING, failures=5)
    world.is_now(seldom, State.FAILING, failures=4)
    world.minutes(5)
    assert world.heard == []
    world.minutes(5)
    assert world.heard == [("failing", "Often")]
    world.is_now(seldom, State.FAILING, since_ms=began_ms, failures=5)
    world.minutes(2)
    assert world.heard == [("failing", "Often"), ("failing", "Seldom")]


def test_what_mends_itself_in_time_wakes_nobody(world: World):
    """Neither its failure nor its recovery."""
    source = world.register(tags=["prod"])
    world.is_now(source, State.FAILING)
    world.minutes(4)
    world.is_now(source, State.HEALTHY)
    world.minutes(20)
    assert (world.heard, world.mails, world.rows()) == ([], [], [])


def test_a_degraded_source_is_nobodys_business_yet(world: World):
    """A few failures are not an outage."""
    world.is_now(world.register(tags=["prod"]), State.DEGRADED)
    world.minutes(20)
    assert (world.heard, world.mails) == ([], [])


def test_a_dormant_source_is_told_of_beside(world: World):
    """The same outage, another day: somebody should decide."""
    source = world.register(tags=["prod"])
    world.is_now(source, State.FAILING)
    began_ms = world.aws.at_ms
    world.minutes(10)
    world.is_now(source, State.DORMANT, since_ms=began_ms)
    world.minutes(10)
    assert world.heard == [("failing", "Prices"), ("dormant", "Prices")]


def test_the_next_outage_is_another(world: World):
    """Even if nobody looked while it was well."""
    source = world.register(tags=["prod"])
    world.is_now(source, State.FAILING)
    world.minutes(10)
    world.is_now(source, State.FAILING, since_ms=world.aws.at_ms)
    world.minutes(10)
    assert world.heard == [("failing", "Prices")] * 2
    ids = [alert["id"] for body in world.hooks for alert in body["alerts"]]
    assert len(set(ids)) == 2


def test_a_certificate_that_is_about_to_end_is_told_once(world: World):
    """At once and to whom it concerns; neither its further steps, nor a blip, nor its renewal is news. The next is."""
    source, other = world.register(tags=["prod"]), world.register(name="Other")
    for one, days in ((source, 14), (source, 7), (other, 7)):
        world.is_now(one, State.HEALTHY, certificate_days=days)
        world.minutes(20)
    world.is_now(source, State.DEGRADED)
    world.minutes(2)
    world.is_now(source, State.HEALTHY, certificate_days=7)
    world.minutes(2)
    assert world.heard == [("certificate", "Prices")]
    assert [subject for _, subject, _ in world.mails] == ["prod: 1 certificate"] * 2
    assert "trouble" not in world.mails[0][2]
    for renewed in (None, 14):
        world.is_now(source, State.HEALTHY, certificate_days=renewed)
        world.minutes(2)
    assert world.heard == [("certificate", "Prices")] * 2


def test_a_certificate_that_did_end_is_an_outage(world: World):
    """Told as any other; a warning that stands does not hide it, nor one that comes while its end is owed."""
    source = world.register(tags=["prod"])
    world.is_now(source, State.HEALTHY, certificate_days=1)
    world.minutes(3)
    world.is_now(source, State.FAILING)
    world.minutes(10)
    world.is_now(source, State.HEALTHY, certificate_days=14)
    world.minutes(10)
    assert [event for event, _ in world.heard] == ["certificate", "failing", "recovered", "certificate"]


def test_nobody_is_told_of_the_certificate_of_a_disabled_source(world: World):
    """It is not polled."""
    world.is_now(world.register(tags=["prod"], enabled=False), State.HEALTHY, certificate_days=1)
    world.minutes(3)
    assert (world.heard, world.mails) == ([], [])


def test_a_rule_with_tags_hears_of_those_sources_alone(world: World):
    """Any of its tags will do; a rule without tags hears of all."""
    for name, tags in (("A", ["live"]), ("B", ["test"]), ("C", [])):
        world.is_now(world.register(name=name, tags=tags), State.FAILING)
    world.minutes(15)
    assert world.heard == [("failing", "A")]
    ((topic, subject, text),) = world.mails
    assert (topic, subject) == ("arn:aws:sns:eu-west-1:1:all", "prod: 3 failing")
    assert all(f"failing  {name} (" in text for name in "ABC")


@pytest.mark.parametrize("how", ["deleted", "disabled", "restored"])
def test_what_somebody_took_away_has_not_recovered(world: World, how: str):
    """They know."""
    source = world.register(tags=["prod"])
    world.is_now(source, State.FAILING)
    world.minutes(8)
    key = {"TableName": world.aws.tables.data_sources, "Key": {"id": {"S": source["id"]}}}
    if how == "deleted":
        world.aws.dynamodb.delete_item(**key)
    else:
        values = {"disabled": ("enabled", {"BOOL": False}), "restored": ("incarnation", {"S": "another"})}
        name, value = values[how]
        world.is_now(source, State.HEALTHY)
        world.aws.dynamodb.update_item(
            **key, UpdateExpression="SET #n = :v", ExpressionAttributeNames={"#n": name},
            ExpressionAttributeValues={":v": value},
        )  # fmt: skip
    world.minutes(5)
    assert (world.heard, world.rows()) == ([("failing", "Prices")], [])


def test_a_disabled_source_fails_quietly(world: World):
    """It keeps its last state, and nobody polls it."""
    world.is_now(world.register(tags=["prod"], enabled=False), State.FAILING)
    world.minutes(15)
    assert (world.heard, world.mails) == ([], [])


def test_a_receiver_that_does_not_take_it_is_tried_again_ever_less_often_and_then_given_up(
    world: World, capsys: pytest.CaptureFixture[str]
):
    """The other receiver of the same outage is told once all the same."""
    world.refuses = "answered 503"
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(60 * 6)
    failed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "alert_failed" in line]
    assert len(failed) == TRIES_MAX
    assert {line["why"] for line in failed} == {"answered 503"}
    assert len(world.mails) == 1
    world.refuses = None
    world.minutes(60)
    assert world.heard == []


def test_a_receiver_that_comes_back_is_told_then(world: World):
    """Once, with the id of the first try."""
    world.refuses = "ConnectionError"
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(7)
    world.refuses = None
    world.minutes(10)
    assert world.heard == [("failing", "Prices")]


def test_whoever_dies_between_telling_and_writing_so_tells_again_under_the_same_id(world: World):
    """At least once, and the receiver can know."""
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(5)

    class Dying:
        def __getattr__(self, name: str) -> Any:
            if name == "update_item" and world.hooks:
                raise KeyboardInterrupt
            return getattr(world.aws.dynamodb, name)

    dying: Any = Dying()
    with pytest.raises(KeyboardInterrupt):
        replace(world.herald, dynamodb=dying).look()
    world.minutes(3)
    assert world.heard == [("failing", "Prices")] * 2
    assert len({alert["id"] for body in world.hooks for alert in body["alerts"]}) == 1


def test_two_that_look_at_once_tell_once(world: World):
    """The clock's rule calls at least once a minute, sometimes twice."""
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(5)

    class Overtaken:
        looks = 0

        def __getattr__(self, name: str) -> Any:
            if name == "update_item" and not self.looks:
                self.looks = 1
                world.herald.look()
            return getattr(world.aws.dynamodb, name)

    overtaken: Any = Overtaken()
    replace(world.herald, dynamodb=overtaken).look()
    world.minutes(3)
    assert world.heard == [("failing", "Prices")]


def test_many_outages_come_in_few_messages(world: World, monkeypatch: pytest.MonkeyPatch):
    """A host that is down takes all its sources along: nobody wants a hundred mails."""
    monkeypatch.setattr(function, "ALERTS_PER_MESSAGE_MAX", 5)
    for number in range(6):
        world.is_now(world.register(name=f"S{number}", tags=["prod"]), State.FAILING)
    world.minutes(15)
    assert sorted(name for _, name in world.heard) == sorted(f"S{number}" for number in range(6))
    assert [len(body["alerts"]) for body in world.hooks] == [5, 1]
    assert [subject for _, subject, _ in world.mails] == ["prod: 5 failing", "prod: 1 failing"]


def test_more_sources_in_trouble_than_are_looked_at_are_no_secret(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Who is beyond is told of once others have recovered; until then the log says that somebody is."""
    monkeypatch.setattr(function, "SOURCES_MAX", 2)
    for number in range(3):
        world.is_now(world.register(name=f"S{number}", tags=["prod"]), State.FAILING)
    world.minutes(8)
    assert len(world.heard) == 2
    assert '"what":"alerts_cut"' in capsys.readouterr().out
    (beyond,) = {f"S{number}" for number in range(3)} - {name for _, name in world.heard}
    for item in list(world.aws.rows(world.aws.tables.data_sources)):
        source = read_item(item)
        if source["name"] != beyond:
            world.is_now(source, State.HEALTHY)
    world.minutes(8)
    assert ("failing", beyond) in world.heard


def test_an_alert_holds_no_url_and_no_header_of_its_source(world: World):
    """People put credentials into both, and mail is read by many."""
    source = world.register(tags=["prod"], url="https://feeds.example.com/p?token=hidden", headers={"X-A": "hidden"})
    world.is_now(source, State.FAILING)
    world.minutes(15)
    assert "hidden" not in json.dumps([world.hooks, world.mails])
    (alert,) = world.hooks[0]["alerts"]
    assert set(alert) == {
        "id", "event", "rule", "sourceId", "name", "tags", "state", "why", "since", "lastGood",
    }  # fmt: skip


def test_a_mail_has_a_line_for_each_source_whatever_it_is_called(world: World):
    """Whoever may register must not have it tell of others."""
    world.is_now(world.register(name="Prices\nrecovered  Payments (external-00000000)"), State.FAILING)
    world.minutes(15)
    ((_, _, text),) = world.mails
    first, *rest = text.splitlines()
    assert first.startswith("failing  Prices recovered Payments (external-00000000) (external-")
    assert rest == ["", "https://fleet.example.com"]


def test_a_rule_that_is_gone_is_forgotten(world: World):
    """Its rows would stay for ever."""
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(15)
    replace(world.herald, receivers=[one for one in world.herald.receivers if one.topic]).look()
    assert {row.receiver for row in world.rows()} == {"all/topic"}


@dataclass
class Hook:
    """A receiver on loopback."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Serve a receiver."""
    served = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(served.status)
            self.send_header("Location", f"{served.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def hooked(world: World, hook: Hook, policy: Policy) -> None:
    """Have the herald really send."""
    prod, *rest = world.herald.receivers
    world.herald = replace(
        world.herald, receivers=[replace(prod, webhook=hook.url), *rest], send=sender(policy, "ops", asyncio.run)
    )


def test_a_webhook_is_signed_so_that_its_receiver_can_tell_it_from_a_forgery(world: World, hook: Hook):
    """By Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, as it was sent."""
    hooked(world, hook, Policy(allow_private=True))
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(6)
    ((headers, body),) = hook.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{code}"
    assert int(headers["webhook-timestamp"]) == NOW_MS // SECOND_MS + 5 * MINUTE_MS // SECOND_MS
    assert json.loads(body)["alerts"][0]["event"] == "failing"


def test_a_webhook_passes_the_gate_and_is_not_redirected(world: World, hook: Hook, capsys: pytest.CaptureFixture[str]):
    """An address inside, or one that leads there, is not reached by an alert either."""
    hooked(world, hook, Policy())
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    world.minutes(6)
    assert hook.got == []
    hooked(world, hook, Policy(allow_private=True))
    hook.status = 307
    world.minutes(1)
    assert len(hook.got) == 1
    said = capsys.readouterr().out
    assert '"why":"answered 307"' in said
    assert hook.url not in said


def test_the_function_starts_from_the_environment_and_signs_with_the_secret_of_the_stack(
    aws: Aws, hook: Hook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """As Lambda enters it: rules, secret and its version, gate and names, all as the stack tells them."""
    world = world_of(aws)
    kept = world.aws.secrets.create_secret(Name="alerts-signing", SecretString=SECRET.decode())
    rule = {"name": "prod", "tags": ["prod"], "afterFailures": 0, "afterMinutes": 0, "webhook": hook.url}
    told = {
        "ALERT_RULES": json.dumps([rule]), "ALERTS_SECRET_ID": kept["ARN"], "ALERTS_SECRET_VERSION": kept["VersionId"],
        "STACK": "prod", "DASHBOARD_URL": "https://fleet.example.com", "GATE_ALLOW_PRIVATE": "1",
    }  # fmt: skip
    for name, value in (ENVIRON | told).items():
        monkeypatch.setenv(name, value)
    function._herald.cache_clear()
    function._secret.cache_clear()
    world.is_now(world.register(tags=["prod"]), State.FAILING)
    function.handler({}, None)
    function.handler({}, None)
    ((headers, body),) = hook.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{code}"
    assert [json.loads(body)[key] for key in ("stack", "dashboard")] == ["prod", "https://fleet.example.com"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"alerts"' in line]
    assert [line["told"] for line in lines] == [1, 0]
    function._runner().close()
    function._runner.cache_clear()
    function._herald.cache_clear()
