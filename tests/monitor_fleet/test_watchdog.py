"""A loop that stands still ends its process; one that works, or was stopped as a whole, does not."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from monitor_fleet.watchdog import Watchdog

#: Small, so that the thread looks often; what is stuck is decided by the clock that is handed in.
LOOK_S = 0.002
PATIENCE_S = 60.0


class Clock:
    """Goes a second at every look, or stands, or jumps."""

    def __init__(self, step_s: float) -> None:
        self.now_s = 0.0
        self.step_s = step_s
        self.looks = 0

    def __call__(self) -> float:
        """Look at the clock."""
        self.looks += 1
        self.now_s += self.step_s
        return self.now_s


def until(told: Callable[[], bool]) -> bool:
    """Wait for another thread, in this one."""
    end_s = time.monotonic() + PATIENCE_S
    while not told() and time.monotonic() < end_s:
        threading.Event().wait(LOOK_S)
    return told()


@pytest.fixture
def died() -> list[float]:
    """Collect deaths: after how many seconds."""
    return []


async def test_a_loop_that_stands_still_ends_its_process(died: list[float]):
    """Here it waits for the thread, as a wedged callback would."""
    clock = Clock(LOOK_S)
    watchdog = Watchdog(awake_now=clock, die=died.append, stuck_after_s=20 * LOOK_S, look_every_s=LOOK_S)
    watchdog.start(asyncio.get_running_loop())

    assert until(lambda: bool(died))
    assert died[0] >= 20 * LOOK_S


async def test_a_loop_that_works_is_left_alone(died: list[float]):
    """However long it runs."""
    clock = Clock(LOOK_S / 4)
    watchdog = Watchdog(awake_now=clock, die=died.append, stuck_after_s=2_000 * LOOK_S, look_every_s=LOOK_S)
    watchdog.start(asyncio.get_running_loop())
    looks = clock.looks
    while clock.looks < looks + 50:  # noqa: ASYNC110 - the other side is a thread, and the loop must keep turning
        await asyncio.sleep(0)
    watchdog.stop()

    assert died == []


async def test_a_process_that_was_stopped_is_not_stuck(died: list[float]):
    """SIGSTOP stops the thread too: its clock jumps between two looks, and the loop is given time to come to."""
    clock = Clock(100 * LOOK_S)
    watchdog = Watchdog(awake_now=clock, die=died.append, stuck_after_s=20 * LOOK_S, look_every_s=LOOK_S)
    watchdog.start(asyncio.get_running_loop())

    assert until(lambda: clock.looks > 20)
    watchdog.stop()
    assert died == []
