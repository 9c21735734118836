"""
Metrics as members of a log line: CloudWatch's embedded metric format, which a log group turns into metrics by itself.

So nobody needs a client, a right or a request for them: the line goes to stdout like any other. The format's rules:
AWS, "Specification: Embedded metric format". Names and dimensions stand here once, for those who write, chart and
wake somebody up. A worker or a connection is never a dimension: each value of one is a metric of its own, and paid.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NAMESPACE = "SheetMonitorFleet"
#: Dimensions: which stack, as in the names of its log groups; which kind of worker.
STACK, KIND = "Stack", "Kind"

METRICS_MAX = 100
VALUES_MAX = 100
DIMENSION_CHARACTERS_MAX = 1_024


class Unit(StrEnum):
    """What a metric counts, in CloudWatch's words."""

    COUNT = "Count"
    MILLISECONDS = "Milliseconds"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of ours."""

    name: str
    unit: Unit = Unit.COUNT


# A worker, once a minute; dimensions Stack and Kind. Counts are of that minute, the others are as they are then.
POLL_LAG_P50 = Metric(name="PollLagP50", unit=Unit.MILLISECONDS)
POLL_LAG_P99 = Metric(name="PollLagP99", unit=Unit.MILLISECONDS)
POLL_LAG_MAX = Metric(name="PollLagMax", unit=Unit.MILLISECONDS)
#: By how much the oldest poll that has not begun was late, at its worst.
OVERDUE = Metric(name="OverdueMax", unit=Unit.MILLISECONDS)
#: How long ago the last good renewal was sent, at its worst: beyond 5 s the worker had no right to poll.
HEARTBEAT_AGE = Metric(name="HeartbeatAgeMax", unit=Unit.MILLISECONDS)
OWNED_SHARDS = Metric(name="OwnedShards")
#: Claimed, or given by another worker.
SHARDS_GAINED = Metric(name="ShardsGained")
SHARDS_GIVEN = Metric(name="ShardsGiven")
#: Let go of at once: the row named another, or this worker was declared dead.
SHARDS_LOST = Metric(name="ShardsLost")
#: This worker was declared dead and let go of everything.
SELF_FENCES = Metric(name="SelfFences")
#: Others that this worker declared dead.
WORKERS_MARKED_DEAD = Metric(name="WorkersMarkedDead")
SOURCES = Metric(name="Sources")
FAILING_SOURCES = Metric(name="FailingSources")
# Polls, in all and by how they ended: at a rung of the ladder, with a change committed, or otherwise.
POLLS = Metric(name="Polls")
POLLS_NOT_MODIFIED = Metric(name="PollsNotModified")
POLLS_SAME_WIRE = Metric(name="PollsSameWire")
POLLS_SAME_DECODED = Metric(name="PollsSameDecoded")
POLLS_SAME_DOCUMENT = Metric(name="PollsSameDocument")
COMMITS = Metric(name="Commits")
POLLS_FAILED = Metric(name="PollsFailed")
#: AWS, or a process of ours, did not do what was asked.
POLLS_TROUBLED = Metric(name="PollsTroubled")
#: Due times that passed because a poll had to wait for room: intervals are longer than they were asked to be.
POLLS_STRETCHED = Metric(name="PollsStretched")
#: Turns without a request: the host wants to be left alone, or one source asks for all.
POLLS_HELD_BACK = Metric(name="PollsHeldBack")
CIRCUITS_OPEN = Metric(name="CircuitsOpen")
#: Writes refused because a newer owner, an edit or a deletion had fenced the head.
FENCES_REFUSED = Metric(name="FencesRefused")

# The Lambda behind sockets and queue, a line per invocation; dimension Stack.
#: From the commit to the last post of a pass.
FAN_OUT_LAG = Metric(name="FanOutLag", unit=Unit.MILLISECONDS)
POSTS = Metric(name="Posts")
#: Answered 429 for the account's quota.
POSTS_THROTTLED = Metric(name="PostsThrottled")
POSTS_FAILED = Metric(name="PostsFailed")
#: Answered 429 because a client does not read.
POSTS_SLOW = Metric(name="PostsSlow")
#: Connections that were found closed.
POSTS_GONE = Metric(name="PostsGone")
#: Passes over buckets, the versions in them that nobody heard of alone, and how often the longest was continued.
PASSES = Metric(name="Passes")
VERSIONS_CONFLATED = Metric(name="VersionsConflated")
HOPS = Metric(name="HopsMax")
#: Buckets that lag a minute after their message came again.
BUCKETS_LAGGING = Metric(name="BucketsLagging")

type Value = float | Sequence[float]


def embed(values: Mapping[Metric, Value], *, dimensions: Mapping[str, str], at_ms: int) -> dict[str, Any]:
    """
    Give the members that turn a log line into metrics: `json.dumps({**line, **embed(…)})`.

    The line must be the whole log event. Several values of one metric in a line are several data points, of which
    CloudWatch makes its percentiles. Raises ValueError for what AWS would drop in silence.
    """
    _check(values, dimensions)
    declared = [{"Name": metric.name, "Unit": metric.unit.value} for metric in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": declared}
    return {
        "_aws": {"Timestamp": at_ms, "CloudWatchMetrics": [directive]},
        **dimensions,
        **{metric.name: value if isinstance(value, int | float) else list(value) for metric, value in values.items()},
    }


def _check(values: Mapping[Metric, Value], dimensions: Mapping[str, str]) -> None:
    if not 0 < len(values) <= METRICS_MAX:
        raise ValueError(f"a line carries 1 to {METRICS_MAX} metrics, not {len(values)}")
    for metric, value in values.items():
        numbers = [value] if isinstance(value, int | float) else value
        if not 0 < len(numbers) <= VALUES_MAX:
            raise ValueError(f"{metric.name} has 1 to {VALUES_MAX} values, not {len(numbers)}")
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"{metric.name} is not a number: {value}")
    for name, text in dimensions.items():
        if not (text.strip() and text.isascii() and text.isprintable() and len(text) <= DIMENSION_CHARACTERS_MAX):
            raise ValueError(f"the dimension {name} cannot be {text!r}")
