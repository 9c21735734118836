"""How long to wait after trouble: growing, jittered, bounded, never for ever."""

import random

from contracts.clock import SECOND_MS
from monitor_fleet.remedy import DORMANT_WAIT_MS, Remedy

#: Past this many doublings every bound has long been reached.
_DOUBLINGS_MAX = 20
#: At its longest a pause still varies by so much: what failed together does not come back together.
_JITTER_AT_LONGEST = 0.08

#: Our own trouble (the tables, the queue) is no reason to leave a source alone for long.
OWN_FIRST_S, OWN_MAX_S = 0.2, 5.0
#: Where each try asks the source anew, it is not asked for it much more often than by its schedule.
OWN_ASKING_MAX_S = 60.0


def source_wait_ms(
    interval_ms: int, failures: int, remedy: Remedy, chance: random.Random, *, dormant: bool = False
) -> int:
    """
    Say how long a source is left alone after so many failures in a row.

    Never shorter than its interval, never longer than the longest pause that its failure allows.
    """
    longest = max(remedy.longest_ms, DORMANT_WAIT_MS) if dormant and remedy.longest_ms else remedy.longest_ms
    return growing_ms(interval_ms, failures, longest, chance)


def growing_ms(first_ms: int, tries: int, longest_ms: int, chance: random.Random) -> int:
    """Double a pause with each try, with full jitter until the longest is reached; never shorter than the first."""
    reach = first_ms << min(tries, _DOUBLINGS_MAX)
    if reach < longest_ms:
        return int(chance.uniform(first_ms, reach))
    return max(first_ms, int(longest_ms * (1 - _JITTER_AT_LONGEST * chance.random())))


def own_wait_s(tries: int, chance: random.Random, *, longest_s: float = OWN_MAX_S) -> float:
    """Say how long to wait before asking AWS again, after so many tries."""
    longest = min(longest_s, OWN_FIRST_S * (1 << min(tries, _DOUBLINGS_MAX)))
    return chance.uniform(0.5, 1) * longest


def asking_max_s(interval_ms: int) -> float:
    """Say how long at most our own trouble keeps a source from being asked again: it is none of its server's."""
    return min(max(OWN_MAX_S, interval_ms / SECOND_MS), OWN_ASKING_MAX_S)
