"""
Whom to tell of what: pure, from the rules, the sources in trouble, and what was told before.

Of each outage, and of each certificate that is about to end.

A source is in trouble from the moment its row says `failing`: that takes as many failures in a row as its kind of
failure deserves (`monitor_fleet.remedy`). A rule may want more of them, and adds an age, so that what mends itself
wakes nobody.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from contracts.clock import MINUTE_MS
from contracts.kinds import State
from contracts.table.alerts import Told

type Item = Mapping[str, Any]

IN_TROUBLE = (State.FAILING, State.DORMANT)


class Event(StrEnum):
    """What is told."""

    FAILING = "failing"
    DORMANT = "dormant"
    RECOVERED = "recovered"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """One way of one rule: a webhook, or a topic that mails. `tags`: any of these; none: every source."""

    name: str
    tags: frozenset[str]
    after_failures: int
    after_ms: int
    webhook: str = ""
    topic: str = ""

    def covers(self, source: Item, now_ms: int) -> bool:
        """Tell whether this outage concerns the receiver, has failed often enough and is old enough."""
        status = source["status"]
        is_trouble = status.get("failures", 1) >= self.after_failures and now_ms - status["since"] >= self.after_ms
        return self.wants(source) and is_trouble

    def wants(self, source: Item) -> bool:
        """Tell whether the source is one of those that the receiver hears of."""
        concerns = not self.tags or not self.tags.isdisjoint(source.get("tags", []))
        return concerns and source.get("enabled", True)

    @classmethod
    def read_all(cls, rules: str) -> list[Self]:
        """Read the rules as the stack writes them: each has a webhook, a topic, or both."""
        return [
            cls(
                name=f"{rule['name']}/{way}",
                tags=frozenset(rule.get("tags", ())),
                after_failures=rule["afterFailures"],
                after_ms=rule["afterMinutes"] * MINUTE_MS,
                **{way: rule[way]},
            )
            for rule in json.loads(rules)
            for way in ("webhook", "topic")
            if rule.get(way)
        ]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to write down: `first` a new outage, `next` how it went on, `forget` that it is over."""

    act: str
    row: Told


def steps(
    receivers: Sequence[Receiver],
    known: Iterable[Told],
    *,
    troubled: Mapping[str, Item],
    ending: Mapping[str, Item],
    now: Mapping[str, Item],
    now_ms: int,
) -> Iterator[Step]:
    """
    Say what to write down.

    `troubled` are the sources that the index shows in trouble, `ending` those whose certificate is about to end, `now`
    those of known rows as they are this moment, read strongly: one that is absent is deleted.
    """
    rows = {(row.receiver, row.source_id): row for row in known}
    for receiver in receivers:
        for source in troubled.values():
            if receiver.covers(source, now_ms):
                yield from _in_trouble(receiver, source, rows.get((receiver.name, source["id"])))
        for source in ending.values():
            # What is still owed of an outage comes first: that row is over within a minute or two.
            if (receiver.name, source["id"]) not in rows and receiver.wants(source):
                yield Step(act="first", row=_warned(receiver, source))
    names = {receiver.name for receiver in receivers}
    for row in rows.values():
        if row.receiver not in names:
            yield Step(act="forget", row=row)
        elif row.source_id not in troubled:
            yield from _after(row, now.get(row.source_id))


def _in_trouble(receiver: Receiver, source: Item, row: Told | None) -> Iterator[Step]:
    status = source["status"]
    owed = Event.DORMANT if status["state"] == State.DORMANT else Event.FAILING
    fresh = Told(
        receiver=receiver.name,
        source_id=source["id"],
        incarnation=source["incarnation"],
        since_ms=status["since"],
        owed=owed,
    )
    if row is None or row.outage != fresh.outage:
        yield Step(act="first", row=fresh)
    elif owed not in {row.told, row.owed} and row.told != Event.DORMANT:
        yield Step(act="next", row=replace(row, owed=owed))


def _warned(receiver: Receiver, source: Item) -> Told:
    """Name it alike however often the source fails for a moment meanwhile: once is enough."""
    return Told(
        receiver=receiver.name, source_id=source["id"], incarnation=source["incarnation"], since_ms=0,
        owed=Event.CERTIFICATE,
    )  # fmt: skip


def _after(row: Told, source: Item | None) -> Iterator[Step]:
    """Go on with a source that the index shows no trouble of: it may lag, so its row decides."""
    if source is None or not source.get("enabled", True) or source["incarnation"] != row.incarnation:
        yield Step(act="forget", row=row)
    elif Event.CERTIFICATE in (row.told, row.owed):
        if source["status"]["state"] == State.HEALTHY and "certificateDays" not in source["status"]:
            yield Step(act="forget", row=row)  # it was renewed
    elif source["status"]["state"] == State.HEALTHY:
        if not row.told:
            yield Step(act="forget", row=row)  # nobody heard that it failed
        elif row.owed != Event.RECOVERED:
            yield Step(act="next", row=replace(row, owed=Event.RECOVERED))
