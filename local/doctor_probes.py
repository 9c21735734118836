"""How the doctor looks at the real machine."""

import fcntl
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.children import marked
from local.doctor_machine import Probes

RUN_TIMEOUT_S = 20
LISTENING = "0A"
MB = 1_000_000


def real(root: Path) -> Probes:
    """Look at this machine."""
    return Probes(
        system=platform.system(),
        root=root,
        pyenv=Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"),
        run=lambda command: _run(command, path=_path_without(root)),
        which=lambda name: shutil.which(name, path=_path_without(root)),
        exists=Path.exists,
        glob=lambda folder, pattern: sorted(folder.glob(pattern)),
        read=_read,
        listener=_listener,
        free_mb=lambda path: shutil.disk_usage(path).free // MB,
        left_over=_left_over,
    )


def _path_without(root: Path) -> str:
    """Leave out what make and a virtual environment put before the rest of PATH."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder).is_relative_to(root))


def _run(command: Sequence[str], *, path: str) -> str | None:
    environment = {**os.environ, "PATH": path}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.strip()


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _listener(port: int) -> str:
    """Find who listens on a port: the kernel's table names a socket, the process that has it open a name."""
    inode = next((row[9] for row in _sockets() if row[3] == LISTENING and row[1].endswith(f":{port:04X}")), None)
    return _owner(f"socket:[{inode}]") if inode else ""


def _sockets() -> list[list[str]]:
    tables = (_read(Path("/proc/net") / name) or "" for name in ("tcp", "tcp6"))
    return [line.split() for table in tables for line in table.splitlines()[1:]]


def _owner(socket: str) -> str:
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and any(_target(file) == socket for file in _open_files(process)):
            command = (_read(process / "cmdline") or "?").replace("\0", " ").strip()
            return f"process {process.name} ({command[:60]})"
    return "somebody else's process"


def _open_files(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:  # ended meanwhile, or somebody else's
        return []


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # closed meanwhile
        return ""


def _left_over(folder: Path) -> int | None:
    """Ask the kernel's lock whether a run is alive, as `local.hold` does, which needs what may not be installed yet."""
    if not folder.is_dir():
        return 0
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    finally:
        os.close(handle)
    return len(list(marked(folder)))
