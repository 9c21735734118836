"""Ports of a run: the usual ones if they are free, else any; all known before anything is deployed."""

import socket
from contextlib import ExitStack

HOST = "127.0.0.1"
EMULATOR_PORT, DASHBOARD_PORT, FEEDS_PORT, GOOGLE_PORT = 4566, 8080, 8090, 8091
BACKLOG = 128


def listen(usual_port: int) -> socket.socket:
    """Open a listening socket, to be handed to the process that serves it: nobody can take the port meanwhile."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(listener, usual_port)
    listener.listen(BACKLOG)
    return listener


def free(usual_port: int) -> int:
    """Name a port that is free now, for a server that opens its own socket."""
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
