"""How long to wait after trouble: growing, jittered, bounded, never for ever."""

import random

from contracts.clock import SECOND_MS

#: A source that fails is asked again at least this often, unless its own interval is longer.
BACKOFF_MAX_MS = 15 * 60 * SECOND_MS
#: Past this many doublings the bound above has long been reached.
_DOUBLINGS_MAX = 20

#: Our own trouble (the tables, the queue) is no reason to leave a source alone for long.
OWN_FIRST_S, OWN_MAX_S = 0.2, 5.0


def source_wait_ms(interval_ms: int, failures: int, retry_after_s: float | None, chance: random.Random) -> int:
    """Say how long a source is left alone after so many failures in a row; never shorter than its interval."""
    longest = max(interval_ms, min(BACKOFF_MAX_MS, interval_ms << min(failures, _DOUBLINGS_MAX)))
    wait = chance.uniform(interval_ms, longest)
    return int(max(wait, (retry_after_s or 0) * SECOND_MS))


def own_wait_s(tries: int, chance: random.Random) -> float:
    """Say how long to wait before asking AWS again, after so many tries."""
    longest = min(OWN_MAX_S, OWN_FIRST_S * (1 << min(tries, _DOUBLINGS_MAX)))
    return chance.uniform(0.5, 1) * longest
