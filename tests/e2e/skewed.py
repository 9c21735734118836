"""
A worker whose wall clock is wrong: the same program with another `now`.

Run as `python -m tests.e2e.skewed` in the worker's place; every other worker's clock is a second ahead. Which one this
is the agent says by the name of its log, the only thing that differs between tasks of one definition.
"""

import re
import sys
from pathlib import Path

from monitor_fleet.__main__ import main, wall_ms

AHEAD_MS = 1_000


def ahead_ms(log: str) -> int:
    """Say by how much the clock of the worker that writes to this file is ahead."""
    found = re.search(r"-(\d+)\.log$", log)
    assert found, log
    return int(found[1]) % 2 * AHEAD_MS


if __name__ == "__main__":
    skew_ms = ahead_ms(Path("/proc/self/fd/1").readlink().name)
    sys.exit(main(lambda: wall_ms() + skew_ms))
