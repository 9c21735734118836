"""
Each minute: whoever wants to know is told which sources fail, are dormant, have recovered, or need a certificate.

First it is written down what is owed to whom, then it is told, then it is written down that it was. A process that
dies in between leaves what is owed, and the next minute tells: so nothing is lost, and twice is told only what was
told by somebody who died before writing so, under the same id.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import batched, groupby
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from api import alert_message, alert_rules, door
from api.alert_message import Alert
from api.alert_rules import IN_TROUBLE, Event, Receiver, Step
from api.outgoing import read_policy
from api.respond import log
from api.rows import read_many
from contracts.addresses import Policy
from contracts.clock import MINUTE_MS, NowMs, iso
from contracts.table import alerts, sources
from contracts.table.alerts import Told
from contracts.table.schema import TableNames
from contracts.table.sources import CERTIFICATE
from contracts.table.values import read_item
from fetching.contact import user_agent
from fetching.gate import Gate
from fetching.post import post

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]
#: Sends a body to a webhook; gives why it was not taken.
type Send = Callable[[str, bytes, Mapping[str, str]], str | None]
#: Publishes subject and text to a topic.
type Publish = Callable[[str, str, str], None]

ALERTS_PER_MESSAGE_MAX = 50
#: Some seconds of time-outs at worst: below the function's time. What is left is told a minute later.
MESSAGES_MAX = 8
#: Waits 1, 2, 4, … 64 minutes between tries, two hours in all; then the operator's log has to do.
TRIES_MAX = 8
#: In each state; what is beyond has its turn as others recover, and the log says so.
SOURCES_MAX = 5_000
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True, kw_only=True)
class Herald:
    """All that telling needs."""

    dynamodb: "DynamoDBClient"
    tables: TableNames
    receivers: Sequence[Receiver]
    secret: Callable[[], bytes]
    send: Send
    publish: Publish
    stack: str
    dashboard: str
    now_ms: NowMs

    def look(self) -> dict[str, int]:
        """Look, write down what is owed, and tell; give what was done."""
        troubled = {item["id"]: item for state in IN_TROUBLE for item in self._listed(state)}
        ending = {item["id"]: item for item in self._listed(CERTIFICATE) if item["id"] not in troubled}
        known = list(self._rows())
        now = self._read({row.source_id for row in known} - troubled.keys())
        for step in alert_rules.steps(
            self.receivers, known, troubled=troubled, ending=ending, now=now, now_ms=self.now_ms()
        ):
            self._write(step)
        return self._tell(troubled | ending | now)

    def _tell(self, known: Mapping[str, Item]) -> dict[str, int]:
        done = {"told": 0, "failed": 0, "given_up": 0}
        for _, message in zip(range(MESSAGES_MAX), self._messages(known), strict=False):
            claimed = [alert for alert in message if self._claims(alert.row)]
            if claimed:
                self._deliver(claimed, done)
        return done

    def _messages(self, known: Mapping[str, Item]) -> Iterator[list[Alert]]:
        """Gather what is owed and due by receiver, so many to a message."""
        due = [row for row in self._rows() if row.owed and row.not_before_ms <= self.now_ms()]
        for _, rows in groupby(sorted(due, key=lambda row: row.receiver), key=lambda row: row.receiver):
            for some in batched(rows, ALERTS_PER_MESSAGE_MAX, strict=False):
                yield [Alert(row=row, source=known.get(row.source_id)) for row in some]

    def _deliver(self, message: Sequence[Alert], done: dict[str, int]) -> None:
        receiver = next(one for one in self.receivers if one.name == message[0].row.receiver)
        why = self._send_to(receiver, message)
        for alert in message:
            gives_up = bool(why) and alert.row.tries + 1 >= TRIES_MAX
            if not why or gives_up:
                self._settle(alert.row)
            done["given_up" if gives_up else "failed" if why else "told"] += 1
        if why:
            log({"what": "alert_failed", "at": iso(self.now_ms()), "receiver": receiver.name, "why": why,
                 "sources": [alert.row.source_id for alert in message]})  # fmt: skip

    def _send_to(self, receiver: Receiver, message: Sequence[Alert]) -> str | None:
        """Tell one receiver; give why it was not taken, in words that hold neither address nor secret."""
        try:
            if receiver.topic:
                subject, text = alert_message.mail(message, stack=self.stack, dashboard=self.dashboard)
                self.publish(receiver.topic, subject, text)
                return None
            now_ms = self.now_ms()
            body = alert_message.body(message, stack=self.stack, dashboard=self.dashboard, now_ms=now_ms)
            headers = alert_message.signed(message, body, secret=self.secret(), now_ms=now_ms)
            return self.send(receiver.webhook, body, headers)
        except ClientError as error:
            return error.response["Error"].get("Code", "ClientError")
        except BotoCoreError as error:
            return type(error).__name__

    def _claims(self, row: Told) -> bool:
        again_ms = self.now_ms() + MINUTE_MS * 2**row.tries - MINUTE_MS // 2  # the clock's rule may come early
        return self._do(self.dynamodb.update_item, alerts.claim(self.tables.fleet, row, again_ms=again_ms))

    def _settle(self, row: Told) -> None:
        over = row.owed == Event.RECOVERED
        call = self.dynamodb.delete_item if over else self.dynamodb.update_item
        self._do(call, (alerts.forget if over else alerts.settle)(self.tables.fleet, row))

    def _write(self, step: Step) -> None:
        match step.act:
            case "first":
                self._do(self.dynamodb.put_item, alerts.owe_first(self.tables.fleet, step.row))
            case "next":
                self._do(self.dynamodb.update_item, alerts.owe_next(self.tables.fleet, step.row, step.row.owed))
            case _:
                self._do(self.dynamodb.delete_item, alerts.forget(self.tables.fleet, step.row))

    def _do(self, call: Callable[..., Any], request: alerts.Request) -> bool:
        """Make a conditional write; False if somebody was quicker."""
        try:
            call(**request)
        except ClientError as error:
            if error.response["Error"].get("Code") == _REFUSED:
                return False
            raise
        return True

    def _listed(self, wants: str) -> Iterator[Item]:
        table, after, found = self.tables.data_sources, None, 0
        while found < SOURCES_MAX:
            page = self.dynamodb.query(**sources.page_of_attention(table, wants, limit=SOURCES_MAX, after=after))
            yield from map(read_item, page["Items"])
            found += len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            after = read_item(page["LastEvaluatedKey"])["id"]
        log({"what": "alerts_cut", "at": iso(self.now_ms()), "state": str(wants), "sources": found})

    def _rows(self) -> Iterator[Told]:
        request = alerts.rows(self.tables.fleet)
        while True:
            page = self.dynamodb.query(**request)
            yield from map(Told.read, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _read(self, source_ids: set[str]) -> dict[str, Item]:
        found: dict[str, Item] = {}
        for some in batched(sorted(source_ids), sources.BATCH_GET_MAX, strict=False):
            items = read_many(self.dynamodb, sources.get_many(self.tables.data_sources, some))
            found |= {item["id"]: item for item in map(read_item, items)}
        return found


def sender(policy: Policy, contact: str, run: Callable[..., Any]) -> Send:
    """Make what sends to webhooks, through the gate."""
    gate = Gate(policy=policy)

    def send(url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
        why: str | None = run(post(gate, url, body, {"User-Agent": user_agent(contact), **headers}))
        return why

    return send


@cache
def _runner() -> asyncio.Runner:
    """Keep one loop for the life of this process."""
    return asyncio.Runner()


@cache
def _secret() -> bytes:
    """Read what webhooks are signed with: of the version that this process was told, so that a new one counts."""
    answer = door.secrets_manager().get_secret_value(
        SecretId=os.environ.get("ALERTS_SECRET_ID", ""), VersionId=os.environ.get("ALERTS_SECRET_VERSION", "")
    )
    return answer["SecretString"].encode()


@cache
def _herald() -> Herald:
    sns = door.sns()

    def publish(topic: str, subject: str, text: str) -> None:
        sns.publish(TopicArn=topic, Subject=subject, Message=text)

    return Herald(
        dynamodb=door.dynamodb(),
        tables=TableNames.from_environ(os.environ),
        receivers=Receiver.read_all(os.environ["ALERT_RULES"]),
        secret=_secret,
        send=sender(read_policy(os.environ), os.environ.get("CONTACT", ""), _runner().run),
        publish=publish,
        stack=os.environ["STACK"],
        dashboard=os.environ["DASHBOARD_URL"],
        now_ms=door.wall_ms,
    )


def handler(_event: Mapping[str, Any], _context: Any) -> None:
    """Be called by a rule of the clock."""
    started_ms = door.wall_ms()
    done = _herald().look()
    log({"what": "alerts", "at": iso(started_ms), **done, "ms": door.wall_ms() - started_ms})
