"""How large a schedule is: many short ones find what depends on order, few long ones what depends on time."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Scale:
    """
    Bounds of a schedule.

    A short one ends after `calls_max` store calls and is
    held to what must hold at every moment; one without that bound ends in calm, in which everything must come right.
    """

    shards: int
    sources: int
    workers_max: int
    trouble_s: float
    #: Seconds between two troubles, on average.
    pause_s: float
    look_every_s: float
    #: How many of all troubles are changes, edits and deletions of sources; the others befall workers and store.
    sources_share: float = 0.5
    #: Of what befalls workers: so many times as often as a kill they are stopped for a while.
    stops: int = 2
    #: At most this share of all writes lands long after its sender gave up.
    late_share_max: float = 0.12
    #: At most this share of all ways takes forty times as long as the others.
    slow_share_max: float = 0.02
    calls_max: int | None = None

    def workers(self, chance: Random) -> int:
        """Draw how many workers begin: small fleets as often as large ones."""
        return min(self.workers_max, int(self.workers_max ** chance.random() * 1.5) or 1)


SHORT = Scale(
    shards=4, sources=3, workers_max=3, trouble_s=40.0, pause_s=1.0, look_every_s=0.25, calls_max=200
)  # fmt: skip
LONG = Scale(shards=8, sources=6, workers_max=4, trouble_s=60.0, pause_s=1.4, look_every_s=0.2)
WIDE = Scale(shards=64, sources=12, workers_max=50, trouble_s=60.0, pause_s=1.0, look_every_s=0.5)
#: Two workers that come, go, freeze and die all the time: what needs several moves of one shard within seconds.
RESTLESS = Scale(
    shards=2, sources=2, workers_max=2, trouble_s=60.0, pause_s=2.5, look_every_s=0.2, sources_share=0.1, stops=6,
    late_share_max=0.4, slow_share_max=0.1,
)  # fmt: skip

SCALES = {"short": SHORT, "long": LONG, "wide": WIDE, "restless": RESTLESS}
