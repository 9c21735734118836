"""How many sockets a worker may hold."""

import subprocess
import sys


def test_a_worker_takes_all_the_files_that_it_may_have():
    """What a shell gives at first is less than the hosts there are."""
    code = (
        "import resource; from monitor_fleet.sockets import allow_many;"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512));"
        "print(allow_many(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["512"] * 3
