"""
Run a command with what the machine has left: `python -m tests.behind make unit`.

To be nice is not enough: Linux shares its cores between sessions first, and inside of each by niceness (sched(7), "the
autogroup feature"). The command gets a session of its own, with a niceness of its own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

#: It has a tenth of what others have where they want all there is: a test that waits for a socket must not give up.
NICE = 10
#: Of the session that reads it; only Linux has it.
AUTOGROUP = Path("/proc/self/autogroup")
#: A session of its own has no terminal that could send these.
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(command: Sequence[str]) -> int:
    """Run it to its end; gives its exit status, as a shell says it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until they can be passed on
    # The function is called in the new session, before the command.
    child = subprocess.Popen(command, start_new_session=True, preexec_fn=_step_back)  # noqa: PLW1509 - no other thread

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.killpg(child.pid, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    status = child.wait()
    return 128 - status if status < 0 else status


def _step_back() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    os.setpriority(os.PRIO_PROCESS, 0, max(NICE, os.nice(0)))
    if AUTOGROUP.exists():
        AUTOGROUP.write_text(str(NICE))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
