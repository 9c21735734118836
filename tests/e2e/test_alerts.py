"""An alert as it is deployed: from a source that fails to a mail, and to a webhook that others' code can check."""

import asyncio
import base64
import hashlib
import hmac
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.source import State, Status
from contracts.table import sources
from local.running import running_stack
from tests.conftest import ROOT
from tests.e2e.grants_world import Operator, Right
from tests.e2e.outside import Api, Feeds, until_true
from tests.e2e.test_grants import seen_rights

SECRET = "signs-the-webhooks-of-this-test"
HEARD_WITHIN_S = 60
#: Above that of any worker, whose writes are refused then.
EPOCH = 2**40


@dataclass
class Hook:
    """A receiver on loopback that takes everything."""

    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def events(self) -> list[tuple[str, str]]:
        """Give what was told, in order: event and source."""
        return [(one["event"], one["sourceId"]) for _, body in self.got for one in json.loads(body)["alerts"]]


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """A queue that gets what the topic's address is mailed."""

    sqs: Any
    url: str
    got: list[tuple[str, str]] = field(default_factory=list)
    """Subject and text, in order."""

    @classmethod
    def of(cls, operator: Operator) -> "Inbox":
        """Subscribe a new queue to the topic of the rule."""
        sqs, sns = operator.client("sqs"), operator.client("sns")
        url = sqs.create_queue(QueueName=f"inbox-{time.time_ns()}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = topic_of(operator, "alerts-ops")
        may = {
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return cls(sqs=sqs, url=url)

    def look(self) -> list[str]:
        """Take what has come; give all subjects so far."""
        for one in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            mail = json.loads(one["Body"])
            self.got.append((mail["Subject"], mail["Message"]))
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=one["ReceiptHandle"])
        return [subject for subject, _ in self.got]


def topic_of(operator: Operator, name: str) -> str:
    """Find a topic by its logical name."""
    found = [one["TopicArn"] for one in operator.client("sns").list_topics()["Topics"]]
    (topic,) = [one for one in found if one.rsplit(":", 1)[1].rsplit("-", 1)[0] == name]
    return str(topic)


@pytest.fixture(scope="module")
def hook() -> Iterator[tuple[Hook, str]]:
    """Serve a receiver; give its url too."""
    served = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            served.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served, f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def alerting(hook: tuple[Hook, str]) -> Iterator[dict[str, Any]]:
    """Run a stack whose operator wants to know of what is tagged `prod`, and of alarms; give its state."""
    rule = {"name": "ops", "tags": ["prod"], "afterMinutes": 0, "webhook": hook[1], "email": "ops@example.com"}
    settings = {"alerts": [rule], "alertsSecret": SECRET, "alarmEmail": "operator@example.com"}
    workers = {"external": 1, "googleSheet": 0}
    with tempfile.TemporaryDirectory(prefix="alerts-") as name:
        folder = Path(name)
        with running_stack(ROOT, workers=workers, folder=folder, say=print, settings=settings):
            yield json.loads((folder / "state.json").read_text())


async def test_an_outage_and_its_end_are_each_told_once(hook: tuple[Hook, str], alerting: dict[str, Any]):
    """By the deployed function under its real role, through the gate, signed; the clock's rule may call it beside."""
    heard, inbox = hook[0], Inbox.of(Operator(state=alerting))
    async with Feeds.serving() as feeds, Api.of(alerting) as api:
        feeds.set("there", 1)
        source_id = await api.register(feeds.url("missing"), tags=["prod"])
        quiet = await api.register(feeds.url("gone"), tags=["test"])
        await until_state(api, source_id, "failing")
        await until_state(api, quiet, "failing")
        await told(alerting, heard, ("failing", source_id))
        await look(alerting)
        feeds.set("missing", 1)
        status, answer = await api.call("POST", f"/datasources/{source_id}/poll")
        assert status == 202, answer
        await until_state(api, source_id, "healthy")
        await told(alerting, heard, ("recovered", source_id))
        await look(alerting)
        for one in (source_id, quiet):
            await api.delete(one)
    about_ours = [event for event in heard.events if event[1] in {source_id, quiet}]
    assert about_ours == [("failing", source_id), ("recovered", source_id)]
    for headers, body in heard.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        code = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{code}"
    assert [subject.rpartition(": ")[2] for subject in mailed(inbox, 2)] == ["1 failing", "1 recovered"]
    for (_, text), event in zip(inbox.got, ("failing", "recovered"), strict=True):
        assert text.startswith(f"{event}  missing ({source_id}), trouble since ")
        assert feeds.url("missing") not in text


def mailed(inbox: Inbox, count: int) -> list[str]:
    """Take so many mails, and what may have come beside them."""
    while len(subjects := inbox.look()) < count:
        pass
    return subjects + inbox.look()[len(subjects) :]


def test_the_topic_of_an_alarm_mails_the_operator_under_a_key_of_the_stack(alerting: dict[str, Any]):
    """CloudWatch may publish to it and use its key, which no key of AWS's own would let it."""
    operator = Operator(state=alerting)
    sns, topic = operator.client("sns"), topic_of(operator, "notices")
    told = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    key = operator.client("kms").get_key_policy(KeyId=told["KmsMasterKeyId"], PolicyName="default")["Policy"]
    (subscribed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]

    assert (subscribed["Protocol"], subscribed["Endpoint"]) == ("email", "operator@example.com")
    assert "cloudwatch.amazonaws.com" in told["Policy"]
    assert "cloudwatch.amazonaws.com" in key


async def test_the_function_needs_each_of_its_rights(alerting: dict[str, Any]):
    """As every other: a right that nothing needs is one to take away, and a missing one is refused."""
    operator = Operator(state=alerting)
    async with Feeds.serving() as feeds, Api.of(alerting) as api:
        feeds.set("calm", 1)
        source_id = await api.register(feeds.url("calm"), tags=["prod"], pollingInterval=3_600)
        await until_state(api, source_id, "healthy")
        _, source = await api.call("GET", f"/datasources/{source_id}")
        said = await asyncio.to_thread(missing_each, operator, source)
        await api.delete(source_id)

    assert [
        str(right) for right, text in said.items() if "Authorization" not in text and "AccessDenied" not in text
    ] == []


def missing_each(operator: Operator, source: Mapping[str, Any]) -> Mapping[Right, str]:
    """Let a source fail and recover without each right in turn, while the clock calls nobody."""
    events = operator.client("events")
    (rule,) = [one["Name"] for one in events.list_rules()["Rules"] if one["Name"].startswith("alerts-minute")]
    policy = operator.policy_of("alerts")
    events.disable_rule(Name=rule)
    try:
        assert outage(operator, source) == ""
        said: dict[Right, str] = {}
        for right in seen_rights(policy):
            with policy.without(right):
                said[right] = outage(operator, source)
        return said
    finally:
        events.enable_rule(Name=rule)


def outage(operator: Operator, source: Mapping[str, Any]) -> str:
    """Have a process that was just started tell of an outage and of its end; give what went wrong."""
    function = operator.functions["alerts"]  # told anew what it was: that ends its processes, which keep a secret
    operator.client("lambda").update_function_configuration(
        FunctionName=function["FunctionName"], Timeout=function["Timeout"]
    )
    for state in (State.FAILING, State.HEALTHY):
        status = Status(state=state, since=time.time_ns() // 1_000_000, failures=3, epoch=EPOCH)
        table = operator.state["tables"]["DataSources"]
        operator.dynamodb.update_item(
            **sources.set_status(table, source["id"], status, incarnation=source["head"]["incarnation"])
        )
        answer = operator.invoke("alerts", {})
        if answer.failed or "alert_failed" in answer.log:
            return f"{answer.payload} {answer.log}"
        assert '"told":2' in answer.log, answer.log
    return ""


async def test_the_function_can_read_no_key_of_a_source(alerting: dict[str, Any]):
    """It reads a secret of its own, and that one alone."""
    operator = Operator(state=alerting)
    async with Feeds.serving() as feeds, Api.of(alerting) as api:
        source_id = await api.register(feeds.url("keyed"), apiKey="k", enabled=False)
        _, source = await api.call("GET", f"/datasources/{source_id}")
        with pytest.raises(ClientError, match="not authorized to perform: secretsmanager:GetSecretValue"):
            operator.assumed("alerts", "secretsmanager").get_secret_value(SecretId=source["apiKeySecretId"])
        await api.delete(source_id)


async def until_state(api: Api, source_id: str, state: str) -> None:
    """Wait until a source is in a state."""

    async def holds() -> bool:
        _, source = await api.call("GET", f"/datasources/{source_id}")
        return bool(source["status"]["state"] == state)

    await until_true(holds, HEARD_WITHIN_S)


async def told(state: dict[str, Any], hook: Hook, event: tuple[str, str]) -> None:
    """Have the function look until its receiver was told: the index that it reads may lag."""

    async def holds() -> bool:
        await look(state)
        return event in hook.events

    await until_true(holds, HEARD_WITHIN_S)


async def look(state: dict[str, Any]) -> None:
    """Call the function as the clock's rule does."""
    answer = await asyncio.to_thread(Operator(state=state).invoke, "alerts", {})
    assert not answer.failed, answer
