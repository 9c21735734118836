"""
What a month costs, from counted calls: `python -m bench.cost SOURCES=10000 INTERVAL=10 CHANGES=6 SUBSCRIBERS=1000`.

Calls are counted by running the code (`bench.counted`), prices are data (`prices.json`, with its date). The few figures
that are neither stand below as constants, each with where it was measured. Beside it, the same from the naive design:
every poll stored and compared in the table, whole documents to everybody, a lease row renewed per shard.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Self

from bench import counted
from contracts import metrics
from contracts.clock import DAY_S
from contracts.metrics import Metric
from contracts.table.heads import BODY_TTL_S

PRICES = Path(__file__).parent / "prices.json"
HOURS = 730
SECONDS, MINUTES, DAYS = HOURS * 3_600, HOURS * 60, HOURS / 24
GB = 1e9

#: CPU of an unchanged and of a changed poll (`bench.polls`, `bench.changes`), on a core as fast as a Fargate vCPU.
UNCHANGED_POLL_S, CHANGED_POLL_S = 0.0002, 0.003
#: A task is planned this full: the rest is for bursts, hand-offs and a neighbour's death.
FULL = 0.5
#: `stack/fleet.py`: a task. At least two, so that one may die.
TASK_VCPU, TASK_GB, TASKS_MIN = 1, 2, 2
#: A source that is idle (`bench.schedule_memory`), with a connection of its own kept open over TLS, some 46 KiB: more
#: than most have, for sources of one host share theirs.
SOURCE_BYTES, SOCKET_BYTES, TASK_BYTES = 1_600, 47_000, 1.2e9
#: On the wire for a poll that ends in 304: request, acknowledgements and TLS records out, the answer in.
POLL_OUT_BYTES, POLL_IN_BYTES = 600, 500
#: An invocation waits for some ten calls of AWS in turn; a post takes its share of a second (`bench.fan_out`).
INVOCATION_S, POST_S = 0.05, 0.00056
#: `stack/sockets.py`.
SOCKETS_GB = 1
#: API Gateway cuts a connection after two hours.
CONNECTION_S = 7_200
#: A queue's message is sent, received and deleted.
REQUESTS_PER_MESSAGE = 3
#: How long a document that is not the newest stays; and the default of `historyDays`.
BODY_DAYS, HISTORY_DAYS = BODY_TTL_S / DAY_S, 7
#: A source's own row and its head.
SOURCE_ROWS_BYTES = 2_000
#: A worker's line a minute, one per change, the Lambda's per invocation, and what is seen of one kind of source;
#: `tests/stack` holds them to the program and to the lines.
WORKER_LINE_BYTES, CHANGE_LINE_BYTES, INVOCATION_LINE_BYTES = 1_800, 180, 1_500
METRICS = sum(isinstance(one, Metric) for one in vars(metrics).values())
#: An alarm is paid by the metrics that it looks at.
ALARM_METRICS, CHART_PAGES = 16, 1
#: The stack's own secrets, such as Google's accounts.
SECRETS_MIN = 1
#: For each connection in use DynamoDB asks for a table's key anew once in five minutes (developer guide, "Encryption at
#: rest: how it works"). Of so many tables a worker of external sources and the sockets' Lambda ask (`tests/stack` holds
#: them to their rights), over so many connections at a time.
KEY_S = 300
WORKER_TABLES, SOCKETS_TABLES = 4, 7
WORKER_LINES, SOCKETS_LINES = 8, 2
#: The one key of ours is that of the alarms' topic.
OUR_KEYS = 1

#: What is not ours in the naive design: KCL renews a lease in a third of its 10 s (shards as in `stack/settings.py`).
NAIVE_SHARDS, NAIVE_RENEWAL_S = 1_024, 10 / 3
#: A post through boto3, one after the other in threads, against ours (`bench.fan_out`: 38 times the CPU).
NAIVE_POST_S = 0.012


@dataclass(frozen=True, kw_only=True)
class Use:
    """What is asked of a fleet. `CHANGES` is per source and hour; `AUDIENCE` is how many follow a source on average."""

    sources: int = 1_000
    interval: float = 10
    changes: float = 6
    subscribers: int = 100
    follows: float = 1
    document: int = 5_000
    keys: int = 0
    nat: int = 0

    @classmethod
    def read(cls, words: Sequence[str]) -> Self:
        """Read `NAME=number` words; raises ValueError that names the word."""
        known = {field.name: field.type for field in fields(cls)}
        given: dict[str, float] = {}
        for word in words:
            name, _, text = word.partition("=")
            if name.lower() not in known or not re.fullmatch(r"\d+(\.\d+)?", text):
                raise ValueError(f"{word!r}: say NAME=number, with NAME one of {', '.join(known).upper()}")
            given[name.lower()] = float(text) if known[name.lower()] is float else int(float(text))
        use = cls(**given)  # type: ignore[arg-type] # each is of its field's type by the line above
        use.check()
        return use

    def check(self) -> None:
        """Refuse what no fleet can be asked; raises ValueError that names the field."""
        if not self.sources:
            raise ValueError("SOURCES: at least one")
        if not 1 <= self.interval <= 86_400:
            raise ValueError("INTERVAL: 1 to 86400 seconds")
        if self.changes > 3_600 / self.interval:
            raise ValueError(f"CHANGES: a source polled every {self.interval:g} s cannot show {self.changes:g} an hour")
        if self.document > 5_000_000:
            raise ValueError("DOCUMENT: at most 5000000 bytes")
        if self.keys > self.sources:
            raise ValueError("KEYS: at most one for each of SOURCES")

    @property
    def audience(self) -> float:
        """Tell how many follow a source on average."""
        return self.subscribers * self.follows / self.sources

    @property
    def polls(self) -> float:
        """Tell how many polls a month has."""
        return self.sources * SECONDS / self.interval

    @property
    def changed(self) -> float:
        """Tell how many changes a month has."""
        return self.sources * self.changes * HOURS

    @property
    def connects(self) -> float:
        """Tell how many connections begin in a month."""
        return self.subscribers * SECONDS / CONNECTION_S

    @property
    def workers(self) -> int:
        """Tell how many tasks this takes, by CPU and by memory."""
        busy = (self.polls * UNCHANGED_POLL_S + self.changed * CHANGED_POLL_S) / SECONDS
        held = self.sources * (SOURCE_BYTES + SOCKET_BYTES)
        return max(TASKS_MIN, math.ceil(busy / TASK_VCPU / FULL), math.ceil(held / TASK_BYTES))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a bill."""

    what: str
    usd: float
    why: str


