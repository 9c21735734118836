"""What time it is for a Lambda. Apart from `api.door`, so that the time costs no client."""

import time


def wall_ms() -> int:
    """Tell the time, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def clock_s() -> float:
    """Tell seconds that only grow."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
