"""Ports of a run: the usual ones if they are free, else any; all known before anything is deployed."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HOST = "127.0.0.1"
EMULATOR_PORT, DASHBOARD_PORT, FEEDS_PORT, GOOGLE_PORT = 4566, 8080, 8090, 8091
BACKLOG = 128
LOCK = "sheets-monitor-ports"


@contextmanager
def turn(place: Path) -> Iterator[None]:
    """
    Wait until no other run that locks the same place is between choosing a port and opening it, and be that run.

    `free` only names a port: of two runs that start at once both would take the same, and the second would deploy onto
    the embedded AWS of the first. The kernel's lock is given back by a killed process too.
    """
    handle = os.open(place / f"{LOCK}-{os.getuid()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def listen(usual_port: int) -> socket.socket:
    """Open a listening socket, to be handed to the process that serves it: nobody can take the port meanwhile."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(listener, usual_port)
    listener.listen(BACKLOG)
    return listener


def free(usual_port: int) -> int:
    """Name a port that is free now, for a server that opens its own socket: inside a `turn`, until it has."""
    with ExitStack() as closing:
        return port_of(closing.enter_context(listen(usual_port)))


def port_of(listener: socket.socket) -> int:
    """Give the port of a listening socket."""
    port: int = listener.getsockname()[1]
    return port


def _bind(listener: socket.socket, usual_port: int) -> None:
    try:
        listener.bind((HOST, usual_port))
    except OSError:
        listener.bind((HOST, 0))
