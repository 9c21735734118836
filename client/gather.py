"""Requests that go out together: all that say what is held become one `resume`, as after a reconnect."""

from collections.abc import Iterable
from itertools import batched

from contracts.frames import RESUME_SOURCES_MAX, Frame, Position

ACCEPT = ("gzip", "chunk")
MODE = "patch"


def gathered(asked: Iterable[Frame]) -> list[Frame]:
    """
    Make one `resume` of two or more frames with positions, before those that want a whole document.

    It carries mode and accept: on a new connection it makes the subscriptions too.
    """
    held, other = dict[str, Position](), list[Frame]()
    alone: Frame = {}
    for frame in asked:
        positions = _positions(frame)
        if positions:
            held, alone = held | positions, frame
        else:
            other.append(frame)
    if len(held) <= 1:
        return [alone, *other] if held else other
    return [*map(_resume, batched(held.items(), RESUME_SOURCES_MAX, strict=False)), *other]


def _positions(frame: Frame) -> dict[str, Position]:
    match frame:
        case {"action": "resume", "positions": dict(positions)}:
            return positions
        case {"action": "subscribe", "sourceId": str(source_id), "position": position}:
            return {source_id: position}
    return {}


def _resume(held: tuple[tuple[str, Position], ...]) -> Frame:
    return {"action": "resume", "positions": dict(held), "mode": MODE, "accept": list(ACCEPT)}
