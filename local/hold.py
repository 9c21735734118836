"""One run per folder: the kernel's lock on the folder, which even a killed process gives back."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import state
from local.children import kill_marked

PID_FILE = "up.pid"
SCRATCH = "scratch"


class AlreadyRunningError(RuntimeError):
    """Another process holds the folder; the text says which."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder for one run, cleaned before and after."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        clean(folder)
        (folder / PID_FILE).write_text(str(os.getpid()))
        try:
            yield
        finally:
            clean(folder)
    finally:
        os.close(handle)


def is_held(folder: Path) -> bool:
    """Tell whether a run holds the folder."""
    if not folder.is_dir():
        return False
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def holder(folder: Path) -> int | None:
    """Give the process id of the run that holds, or last held, the folder."""
    try:
        return int((folder / PID_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None


def clean(folder: Path) -> int:
    """Remove what a run leaves: its processes, temporary files and state; gives how many processes there were."""
    killed = kill_marked(folder)
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    for name in (state.FILE, f"{state.FILE}.part", PID_FILE):
        (folder / name).unlink(missing_ok=True)
    return killed


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        found = state.read(folder)
        where = f" and serves {found.dashboard_url}" if found else ""
        raise AlreadyRunningError(
            f"a local stack runs already: process {holder(folder)} holds {folder}{where}"
        ) from busy
