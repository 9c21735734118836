"""Processes of a run: started apart from the terminal, found again by a mark, ended as a whole."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Every process of a run carries this variable with the run's folder, so that a later run can tell its own.
MARKER = "MONITOR_FLEET_RUN"
#: How long an ended process may stay in the table of processes before that is an error of ours.
KILL_WAIT_S = 5
POLL_EVERY_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process with a session of its own: Ctrl-C reaches only its parent, which ends it in order."""

    process: subprocess.Popen[bytes]
    log: Path | None

    @property
    def pid(self) -> int:
        """Give the process id, which is also its group's."""
        return self.process.pid


def spawn(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path | None, cwd: Path, fds: Sequence[int] = ()
) -> Child:
    """
    Start a process. Without a log it writes where its parent writes.

    Its stdin closes when this process ends, however it ends: whoever reads it knows that nobody wants it any more.
    """
    output = log.open("ab") if log else None
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=True,
            pass_fds=tuple(fds),
        )
    finally:
        if output:
            output.close()
    return Child(process=process, log=log)


def stop(child: Child, *, timeout_s: float) -> None:
    """Ask a process to end, and end its whole group if it does not."""
    if child.process.poll() is None:
        child.process.terminate()
    try:
        child.process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _kill_group(child.pid)
        child.process.wait(KILL_WAIT_S)
    if child.process.stdin:
        child.process.stdin.close()


def tell(child: Child, line: str) -> None:
    """Write a line to a process that waits for one."""
    assert child.process.stdin is not None
    child.process.stdin.write(line.encode())
    child.process.stdin.flush()


def clean_environment(scratch: Path, run: Path) -> dict[str, str]:
    """Give what every process of a run gets: nothing of the user's own, so no AWS profile can be met by accident."""
    return {
        "PATH": os.defpath,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        MARKER: str(run),
    }


def marked(run: Path) -> Iterator[int]:
    """Find the living processes that carry the mark of a run's folder, whoever is their parent now."""
    mark = f"{MARKER}={run}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and mark in _environment_of(entry):
            yield int(entry.name)


def kill_marked(run: Path) -> int:
    """Kill every process that a run left behind, but for the caller; gives how many there were."""
    found = _others(run)
    for pid in found:
        _kill(pid)
    deadline = time.monotonic() + KILL_WAIT_S
    while _others(run) and time.monotonic() < deadline:
        time.sleep(POLL_EVERY_S)
    return len(found)


def _others(run: Path) -> list[int]:
    return [pid for pid in marked(run) if pid != os.getpid()]


def _environment_of(entry: Path) -> Sequence[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or somebody else's
        return ()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
