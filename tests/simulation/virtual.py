"""
An event loop whose time jumps to the next timer: hours pass in seconds, the same way for the same seed.

It knows nothing of sockets, threads or debugging, because a million schedules are a matter of how long one takes, but
calls everything in the very order in which asyncio's own loop would (`test_virtual.py` compares them). That includes
the order of timers for one moment, which is that of a heap and of when asyncio clears it of cancelled ones.
"""

import asyncio
import contextvars
import logging
from asyncio import base_events, events
from collections import deque
from collections.abc import Callable, Coroutine
from heapq import heapify, heappop, heappush
from typing import Any

log = logging.getLogger(__name__)

#: As asyncio's on Linux: timers so close together go off together.
RESOLUTION_S = 1e-9
#: As asyncio's: more timers than this, more than that share of them cancelled, and the heap is cleared.
TIMERS_MIN: int = base_events._MIN_SCHEDULED_TIMER_HANDLES  # type: ignore[attr-defined] # not in its stubs
CANCELLED_SHARE_MAX: float = base_events._MIN_CANCELLED_TIMER_HANDLES_FRACTION  # type: ignore[attr-defined] # nor this


class Deadlock(AssertionError):
    """Every task waits for another, and no timer is set."""


class _Call:
    """Something to be called; `loop` is told when one that waits in its heap is cancelled."""

    __slots__ = ("act", "args", "context", "loop", "when_s")

    def __init__(
        self, act: Callable[..., object], args: tuple[Any, ...], context: contextvars.Context | None, when_s: float,
        loop: "VirtualLoop | None",
    ) -> None:  # fmt: skip
        self.act: Callable[..., object] | None = act
        self.args = args
        self.context = context or contextvars.copy_context()
        self.when_s = when_s
        self.loop = loop

    def __lt__(self, other: object) -> bool:
        """Of two for one moment neither comes before the other: the heap decides, as asyncio's does."""
        return False

    def cancel(self) -> None:
        """Forget what was to be called."""
        if self.act is not None:
            self.act = None
            self.args = ()
            if self.loop:
                self.loop.cancelled += 1

    def cancelled(self) -> bool:
        """Say whether it was cancelled."""
        return self.act is None

    def when(self) -> float:
        """Say for when it was set."""
        return self.when_s


class VirtualLoop(asyncio.AbstractEventLoop):
    """A loop on virtual time. Whatever else a loop can do raises `NotImplementedError` here."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._ready: deque[_Call] = deque()
        self._timers: list[tuple[float, _Call]] = []
        #: How many of the timers were cancelled, or so asyncio would believe.
        self.cancelled = 0
        self._is_stopping = False
        self._is_running = False
        self._is_closed = False

    def time(self) -> float:
        """Say how much virtual time has passed (s)."""
        return self._now_s

    def call_soon[*Given](
        self, callback: Callable[[*Given], object], *args: *Given, context: contextvars.Context | None = None
    ) -> Any:
        """Call in the next round."""
        call = _Call(callback, args, context, 0.0, None)
        self._ready.append(call)
        return call

    def call_later[*Given](
        self,
        delay: float,
        callback: Callable[[*Given], object],
        *args: *Given,
        context: contextvars.Context | None = None,
    ) -> Any:
        """Call after so many virtual seconds."""
        when_s = self._now_s + delay
        call = _Call(callback, args, context, when_s, self)
        heappush(self._timers, (when_s, call))
        return call

    def call_at[*Given](
        self,
        when: float,
        callback: Callable[[*Given], object],
        *args: *Given,
        context: contextvars.Context | None = None,
    ) -> Any:
        """Call at a virtual time."""
        call = _Call(callback, args, context, when, self)
        heappush(self._timers, (when, call))
        return call

    def run_forever(self) -> None:
        """Run until stopped."""
        self._is_running = True
        events._set_running_loop(self)
        try:
            while not self._is_stopping:
                self._run_round()
        finally:
            self._is_stopping = self._is_running = False
            events._set_running_loop(None)

    def run_until_complete(self, future: Any) -> Any:
        """Run until something is done, and give what it gives."""
        task = asyncio.ensure_future(future, loop=self)
        task.add_done_callback(self._stop_after)
        self.run_forever()
        return task.result()

    def stop(self) -> None:
        """Stop after this round."""
        self._is_stopping = True

    def close(self) -> None:
        """Be done: nothing was opened."""
        self._is_closed = True

    def is_running(self) -> bool:
        """Say whether it runs."""
        return self._is_running

    def is_closed(self) -> bool:
        """Say whether it was closed."""
        return self._is_closed

    def get_debug(self) -> bool:
        """Say that it never watches how long calls take: they take no time."""
        return False

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        """Make a task."""
        return asyncio.Task(coro, loop=self, **named)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody asked for."""
        log.error("%s", context["message"], exc_info=context.get("exception"))

    async def shutdown_asyncgens(self) -> None:
        """End generators: none is left over, since nothing here drops one half way."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - its signature
        """End threads: there are none."""

    def _stop_after(self, _: object) -> None:
        self._is_stopping = True

    def _run_round(self) -> None:
        """Call what was ready at its begin, and those whose time has come."""
        if self.cancelled:
            self._clear_cancelled()
        ready, timers = self._ready, self._timers
        if not ready:
            self._jump()
        until_s = self._now_s + RESOLUTION_S
        while timers and timers[0][0] < until_s:
            call = heappop(timers)[1]
            call.loop = None
            ready.append(call)
        for _ in range(len(ready)):
            call = ready.popleft()
            if call.act is not None:
                call.context.run(call.act, *call.args)

    def _clear_cancelled(self) -> None:
        timers = self._timers
        if len(timers) > TIMERS_MIN and self.cancelled > CANCELLED_SHARE_MAX * len(timers):
            timers[:] = [timer for timer in timers if timer[1].act is not None]
            heapify(timers)
            self.cancelled = 0
        else:
            while timers and timers[0][1].act is None:
                heappop(timers)
                self.cancelled -= 1

    def _jump(self) -> None:
        """Instead of waiting, move the clock; nothing ever comes from outside."""
        if not self._timers:
            raise Deadlock("every task waits and no timer is set")
        wait_s = self._timers[0][0] - self._now_s
        if wait_s > 0:
            self._now_s += wait_s  # as the sum asyncio would reckon with: traces are compared to the last digit


def run[Answer](main: Coroutine[Any, Any, Answer]) -> Answer:
    """Run on a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