type Prices = Mapping[str, float]


@cache
def prices() -> Prices:
    """Read the price list."""
    listed = json.loads(PRICES.read_text())["prices"]
    return {name: float(price["usd"]) for name, price in listed.items()}


@dataclass(frozen=True, kw_only=True)
class Month:
    """What a month asks for, counted: everything but the workers."""

    change: counted.ChangeCost
    told: counted.AudienceCost
    connection: counted.ConnectionCost
    minute: counted.MinuteCost

    @classmethod
    def of(cls, use: Use) -> Self:
        """Count it."""
        size = use.audience
        # Between nobody and one follower there is one now and then.
        told = counted.audience(max(1, round(size)), use.document)
        return cls(
            change=counted.change(use.document),
            told=told.times(size) if size < 1 else told,
            connection=counted.connection(use.document),
            minute=counted.quiet_minute(use.workers),
        )


def bill(use: Use) -> list[Line]:
    """Price a month of this design."""
    month, price = Month.of(use), prices()
    return [
        *_workers(use, price),
        *_tables(use, month, price),
        *_told(use, month, price),
        Line(
            what="secrets",
            usd=(SECRETS_MIN + use.keys) * price["secret"],
            why=f"{use.keys} keys of sources",
        ),
        _encryption(use, month, price),
        _seen(use, month, price),
    ]


