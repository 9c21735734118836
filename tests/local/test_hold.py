"""One run per folder, and nothing left of it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import hold
from local.children import Child, clean_environment, kill_marked, marked, spawn, stop
from local.hold import AlreadyRunningError

SLEEPER = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def started(command: list[str], folder: Path) -> Child:
    """Start a process that carries the folder's mark, and wait until it speaks."""
    log = folder / "child.log"
    child = spawn(command, environment=clean_environment(folder, folder), log=log, cwd=folder)
    while not log.read_text():
        assert child.process.poll() is None
    return child


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    """Give a marked process."""
    made = started(SLEEPER, tmp_path)
    yield made
    stop(made, timeout_s=5)


def test_a_second_run_is_told_that_one_runs(tmp_path: Path):
    """And by whom: two runs would fight over state and processes."""
    with hold.held(tmp_path), pytest.raises(AlreadyRunningError, match="runs already: process"), hold.held(tmp_path):
        pass

    assert not hold.is_held(tmp_path)


def test_a_run_leaves_nothing_but_its_logs(tmp_path: Path):
    """No state, no temporary files, no note of who ran."""
    with hold.held(tmp_path):
        (tmp_path / "scratch").mkdir()
        (tmp_path / "scratch" / "unpacked").write_text("")
        (tmp_path / "state.json").write_text("{}")
        (tmp_path / "logs").mkdir()
        assert hold.is_held(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_a_killed_run_is_cleaned_up_by_the_next(tmp_path: Path, child: Child):
    """The kernel gave its lock back; its processes are found by their mark."""
    (tmp_path / "state.json").write_text("{}")
    (tmp_path / "up.pid").write_text("999999999")
    with hold.held(tmp_path):
        assert child.process.wait(5) != 0
        assert not (tmp_path / "state.json").exists()


def test_only_processes_with_this_very_mark_are_ended(tmp_path: Path, child: Child):
    """Another folder's run, or anybody's process, is none of ours."""
    neighbour = tmp_path / "neighbour"
    neighbour.mkdir()

    assert kill_marked(neighbour) == 0
    assert list(marked(tmp_path)) == [child.pid]
    assert child.process.poll() is None


def test_whoever_ignores_the_request_to_end_is_killed(tmp_path: Path):
    """Bounded: nothing outlives its time."""
    stubborn = started(STUBBORN, tmp_path)
    stop(stubborn, timeout_s=0.1)

    assert stubborn.process.returncode == -9


def test_a_process_notices_that_its_parent_is_gone(tmp_path: Path):
    """Its stdin closes with the parent, even if that was killed."""
    code = (
        "import os, sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from local.children import clean_environment, spawn\n"
        "folder = pathlib.Path(sys.argv[2])\n"
        f"spawn({SLEEPER!r}, environment=clean_environment(folder, folder), log=folder / 'log', cwd=folder)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    root = Path(__file__).parent.parent.parent
    subprocess.run([sys.executable, "-c", code, str(root), str(tmp_path)], check=False)
    while list(marked(tmp_path)):
        pass

    assert not list(marked(tmp_path))
