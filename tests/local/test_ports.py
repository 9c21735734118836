"""Two runs that start at once never choose the same port."""

import subprocess
import sys
from pathlib import Path

from local.ports import free, listen, port_of, turn

KILLED = 9
TRY = """
import sys
from pathlib import Path
from local.ports import turn
print("asked", flush=True)
with turn(Path(sys.argv[1])):
    print("had", flush=True)
"""


def test_a_run_waits_until_another_has_opened_what_it_chose(tmp_path: Path):
    """The second is let in when the first is done, and not before."""
    with turn(tmp_path):
        second = subprocess.Popen([sys.executable, "-c", TRY, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline() == "asked\n"
        with listen(0) as opened:
            assert free(port_of(opened)) != port_of(opened)
        assert second.poll() is None
    rest, _ = second.communicate()
    assert (rest, second.returncode) == ("had\n", 0)


def test_a_run_that_was_killed_in_its_turn_holds_up_nobody(tmp_path: Path):
    """The kernel gives the lock back, however the process ended."""
    killed = TRY + "    import os\n    os._exit(9)\n"
    assert subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False).returncode == KILLED
    with turn(tmp_path):
        pass
