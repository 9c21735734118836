"""
One source's document as a client holds it, and the client's whole rule for keeping it right.

Other incarnation: resume. Version not above mine: drop. Base not above mine: apply the steps above mine. Base above
mine: resume. While a snapshot is on its way frames are held. An operation that fails: drop the document, take a
snapshot. The scripts in `tests/protocol/` hold this and the dashboard's replica to the same behaviour.
"""

import random
from enum import StrEnum
from typing import Any

from client.asker import Asker, Want
from client.gather import ACCEPT, MODE
from contracts.frames import Frame, Position
from contracts.steps import StepFailed, apply

HELD_MAX = 256


class Phase(StrEnum):
    """How a replica does. `EMPTY`: the source has no data yet; `REFUSED`: the server will not serve it."""

    WAITING = "waiting"
    LIVE = "live"
    EMPTY = "empty"
    DELETED = "deleted"
    REFUSED = "refused"


class Replica:
    """
    A pure state machine: frames go in, `take` says what to send, no clock and no network inside.

    `document` is None while nothing is held (and may be None as JSON's null): `holds` tells them apart. What is held
    is replaced, never changed in place.
    """

    def __init__(self, source_id: str, *, chance: random.Random) -> None:
        self.source_id = source_id
        self.document: Any = None
        self.holds = False
        self.incarnation = ""
        self.version = 0
        self.phase = Phase.WAITING
        self.refusal: Frame | None = None
        self.status: Frame | None = None
        self._held: list[Frame] = []
        self._asker = Asker(chance)

    @property
    def position(self) -> Position:
        """Say what is held."""
        return self.incarnation, self.version

    @property
    def due_ms(self) -> float:
        """Say when `take` has something to send, if nothing happens before."""
        return self._asker.due_ms

    def take(self, now_ms: float) -> Frame | None:
        """Give the frame to send now, if any; to be asked after everything that happens, and at `due_ms`."""
        want = self._asker.take(now_ms)
        if want is None:
            return None
        position = list(self.position)
        if want is Want.RESUME:
            return {"action": "resume", "positions": {self.source_id: position}}
        subscribe = {"action": "subscribe", "sourceId": self.source_id, "mode": MODE, "accept": list(ACCEPT)}
        return subscribe if want is Want.SNAPSHOT else subscribe | {"position": position}

    def opened(self) -> None:
        """Note that a connection is open, maybe a new one: say what is held and get what is missing."""
        self._asker.cut()
        self._asker.want(Want.SUBSCRIBE if self.holds else Want.SNAPSHOT)

    def closed(self) -> None:
        """Note that the connection is gone."""
        self._asker.cut()

    def receive(self, frame: Frame) -> None:
        """Take a frame about this source; `spoilt` stands for one that arrived damaged."""
        match frame["type"]:
            case "snapshot":
                self._take_snapshot(frame)
            case "patch":
                self._take_patch(frame)
            case "subscribed":
                self._subscribed(frame)
            case "status":
                self.status = frame
            case "spoilt":
                self._asker.failed(Want.RESUME if self.holds else Want.SNAPSHOT)
            case "reset":
                self._reset(frame["why"])
            case "error":
                self._refused(frame)

    def _subscribed(self, frame: Frame) -> None:
        is_mine = self.holds and frame["incarnation"] == self.incarnation
        is_current = is_mine and frame["version"] <= self.version
        if not is_current and frame["version"] > 0:
            return  # what is missing follows, and is the answer
        self._asker.answered()
        if not is_current:
            self._forget(Phase.EMPTY)

    def _take_snapshot(self, frame: Frame) -> None:
        self._asker.answered()
        if self.holds and frame["incarnation"] == self.incarnation and frame["version"] <= self.version:
            return
        self.document, self.holds = frame["data"], True
        self.incarnation, self.version = frame["incarnation"], frame["version"]
        self.phase = Phase.LIVE
        self._release()

    def _take_patch(self, frame: Frame) -> None:
        if not self.holds:
            self._hold(frame, Want.SNAPSHOT)
        elif frame["incarnation"] != self.incarnation:
            self._hold(frame, Want.RESUME)
        elif frame["version"] <= self.version:
            return
        elif frame["base"] > self.version:
            self._hold(frame, Want.RESUME)
        else:
            self._apply(frame)

    def _apply(self, frame: Frame) -> None:
        try:
            self.document = self._advanced(frame)
        except StepFailed:
            self._drop()
            return
        self.version = frame["version"]
        self._asker.answered()
        self._release()

    def _advanced(self, frame: Frame) -> Any:
        """Apply the steps above mine, which must lead from mine to the frame's version without a hole."""
        versions = [version for version, _ in frame["steps"]]
        if versions != list(range(frame["base"] + 1, frame["version"] + 1)):
            raise StepFailed("the steps do not lead from the frame's base to its version")
        document = self.document
        for version, operations in frame["steps"]:
            if version > self.version:
                document = apply(operations, document)
        return document

    def _hold(self, frame: Frame, want: Want) -> None:
        if len(self._held) >= HELD_MAX:
            # What is let go here shows as a gap later and is asked for.
            self._held.clear()
        self._held.append(frame)
        self._asker.want(want)

    def _release(self) -> None:
        """Apply what was held, in the order of versions; what still does not fit is held again."""
        frames, self._held = sorted(self._held, key=lambda frame: int(frame["version"])), []
        for frame in frames:
            if frame["incarnation"] == self.incarnation:
                self._take_patch(frame)
            else:
                # Frames of another history cannot be kept: each later one would ask for them again.
                self._asker.want(Want.RESUME)

    def _reset(self, why: str) -> None:
        if why != "deleted":
            self._drop()
            return
        self._asker.cut()
        self._held.clear()
        self.phase = Phase.DELETED

    def _refused(self, frame: Frame) -> None:
        if frame["temporary"]:
            self._asker.failed()
            return
        self._asker.cut()
        self.phase, self.refusal = Phase.REFUSED, frame

    def _drop(self) -> None:
        self._forget(Phase.WAITING)
        self._asker.failed(Want.SNAPSHOT)

    def _forget(self, phase: Phase) -> None:
        self.document, self.holds = None, False
        self.incarnation, self.version, self.phase = "", 0, phase