def _tables(use: Use, month: Month, price: Prices) -> list[Line]:
    change, told, connection, minute = month.change, month.told, month.connection, month.minute
    writes, reads = change.write_units + told.write_units, change.read_units + told.read_units
    per_day = use.changed / DAYS
    kept_gb = (
        use.sources * (change.body_bytes + SOURCE_ROWS_BYTES)
        + per_day * (change.history_bytes * HISTORY_DAYS + change.body_bytes * BODY_DAYS)
    ) / GB
    objects_gb = per_day * BODY_DAYS * change.object_bytes / GB
    return [
        Line(
            what="leases",
            usd=MINUTES * units(price, minute.write_units, minute.read_units),
            why=f"{minute.write_units:.0f} write and {minute.read_units:.0f} read units a minute",
        ),
        Line(
            what="unchanged polls in tables",
            usd=use.polls * units(price, change.unchanged_calls, 0),
            why=f"{change.unchanged_calls:g} calls each",
        ),
        Line(
            what="tables",
            usd=use.changed * units(price, writes, reads)
            + use.connects * units(price, connection.write_units, connection.read_units),
            why=f"a change: {writes:.1f} write and {reads:.1f} read units",
        ),
        Line(
            what="what is kept",
            usd=kept_gb * (price["table_gb"] + price["recovery_gb"]),
            why=f"{kept_gb:.2f} GB, {HISTORY_DAYS} days of history",
        ),
        Line(
            what="large documents",
            usd=use.changed * change.objects * price["s3_put"] + objects_gb * price["s3_gb"],
            why=f"{change.objects} objects a change",
        ),
    ]


def _told(use: Use, month: Month, price: Prices) -> list[Line]:
    change, told, connection = month.change, month.told, month.connection
    invocations = _invocations(use, month)
    messages = use.changed * told.messages + use.connects * connection.messages
    out_gb = (use.changed * told.bytes_out + use.connects * connection.bytes_out) / GB
    return [
        Line(
            what="queue",
            usd=use.changed * (change.queue_sends + told.queue_sends) * REQUESTS_PER_MESSAGE * price["fifo_request"],
            why=f"{REQUESTS_PER_MESSAGE} requests a message",
        ),
        Line(
            what="Lambda",
            usd=invocations * price["lambda_request"] + _lambda_s(use, month) * SOCKETS_GB * price["lambda_gb_s"],
            why=f"{invocations / 1e6:.2f} million invocations",
        ),
        Line(
            what="messages to clients",
            usd=messages * price["socket_message"],
            why=f"{messages / 1e6:.2f} million of up to 32 KB",
        ),
        _connections(use, price),
        Line(what="bytes to clients", usd=out_gb * price["out_gb"], why=f"{out_gb:.1f} GB"),
    ]


def _encryption(use: Use, month: Month, price: Prices) -> Line:
    environments = max(1, math.ceil(_lambda_s(use, month) / SECONDS))
    held = use.workers * WORKER_TABLES * WORKER_LINES + environments * SOCKETS_TABLES * SOCKETS_LINES
    return Line(
        what="encryption keys",
        usd=OUR_KEYS * price["kms_key"] + held * SECONDS / KEY_S * price["kms_request"],
        why=f"{OUR_KEYS} of ours; {held} held by DynamoDB, asked for every {KEY_S // 60} minutes",
    )


def _seen(use: Use, month: Month, price: Prices) -> Line:
    logs_gb = (
        use.workers * MINUTES * WORKER_LINE_BYTES
        + use.changed * CHANGE_LINE_BYTES
        + _invocations(use, month) * INVOCATION_LINE_BYTES
    ) / GB
    return Line(
        what="seen",
        usd=METRICS * price["metric"]
        + ALARM_METRICS * price["alarm"]
        + CHART_PAGES * price["chart_page"]
        + logs_gb * price["log_gb"],
        why=f"{METRICS} metrics, {ALARM_METRICS} in alarms, {logs_gb:.1f} GB of logs",
    )


def _invocations(use: Use, month: Month) -> float:
    """Count those of the Lambda behind sockets and queue, and one of the authorizer for each connection."""
    return use.changed * month.told.invocations + use.connects * (month.connection.invocations + 1)


def _lambda_s(use: Use, month: Month) -> float:
    """Reckon how long it runs."""
    return _invocations(use, month) * INVOCATION_S + use.changed * month.told.messages * POST_S


