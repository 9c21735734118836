"""The worker processes of one service, held to its desired count."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.children import Child, spawn
from local.children import stop as stop_child
from local.reconcile import Slot, backoff_s, reconcile
from local.task import Task

#: A worker that lived this long starts its count of crashes anew.
STEADY_S = 30.0
TAIL_LINES = 20
#: A worker that is told to end hands its shards over; one that is told again this much later parts at once.
HURRY_AFTER_S = 0.5


@dataclass(kw_only=True)
class Workers:
    """
    One service's processes. `say` reaches the console, where only what nobody asked for is told.

    As on ECS: whoever ends unasked is started again, later each time; the newest end first at a scale-in, by SIGTERM,
    and by SIGKILL after the task's stop time-out.
    """

    kind: str
    task: Task
    environment: Mapping[str, str]
    root: Path
    logs: Path
    say: Callable[[str], None]
    now_s: Callable[[], float] = time.monotonic
    _running: dict[int, tuple[Slot, Child]] = field(default_factory=dict)
    _waiting: dict[int, float] = field(default_factory=dict)
    """Crashed: slot number → when it may start again."""
    _crashes: dict[int, int] = field(default_factory=dict)
    _draining: dict[int, tuple[Child, asyncio.Task[None]]] = field(default_factory=dict)

    def pids(self) -> tuple[int, ...]:
        """List the processes that should be alive, in the order of their numbers."""
        return tuple(child.pid for _, (_, child) in sorted(self._running.items()))

    def hold(self, desired: int) -> None:
        """Notice the dead, then start and stop what the desired count asks for."""
        now = self.now_s()
        self._notice_dead(now)
        waiting = [Slot(number=number, started_s=until) for number, until in self._waiting.items()]
        occupied = [slot for slot, _ in self._running.values()] + waiting
        plan = reconcile(desired, occupied, busy=self._draining)
        for number in (*plan.start, *self._due(now, plan.stop)):
            self._start(number, now)
        for number in plan.stop:
            self._stop(number)

    async def stop_all(self, *, timeout_s: float) -> None:
        """End everything without waiting for hand-overs; whoever does not end in time is killed."""
        told = [child for child, _ in self._draining.values()]
        running = [child for _, child in self._running.values()]
        self._running.clear()
        self._waiting.clear()
        await asyncio.gather(
            *(asyncio.to_thread(stop_child, child, timeout_s=timeout_s) for child in told),
            *(asyncio.to_thread(_hurry, child, timeout_s=timeout_s) for child in running),
        )
        await asyncio.gather(*(drained for _, drained in self._draining.values()))

    def _notice_dead(self, now: float) -> None:
        for number, (slot, child) in list(self._running.items()):
            code = child.process.poll()
            if code is None:
                continue
            del self._running[number]
            stop_child(child, timeout_s=0)  # it has ended: this closes what is open to it
            steady = now - slot.started_s >= STEADY_S
            self._crashes[number] = 1 if steady else self._crashes.get(number, 0) + 1
            self._waiting[number] = now + backoff_s(self._crashes[number])
            self._tell_crash(number, child, code)

    def _due(self, now: float, stopping: tuple[int, ...]) -> list[int]:
        return [number for number, until in self._waiting.items() if until <= now and number not in stopping]

    def _start(self, number: int, now: float) -> None:
        self._waiting.pop(number, None)
        log = self.logs / f"{self.kind}-{number}.log"
        child = spawn(self.task.command, environment=self.environment, log=log, cwd=self.root)
        self._running[number] = (Slot(number=number, started_s=now), child)

    def _stop(self, number: int) -> None:
        self._waiting.pop(number, None)
        self._crashes.pop(number, None)
        found = self._running.pop(number, None)
        if found:
            _, child = found
            self._draining[number] = (child, asyncio.create_task(self._drain(number, child)))

    async def _drain(self, number: int, child: Child) -> None:
        limit_s = self.task.stop_timeout_s
        try:
            await asyncio.to_thread(stop_child, child, timeout_s=limit_s)
        finally:
            del self._draining[number]
        if child.process.returncode == -signal.SIGKILL:
            self.say(f"{self.kind}-{number} did not end within {limit_s:g} s and was killed")

    def _tell_crash(self, number: int, child: Child, code: int) -> None:
        name = f"{self.kind}-{number}"
        self.say(f"{name} {_how(code)}; started again in {backoff_s(self._crashes[number]):g} s")
        lines = child.log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if child.log and code > 0 else []
        for line in lines:
            self.say(f"{name} | {line}")


def _how(code: int) -> str:
    """Say how a process ended."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _hurry(child: Child, *, timeout_s: float) -> None:
    """Tell a worker to end, and soon again: it then parts at once."""
    child.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(HURRY_AFTER_S)
    stop_child(child, timeout_s=timeout_s)
