"""Joining chunks: the parts of one frame, in any order, within bounds."""

from dataclasses import dataclass, field

from contracts.frames import CHUNKS_MAX, Frame

JOINED_LENGTH_MAX = 32 * 1_024 * 1_024
UNFINISHED_MAX = 16


class Damaged(ValueError):
    """What arrived cannot be what was sent."""


@dataclass
class _Unfinished:
    count: int
    parts: dict[int, str] = field(default_factory=dict)
    length: int = 0


class Chunks:
    """Keeps the parts of frames until they are whole."""

    def __init__(self) -> None:
        self._unfinished: dict[str, _Unfinished] = {}

    def take(self, chunk: Frame) -> str | None:
        """Take a chunk; gives the text of the frame with its last one. Raises Damaged."""
        name, index, count, data = _read(chunk)
        frame = self._unfinished.get(name)
        if frame is None or frame.count != count:
            frame = self._begin(name, count)
        if index not in frame.parts:
            frame.parts[index] = data
            frame.length += len(data)
        if frame.length > JOINED_LENGTH_MAX:
            del self._unfinished[name]
            raise Damaged(f"chunks of more than {JOINED_LENGTH_MAX} characters")
        if len(frame.parts) < count:
            return None
        del self._unfinished[name]
        return "".join(frame.parts[i] for i in range(count))

    def _begin(self, name: str, count: int) -> _Unfinished:
        self._unfinished.pop(name, None)
        if len(self._unfinished) >= UNFINISHED_MAX:
            # Parts are sent one after another, so the oldest frame is one that lost a part on the way.
            del self._unfinished[next(iter(self._unfinished))]
        frame = self._unfinished[name] = _Unfinished(count)
        return frame


def _read(chunk: Frame) -> tuple[str, int, int, str]:
    match chunk:
        case {"id": str(name), "i": int(i), "n": int(n), "data": str(data)} if 0 <= i < n <= CHUNKS_MAX:
            return name, i, n, data
    raise Damaged("a chunk without its name, numbers or data")
