"""Start the parts of a run, one function each; what must end is handed to the run's exit stack."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import agent, emulator, state
from local.children import Child, spawn, stop, tell
from local.config import NOT_CREATED
from local.hold import SCRATCH
from local.state import State

DEPLOY_TIMEOUT_S = 120
WORKERS_TIMEOUT_S = 20
#: Longer than the agent gives its workers.
AGENT_STOP_TIMEOUT_S = 15
STOP_TIMEOUT_S = 5
LOOK_EVERY_S = 0.05


class StartFailedError(RuntimeError):
    """A part of the stack did not come up; the text says which and shows what it said."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where a run lives, and what its processes are told."""

    root: Path
    folder: Path
    environment: Mapping[str, str]

    @property
    def logs(self) -> Path:
        """Where each process writes; the one thing that stays."""
        return self.folder / "logs"


def start_emulator(run: Run, started: ExitStack, *, port: int, endpoint: str) -> Child:
    """Start the embedded AWS and wait for it."""
    child = emulator.start(
        run.root,
        port=port,
        scratch=run.folder / SCRATCH,
        log=run.logs / "emulator.log",
        environment=run.environment,
    )
    started.callback(stop, child, timeout_s=STOP_TIMEOUT_S)
    emulator.wait_until_ready(child, endpoint, sleep=time.sleep)
    return child


def deploy(run: Run, *, endpoint: str, config: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the stack program onto the embedded AWS, say what that lacks, and give the program's exports."""
    request = {"root": str(run.root), "endpoint": endpoint, "config": config}
    done = subprocess.run(
        [sys.executable, "-m", "local.deploy"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=dict(run.environment),
        cwd=run.root,
        timeout=DEPLOY_TIMEOUT_S,
        check=False,
    )
    (run.logs / "deploy.log").write_text(done.stderr)
    if done.returncode:
        raise StartFailedError(f"the stack program failed:\n{done.stderr.strip()}")
    for line in done.stderr.splitlines():
        if line.startswith(NOT_CREATED):
            say(line)
    exports: dict[str, Any] = json.loads(done.stdout)
    return exports


def start_servers(run: Run, started: ExitStack, *, request: Mapping[str, Any], fds: tuple[int, ...]) -> Child:
    """Start what serves the demo feeds and the dashboard."""
    child = _module(run, "local.servers", started, log=run.logs / "servers.log", fds=fds, timeout_s=STOP_TIMEOUT_S)
    tell(child, json.dumps(request) + "\n")
    return child


def start_agent(run: Run, started: ExitStack, *, fd: int) -> Child:
    """Start the agent, which waits to be told that the state is there; crashes of workers go to the console."""
    return _module(run, "local.agent", started, log=None, fds=(fd,), timeout_s=AGENT_STOP_TIMEOUT_S)


def wait_for_workers(run: Run, child: Child, *, fd: int, wanted: int) -> State:
    """Let the agent begin, and give the state that tells of all its workers."""
    tell(child, agent.Request(root=run.root, folder=run.folder, listener_fd=fd).line())
    for _ in range(int(WORKERS_TIMEOUT_S / LOOK_EVERY_S)):
        found = state.read(run.folder)
        if found and sum(map(len, found.pids.workers.values())) >= wanted:
            return found
        check_alive(child, "the agent")
        time.sleep(LOOK_EVERY_S)
    raise StartFailedError(f"fewer than {wanted} workers after {WORKERS_TIMEOUT_S} s: see {run.logs}")


def check_alive(child: Child, what: str) -> None:
    """Refuse to call a stack ready of which a part has ended already."""
    if child.process.poll() is not None:
        said = child.log.read_text(errors="replace").strip() if child.log else ""
        raise StartFailedError(f"{what} ended at once:\n{said}")


def _module(
    run: Run, name: str, started: ExitStack, *, log: Path | None, fds: tuple[int, ...], timeout_s: float
) -> Child:
    command = [sys.executable, "-m", name]
    child = spawn(command, environment=run.environment, log=log, cwd=run.root, fds=fds)
    started.callback(stop, child, timeout_s=timeout_s)
    return child
