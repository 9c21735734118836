"""From what a reader has and the newest state to the frames that bring it there."""

import json
from collections.abc import Callable
from functools import cache, cached_property

from contracts import frames
from contracts.frames import FRAME_BYTES_MAX, Frame, Position
from contracts.table.heads import Head
from ws import documents
from ws.documents import BodyMissing, Missed
from ws.world import World

#: Where a document too large to push is fetched, relative to the API.
DATA_PATH = "/datasources/{source_id}/data"


class Newest:
    """
    One source's newest state, and every frame about it, read and written once however many readers want it.

    `head` was read strongly; whoever is brought to it has missed nothing that was committed before.
    """

    def __init__(self, world: World, head: Head) -> None:
        self.head = head
        self._world = world
        self.position: Position = (head.incarnation, head.version)
        self.frames: Callable[[Position | None, str, frozenset[str], bool], list[bytes]] = cache(self._frames)
        self._snapshot = cache(self._write_snapshot)
        self._missed = cache(self._read_missed)

    def _frames(self, held: Position | None, mode: str, accept: frozenset[str], small: bool) -> list[bytes]:
        """
        Bring a reader from `held` (None: nothing) to the newest state; nothing if it is there already.

        `small`: the gateway took no message of the usual size, so none is larger than one of its frames.
        """
        if held == self.position or self.head.version == 0:
            return []
        if held is None or held[0] != self.head.incarnation or held[1] == 0:
            return self._snapshot(accept, small)
        if held[1] > self.head.version:
            # The table was restored: a snapshot of a lower version would be taken for an old one.
            return frames.encode(frames.reset(self.head.source_id, "history"), accept) or []
        patch = self._patch(held[1], accept, small=small) if mode == "patch" else None
        return patch or self._snapshot(accept, small)

    def _patch(self, base: int, accept: frozenset[str], *, small: bool) -> list[bytes] | None:
        missed = self._missed(base)
        if missed is None:
            return None
        frame = frames.patch(self.head.source_id, self.position, base=base, steps=missed.steps, at_ms=missed.at_ms)
        return frames.encode(frame, accept, small=small)

    def _read_missed(self, base: int) -> Missed | None:
        # Steps that fill more than a frame, and more than the document itself, are worth less than a snapshot.
        bytes_max = max(self._document_bytes, FRAME_BYTES_MAX)
        return documents.missed(self._world, self.head, base=base, bytes_max=bytes_max)

    def _write_snapshot(self, accept: frozenset[str], small: bool) -> list[bytes]:
        try:
            frame = self._document
        except BodyMissing:
            # The reader asks again, later each time, until the source's owner has put the document back.
            return frames.encode(frames.reset(self.head.source_id, "gap"), accept) or []
        return frames.encode(frame, accept, small=small) or frames.encode(self._ref(), accept) or []

    @property
    def _document_bytes(self) -> int:
        return self.head.ref.bytes if self.head.ref else 0

    @cached_property
    def _document(self) -> Frame:
        ref = self.head.ref
        data = json.loads(documents.body(self._world, self.head))
        return frames.snapshot(
            self.head.source_id,
            self.position,
            document_hash=self.head.hash,
            data=data,
            exact=ref is not None and ref.exact,
        )

    def _ref(self) -> Frame:
        url = DATA_PATH.format(source_id=self.head.source_id)
        return frames.ref(
            self.head.source_id, self.position, url=url, size=self._document_bytes, document_hash=self.head.hash
        )
