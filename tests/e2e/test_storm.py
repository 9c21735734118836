"""A fleet of real processes in bad weather; `make soak` has more of it."""

from collections.abc import Callable
from pathlib import Path

from tests.e2e.storm import storm

#: Longer than a right holds and than a verdict takes.
OUTAGE_S = 10
#: Starting many takes its time on two cores: `make soak` goes to eight, to two and back.
COUNTS = (1,)
#: Each core runs a stack and other tests besides: here the states are the rule, the seconds are the bench's.
SLOWER = 6


async def test_whatever_happens_to_workers_a_subscriber_ends_with_exactly_the_sources_state(
    folder: Path, tmp_path: Path, scale: Callable[[int], None]
):
    """Killed, frozen, cut off from AWS, scaled to 1, clocks a second apart: every version came, in order."""
    scale(0)
    await storm(folder, tmp_path, outage_s=OUTAGE_S, rounds=1, counts=COUNTS, say=print, slower=SLOWER)
