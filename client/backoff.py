"""How long to wait before the next try: exponential with full jitter, and never giving up."""

import random

BASE_MS = 500
CAP_MS = 30_000


def backoff_ms(attempt: int, chance: random.Random) -> float:
    """Draw a wait; `attempt` counts from 0."""
    return chance.random() * min(CAP_MS, BASE_MS * 2.0 ** min(attempt, 16))
