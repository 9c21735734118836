"""What runs behind everything else is still one command: its result, its end."""

import os
import signal
import subprocess
import sys

import pytest

from tests.behind import NICE

BEHIND = (sys.executable, "-m", "tests.behind")
READY_THEN_WAIT = "echo ready; exec sleep 60"


def test_it_is_nice():
    """Whatever else wants a core has most of it; nothing becomes less nice by it."""
    said = subprocess.run([*BEHIND, "nice"], capture_output=True, text=True, check=True)
    assert int(said.stdout) == max(NICE, os.nice(0))


@pytest.mark.parametrize("status", [0, 3])
def test_its_status_is_that_of_the_command(status: int):
    """`make` goes by it."""
    assert subprocess.run([*BEHIND, "sh", "-c", f"exit {status}"], check=False).returncode == status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_it_ends_the_command(number: signal.Signals):
    """Ctrl-C reaches only the session of the terminal, so it is passed on; nothing runs on unseen."""
    with subprocess.Popen([*BEHIND, "sh", "-c", READY_THEN_WAIT], stdout=subprocess.PIPE, text=True) as behind:
        assert behind.stdout is not None
        assert behind.stdout.readline() == "ready\n"
        behind.send_signal(number)
        assert behind.wait() == 128 + number
