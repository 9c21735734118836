"""The quick loop of the simulation, held to asyncio's own."""

import asyncio
import hashlib
import logging
import selectors
from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest

from tests.simulation.invariants import Invariants
from tests.simulation.scale import SCALES
from tests.simulation.schedule import simulate
from tests.simulation.virtual import Deadlock, VirtualLoop, run

#: Seeds of every scale; some of them have hundreds of timers at once, most of them cancelled.
COMPARED = [*(("short", seed) for seed in range(8)), ("restless", 1), ("long", 1), ("wide", 0)]


class _Jump(selectors.SelectSelector):
    """Instead of waiting, moves the clock."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += max(timeout or 0.0, 0.0)
        return []


class AsyncioLoop(asyncio.SelectorEventLoop):
    """Asyncio's own loop, on virtual time."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Say how much virtual time has passed (s)."""
        return self._jump.now_s


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the planned troubles out of the log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def trace(scale: str, seed: int, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> str:
    """Digest every request of a schedule as it lands: when, whose, when it was sent, and all that it says."""
    seen = hashlib.sha256()
    land = Invariants.landed

    def landed(self: Invariants, *landing: object) -> object:
        sender, sent_s, call, request = landing
        now_s = asyncio.get_running_loop().time()
        seen.update(repr((now_s, sender, sent_s, getattr(call, "__name__", ""), request)).encode())
        return land(self, *landing)  # type: ignore[arg-type] # handed on as it came

    with patch.object(Invariants, "landed", landed), asyncio.Runner(loop_factory=loop_factory) as runner:
        outcome = runner.run(simulate(seed, SCALES[scale]))
    return f"{outcome} {seen.hexdigest()}"


@pytest.mark.parametrize(("scale", "seed"), COMPARED)
def test_everything_comes_in_the_order_of_asyncio(scale: str, seed: int):
    """Else the simulation would show a fleet that never runs: same seed, same requests, to the last digit of time."""
    assert trace(scale, seed, VirtualLoop) == trace(scale, seed, AsyncioLoop)


def test_a_deadlock_is_told():
    """A wait that nothing can end is a finding, not a test that hangs."""
    with pytest.raises(Deadlock):
        run(asyncio.Event().wait())


def test_time_passes_at_once_and_exactly():
    """Hours cost nothing, and what was cancelled does not happen."""

    async def hours() -> tuple[float, list[str]]:
        loop, happened = asyncio.get_running_loop(), list[str]()
        loop.call_later(7_200, happened.append, "late")
        loop.call_later(60, happened.append, "cancelled").cancel()
        await asyncio.sleep(3_600)
        return loop.time(), happened

    assert run(hours()) == (3_600.0, [])


def test_an_error_of_a_callback_ends_the_run():
    """Asyncio would write it to the log and go on; here nothing may go wrong unseen."""

    async def fail() -> None:
        asyncio.get_running_loop().call_soon(dict[str, str]().__getitem__, "what")
        await asyncio.sleep(1)

    with pytest.raises(KeyError):
        run(fail())
