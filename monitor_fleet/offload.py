"""
Work of more than about 5 ms leaves the event loop: a small pool of processes does it.

Threads would not do: they only take turns with the loop.
"""

import asyncio
import logging
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

log = logging.getLogger(__name__)

PROCESSES = 2
#: What a process may hold: twice what the largest documents take with their step. What takes more is some selector's
#: doing, and ends with an error instead of with the whole worker.
MEMORY_BYTES_MAX = 640 * 1_024 * 1_024


class Offload(Protocol):
    """Runs a pure, picklable function somewhere else."""

    def __call__[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` with its arguments."""
        ...


class OffloadFailed(Exception):
    """The process that did the work died; another one is there for the next."""


class TakesTooMuch(OffloadFailed):
    """The work takes more memory than a process of the pool may hold."""


class Pool:
    """A pool that starts with its first work and is replaced when one of its processes dies."""

    def __init__(self, *, processes: int = PROCESSES) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def __call__[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in another process."""
        self._pool = self._pool or self._start()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, _call, work, args, kwargs)
        except BrokenProcessPool as error:
            self.close()
            raise OffloadFailed("a process of the pool died") from error
        except MemoryError as error:
            raise TakesTooMuch(f"it takes more than {MEMORY_BYTES_MAX >> 20} MiB") from error

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        # spawn, because this process has threads and an event loop, which a fork would copy half-way
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, mp_context=context, initializer=_begin)


def _call[T](work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    return work(*args, **kwargs)


def _begin() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    _die_with_parent()


def _die_with_parent() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it: a killed worker closes no pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # only a child runs this

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
