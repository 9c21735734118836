"""A source with its whole history, and a network that loses, doubles and reorders what is sent over it."""

import random
from typing import Any

from client.replica import Replica
from contracts import frames, steps
from contracts.canonical import canonical, digest

SOURCE = "external-1a2b3c4d"


class NoWait(random.Random):
    """Chance that never waits."""

    def random(self) -> float:
        """Draw the least."""
        return 0.0


class Source:
    """Every state that a source ever had, by incarnation; answers asks as the service does."""

    def __init__(self) -> None:
        self.histories: dict[str, list[Any]] = {"h1": [None]}

    @property
    def position(self) -> tuple[str, int]:
        """Say where the source is."""
        incarnation = f"h{len(self.histories)}"
        return incarnation, len(self.histories[incarnation]) - 1

    def restart(self) -> None:
        """Begin another history."""
        self.histories[f"h{len(self.histories) + 1}"] = [None]

    def commit(self, document: Any, *, patch_from: int = 1) -> dict[str, Any]:
        """Reach another state and give the frame that tells of it, from `patch_from` versions ago."""
        incarnation, version = self.position
        self.histories[incarnation].append(document)
        return self.bring((incarnation, max(0, version + 1 - patch_from)))

    def bring(self, held: tuple[str, int] | None) -> dict[str, Any]:
        """Give the frame that leads from a position to the newest state."""
        incarnation, version = self.position
        history = self.histories[incarnation]
        if held is None or held[0] != incarnation or not 0 < held[1] < version:
            named = digest(canonical(history[-1]))
            return frames.snapshot(SOURCE, self.position, document_hash=named, data=history[-1], exact=False)
        made = [(i, steps.make(history[i - 1], history[i])) for i in range(held[1] + 1, version + 1)]
        return frames.patch(SOURCE, self.position, base=held[1], steps=made, at_ms=0)

    def answer(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer a subscribe or a resume."""
        held = asked.get("position") or asked.get("positions", {}).get(SOURCE)
        confirmed = frames.subscribed(SOURCE, self.position, at_ms=0)
        if self.position[1] == 0 or (held and tuple(held) == self.position):
            return [confirmed]
        return [confirmed, self.bring(tuple(held) if held else None)]


class World:
    """A replica of a source at the far end of the network; checked after everything that happens."""

    def __init__(self) -> None:
        self.source = Source()
        self.replica = Replica(SOURCE, chance=NoWait())
        self.under_way: list[dict[str, Any]] = []
        self.now_ms = 0.0
        self.script: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self._last = ("", 0)

    def open(self) -> None:
        """Open a connection: what the last one had under way is lost."""
        self.under_way.clear()
        self._happen({"opened": True}, self.replica.opened)

    def commit(self, document: Any, *, patch_from: int = 1) -> None:
        """Let the source change."""
        self.under_way.append(self.source.commit(document, patch_from=patch_from))

    def deliver(self, which: int, *, again: bool = False) -> None:
        """Deliver something that is under way; `again` leaves it there, to come once more."""
        if self.under_way:
            place = which % len(self.under_way)
            frame = self.under_way[place] if again else self.under_way.pop(place)
            self._happen({"receive": frame}, lambda: self.replica.receive(frame))

    def lose(self, which: int) -> None:
        """Lose something that is under way."""
        if self.under_way:
            self.under_way.pop(which % len(self.under_way))

    def wait(self, wait_ms: int) -> None:
        """Let time pass."""
        until_ms = self.now_ms + wait_ms
        while self.replica.due_ms <= until_ms:
            self.now_ms = max(self.now_ms, self.replica.due_ms)
            self._send()
        self.now_ms = until_ms
        self._happen({"waitMs": wait_ms}, lambda: None)

    def settle(self) -> None:
        """Reconnect over a network that loses nothing, and let everything arrive."""
        self.open()
        while self.under_way:
            self.deliver(0)
            self.wait(1_000)

    def check(self) -> None:
        """Hold what is shown against what the source had under that name; within a history versions never fall."""
        incarnation, version = self.replica.position
        if self.replica.holds:
            held = self.source.histories[incarnation][version]
            assert canonical(self.replica.document) == canonical(held)
        if incarnation == self._last[0]:
            assert version >= self._last[1]
        self._last = (incarnation, version)

    def _happen(self, event: dict[str, Any], do: Any) -> None:
        self.script.append(event)
        do()
        self._send()
        self.check()

    def _send(self) -> None:
        while asked := self.replica.take(self.now_ms):
            self.sent.append(asked)
            self.under_way.extend(self.source.answer(asked))
