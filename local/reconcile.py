"""From what a service should run and what runs to what must start and stop."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for one worker: its number and when its process started (s, any clock)."""

    number: int
    started_s: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Numbers of slots."""

    start: tuple[int, ...]
    stop: tuple[int, ...]


def reconcile(desired: int, running: Collection[Slot], *, busy: Collection[int] = ()) -> Plan:
    """
    Start in the lowest free numbers, stop the newest first.

    A slot that waits to be started again after a crash counts as running; one that drains does not, but its number
    is still `busy`.
    """
    surplus = len(running) - desired
    if surplus > 0:
        newest = sorted(running, key=lambda slot: (slot.started_s, slot.number), reverse=True)
        return Plan(start=(), stop=tuple(slot.number for slot in newest[:surplus]))
    taken = {slot.number for slot in running} | set(busy)
    free = (number for number in range(1, desired + len(taken) + 1) if number not in taken)
    return Plan(start=tuple(number for number, _ in zip(free, range(-surplus), strict=False)), stop=())


def backoff_s(crashes: int) -> float:
    """Say how long a slot waits after its nth crash in a row: half a second at first, half a minute at most."""
    return float(min(0.5 * 2 ** max(0, min(crashes, 10) - 1), 30.0))
