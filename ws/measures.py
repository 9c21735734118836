"""What an invocation's log line carries besides its words: metrics, of what posted and of each minute."""

from collections.abc import Mapping
from typing import Any

from contracts import metrics
from contracts.metrics import STACK, VALUES_MAX, Metric, Value
from ws.post import Tally
from ws.world import World

type Line = Mapping[str, Any]


def measured(world: World, line: Line) -> dict[str, Any]:
    """Add the metrics of a line; a handshake or a goodbye has none."""
    values = _values(line, world.post.tally())
    if not values or not world.stack:
        return dict(line)
    return {**line, **metrics.embed(values, dimensions={STACK: world.stack}, at_ms=world.now_ms())}


def _values(line: Line, tally: Tally) -> dict[Metric, Value]:
    values: dict[Metric, Value] = {}
    if tally.posts:
        values |= {
            metrics.POSTS: tally.posts,
            metrics.POSTS_THROTTLED: tally.throttled,
            metrics.POSTS_SLOW: tally.slow,
        }
    if line.get("passes"):
        values |= {
            metrics.PASSES: line["passes"],
            metrics.POSTS_GONE: line["gone"],
            metrics.POSTS_FAILED: line["failed"],
            metrics.VERSIONS_CONFLATED: line["conflated"],
            metrics.HOPS: line["hops"],
        }
    if line.get("lags_ms"):
        values[metrics.FAN_OUT_LAG] = line["lags_ms"][:VALUES_MAX]
    if line["event"] == "minute":
        values[metrics.BUCKETS_LAGGING] = line["lagging"]
    return values
