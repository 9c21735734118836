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
from functools import partial
from types import FrameType
from typing import Protocol

log = logging.getLogger(__name__)

PROCESSES = 2
#: What a process may hold: twice what the largest documents take with their step. What takes more is some selector's
#: doing, and ends with an error instead of with the whole worker.
MEMORY_BYTES_MAX = 640 * 1_024 * 1_024
#: CPU that one work may take: several times what the largest documents take with their step. What takes more is some
#: selector's doing too, and would keep one of the pool's few processes from all other sources.
CPU_S_MAX = 30.0


class Offload(Protocol):
    """Runs a pure, picklable function somewhere else."""

    def __call__[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run `work` with its arguments."""
        ...


class OffloadFailed(Exception):
    """The process that did the work died; another one is there for the next."""


class TakesTooMuch(OffloadFailed):
    """The work takes more memory or more time than a process of the pool may give it; the text says which."""


class _OutOfTime(BaseException):
    """Raised in the midst of the work, and no Exception: nothing that the work calls may take it for its own."""


class Pool:
    """A pool that starts with its first work and is replaced when one of its processes dies."""

    def __init__(self, *, processes: int = PROCESSES, cpu_s_max: float = CPU_S_MAX) -> None:
        self._processes, self._cpu_s_max = processes, cpu_s_max
        self._pool: ProcessPoolExecutor | None = None

    async def __call__[**P, T](self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in another process."""
        pool = self._pool = self._pool or self._start()
        timed = partial(_call, work, args, kwargs, cpu_s_max=self._cpu_s_max)
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, timed)
        except BrokenProcessPool as error:
            if self._pool is pool:  # else another one is there already, with the work of others
                self.close()
            raise OffloadFailed("a process of the pool died") from error
        except MemoryError as error:
            raise TakesTooMuch(f"it takes more than {MEMORY_BYTES_MAX >> 20} MiB of memory") from error

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        # spawn, because this process has threads and an event loop, which a fork would copy half-way
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, mp_context=context, initializer=_begin)


def _call[T](work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], *, cpu_s_max: float) -> T:
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s_max)
        try:
            return work(*args, **kwargs)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _OutOfTime as late:  # also where time ran out while the timer was being stopped
        raise TakesTooMuch(f"it takes more than {cpu_s_max:g} s of CPU") from late


def _end_work(_signal: int, _frame: FrameType | None) -> None:
    raise _OutOfTime


def _begin() -> None:
    signal.signal(signal.SIGVTALRM, _end_work)
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
