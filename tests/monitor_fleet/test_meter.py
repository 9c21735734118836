"""The minute's line of metrics."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from monitor_fleet.lags import Lags
from monitor_fleet.log import Count, JsonLines, configure
from monitor_fleet.meter import SAMPLES_PER_LINE, Meter
from monitor_fleet.reading import Reading

IDLE = Reading(
    worker="w", kind="external", may_act=True, is_ticking=True, owned_shards=(), sources=0, failing_sources=0,
    in_flight=0, in_flight_slow=0, large_bytes=0, large_waits=0, overdue_ms=0, overloaded=False,
    circuits_open=0, blames_itself=False, heartbeat_age_ms=None, polls=Counter(), skipped=Counter(), moves=Counter(),
)  # fmt: skip
NOW_MS = 1_795_000_000_000


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Give what the worker's log says."""
    out, logger = StringIO(), logging.getLogger("monitor_fleet")
    handler, level = logging.StreamHandler(out), logger.level
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield out
    logger.removeHandler(handler)
    logger.setLevel(level)


class World:
    """A worker whose readings and time the test sets."""

    def __init__(self) -> None:
        self.reading, self.lags, self.events = IDLE, Lags(), Counter[str]()
        self.slept = 0
        self.at: dict[int, Reading] = {}
        self.meter = Meter(
            read=lambda: self.reading, lags=self.lags, events=self.events, now_ms=lambda: NOW_MS, sleep=self._sleep,
            dimensions={"Stack": "fleet-dev", "Kind": "external"},
        )  # fmt: skip

    async def run(self, seconds: int) -> None:
        """Let so many seconds pass, then stop."""
        self._end = seconds
        with pytest.raises(asyncio.CancelledError):
            await self.meter.run()

    async def _sleep(self, seconds: float) -> None:
        if self.slept == self._end:
            raise asyncio.CancelledError
        self.slept += int(seconds)
        self.reading = self.at.get(self.slept, self.reading)


def lines(log: StringIO) -> list[dict[str, Any]]:
    """Read the lines."""
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_counts_what_happened_since_the_last(log: StringIO):
    """Counters only grow; a minute's numbers are how far."""
    world = World()
    polls = Counter({"304": 5, "changed": 2, "failed_timeout": 3, "failed_http": 1, "own_trouble": 1})
    world.reading = replace(IDLE, polls=polls, moves=Counter(gained=4), owned_shards=(1, 2, 9), sources=7)
    world.meter.write()
    world.reading = replace(world.reading, polls=polls + Counter({"304": 2}), moves=Counter(gained=4, given=1))
    world.events["self_fenced"] += 1
    world.meter.write()

    first, second = lines(log)
    names = ("Polls", "PollsNotModified", "Commits", "PollsFailed", "PollsTroubled", "ShardsGained", "ShardsGiven")
    assert [first[name] for name in names] == [12, 5, 2, 4, 1, 4, 0]
    assert [second[name] for name in names] == [2, 2, 0, 0, 0, 0, 1]
    assert (first["failures"], second["failures"]) == ({"timeout": 3, "http": 1}, {})
    assert (first["SelfFences"], second["SelfFences"]) == (0, 1)
    assert (first["OwnedShards"], first["Sources"], first["worker"], first["Kind"]) == (3, 7, "w", "external")


def test_the_worst_moment_of_a_minute_is_told(log: StringIO):
    """A heartbeat that was late for ten seconds is over when the minute is."""
    world = World()
    world.at = {20: replace(IDLE, heartbeat_age_ms=9_000, overdue_ms=700), 30: replace(IDLE, heartbeat_age_ms=40)}
    asyncio.run(world.run(2 * SAMPLES_PER_LINE))

    first, second, at_the_end = lines(log)
    assert (first["HeartbeatAgeMax"], first["OverdueMax"]) == (9_000, 700)
    assert (second["HeartbeatAgeMax"], second["OverdueMax"]) == (40, 0)
    assert at_the_end["event"] == "metrics"


def test_the_last_minute_counts_too(log: StringIO):
    """A worker that is scaled in has polled until then."""
    world = World()
    world.at = {3: replace(IDLE, polls=Counter({"304": 8}))}
    asyncio.run(world.run(3))

    (line,) = lines(log)
    assert line["Polls"] == 8


def test_every_metric_is_on_every_line_but_lags_of_no_polls(log: StringIO):
    """Zero is data, or an alarm on it could not tell well from silent; a lag of nothing is no number."""
    world = World()
    world.meter.write()
    for lag_ms in (0, 0, 3, 250):
        world.lags.note(lag_ms)
    world.meter.write()

    idle, busy = ({one["Name"] for one in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} for line in lines(log))
    assert busy - idle == {"PollLagP50", "PollLagP99", "PollLagMax"}
    assert idle < busy
    assert (lines(log)[1]["PollLagP50"], lines(log)[1]["PollLagMax"]) == (0, 250)


def test_what_is_logged_is_counted():
    """By event, whatever its fields."""
    events = Counter[str]()
    logger = logging.Logger("monitor_fleet.x")  # noqa: LOG001 - one that nobody else listens to
    logger.addHandler(Count(events))
    for worker in "ab":
        logger.warning("marked_dead", extra={"worker": worker})
    logger.info("joined")

    assert events == {"marked_dead": 2, "joined": 1}


def test_configuring_gives_the_counts():
    """Set up once, at the process's door; here put back as it was."""
    root, ours = logging.getLogger(), logging.getLogger("monitor_fleet")
    before = (list(root.handlers), root.level, list(ours.handlers), ours.level)
    out = StringIO()
    try:
        events = configure(out)
        ours.info("joined")
    finally:
        root.handlers, ours.handlers = before[0], before[2]
        root.setLevel(before[1])
        ours.setLevel(before[3])

    assert events == {"joined": 1}
    assert json.loads(out.getvalue())["event"] == "joined"
