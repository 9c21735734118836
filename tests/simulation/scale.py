"""How large a schedule is: many short ones find what depends on order, few long ones what depends on time."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Scale:
    """
    Bounds of a schedule.

    A short one ends after `calls_max` store calls (reads of partitions that hold no row here are not counted) and is
    held to what must hold at every moment; one without that bound ends in calm, in which everything must come right.
    """

    shards: int
    sources: int
    workers_max: int
    trouble_s: float
    #: Seconds between two troubles, on average.
    pause_s: float
    look_every_s: float
    calls_max: int | None = None

    def workers(self, chance: Random) -> int:
        """Draw how many workers begin: small fleets as often as large ones."""
        return min(self.workers_max, int(self.workers_max ** chance.random() * 1.5) or 1)


SHORT = Scale(
    shards=4, sources=3, workers_max=3, trouble_s=40.0, pause_s=1.0, look_every_s=0.25, calls_max=200
)  # fmt: skip
LONG = Scale(shards=8, sources=6, workers_max=4, trouble_s=60.0, pause_s=1.4, look_every_s=0.2)
WIDE = Scale(shards=64, sources=12, workers_max=50, trouble_s=60.0, pause_s=1.0, look_every_s=0.5)

SCALES = {"short": SHORT, "long": LONG, "wide": WIDE}
