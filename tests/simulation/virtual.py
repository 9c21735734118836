"""An event loop whose time jumps to the next timer: hours pass in seconds, the same way for the same seed."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class Deadlock(AssertionError):
    """Every task waits for another, and no timer is set."""


class _Jump(selectors.SelectSelector):
    """Instead of waiting, moves the clock; nothing ever comes from outside."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("every task waits and no timer is set")
        if timeout > 0:
            self.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time: no sockets, no threads."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Say how much virtual time has passed (s)."""
        return self._jump.now_s


def run[Answer](main: Coroutine[Any, Any, Answer]) -> Answer:
    """Run on a virtual loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
