"""End a stack that another terminal, or nobody any more, holds."""

import os
import signal
import time
from pathlib import Path

from local.hold import clean, holder, is_held

TIMEOUT_S = 40
LOOK_EVERY_S = 0.1


class StillRunningError(RuntimeError):
    """The run was told to end and did not."""


def down(folder: Path) -> None:
    """Tell a living run to end and wait for it; clean up after a dead one."""
    folder = folder.resolve()
    if not is_held(folder):
        left = clean(folder)
        print("no stack runs" + (f"; ended {left} processes of a killed one" if left else ""))
        return
    pid = holder(folder)
    if pid is None:
        raise StillRunningError(f"a run that is just starting or ending holds {folder}: try again")
    os.kill(pid, signal.SIGTERM)
    _wait_until_free(folder, pid)
    print("stopped")


def _wait_until_free(folder: Path, pid: int) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while is_held(folder):
        if time.monotonic() > deadline:
            raise StillRunningError(f"process {pid} still holds {folder} after {TIMEOUT_S} s")
        time.sleep(LOOK_EVERY_S)