def _connections(use: Use, price: Prices) -> Line:
    return Line(
        what="connections held",
        usd=use.subscribers * MINUTES * price["socket_minute"],
        why=f"{use.subscribers} at a time",
    )


def units(price: Prices, write_units: float, read_units: float) -> float:
    """Price units of tables."""
    return write_units * price["write_unit"] + read_units * price["read_unit"]


def naive(use: Use) -> list[Line]:
    """Price a month of the design that comes to mind first, at the same polls and audience."""
    price, told = prices(), use.changed * use.audience
    write_units, read_units = -(-use.document // 1_024), -(-use.document // 4_096)
    messages = told * -(-use.document // counted.MESSAGE_UNIT_BYTES) + 2 * use.connects
    lambda_s = use.changed * INVOCATION_S + told * NAIVE_POST_S
    return [
        *_workers(use, price),
        Line(
            what="leases",
            usd=units(price, NAIVE_SHARDS * SECONDS / NAIVE_RENEWAL_S, 0),
            why=f"a row per shard, renewed every {NAIVE_RENEWAL_S:.1f} s",
        ),
        Line(
            what="unchanged polls in tables",
            usd=use.polls * units(price, write_units, read_units),
            why=f"read, compare and store at every poll: {write_units} write and {read_units} read units",
        ),
        Line(
            what="queue",
            usd=told * REQUESTS_PER_MESSAGE * price["fifo_request"],
            why="a message per subscriber",
        ),
        Line(
            what="Lambda",
            usd=told * price["lambda_request"] + lambda_s * SOCKETS_GB * price["lambda_gb_s"],
            why="posts one after the other",
        ),
        Line(what="messages to clients", usd=messages * price["socket_message"], why="the whole document each time"),
        _connections(use, price),
        Line(
            what="bytes to clients",
            usd=told * use.document / GB * price["out_gb"],
            why="the whole document each time",
        ),
        Line(what="secrets", usd=use.keys * price["secret"], why="one per source with a key"),
    ]


def _workers(use: Use, price: Prices) -> list[Line]:
    task_h = TASK_VCPU * price["fargate_vcpu_h"] + TASK_GB * price["fargate_gb_h"]
    out_gb, in_gb = use.polls * POLL_OUT_BYTES / GB, use.polls * POLL_IN_BYTES / GB
    if use.nat:
        way = Line(
            what="their way out",
            usd=use.nat * HOURS * price["nat_h"] + (out_gb + in_gb) * price["nat_gb"],
            why=f"{use.nat} NAT gateways",
        )
    else:
        way = Line(what="their way out", usd=use.workers * HOURS * price["public_ip_h"], why="an address each")
    return [
        Line(
            what="workers",
            usd=use.workers * HOURS * task_h,
            why=f"{use.workers} tasks of {TASK_VCPU} vCPU and {TASK_GB} GB",
        ),
        way,
        Line(
            what="bytes of polls",
            usd=out_gb * price["out_gb"],
            why=f"{use.polls / 1e6:.0f} million polls of {POLL_OUT_BYTES} B out",
        ),
    ]


def table(use: Use) -> str:
    """Write both bills side by side."""
    ours, theirs = bill(use), {line.what: line.usd for line in naive(use)}
    rows = [f"| {line.what} | {line.usd:,.2f} | {theirs.get(line.what, 0):,.2f} | {line.why} |" for line in ours]
    total, other = sum(line.usd for line in ours), sum(theirs.values())
    return "\n".join(
        [
            "| a month, in $ | this | naive | counted |",
            "|---|---|---|---|",
            *rows,
            f"| **all** | **{total:,.0f}** | **{other:,.0f}** | {total / use.sources:.4f} a source |",
        ]
    )


def main(words: Sequence[str], say: Callable[[str], object] = print) -> int:
    """Print the bill of what was asked; 2 and the reason if it cannot be asked."""
    try:
        use = Use.read(words)
    except ValueError as error:
        say(str(error))
        return 2
    listed = json.loads(PRICES.read_text())
    say(" ".join(f"{field.name.upper()}={getattr(use, field.name):g}" for field in fields(use)))
    say(f"prices as of {listed['as_of']}, {listed['region']}: {listed['note']}")
    say(table(use))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
