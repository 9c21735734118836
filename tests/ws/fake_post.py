"""Connections in memory: what was posted to each, and how each answers."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from ws.post import Letter, Outcome

FRAME_BYTES_MAX, MESSAGE_BYTES_MAX = 32 * 1_024, 128 * 1_024


class FakePost:
    """
    Keeps the `Post` promises; the contract suite holds it and boto3's to the same.

    A connection that was never opened is gone. `failing` answers errors to posts, `stuck` also to being cut;
    `meanwhile` happens before a letter to that connection is delivered.
    """

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.failing: set[str] = set()
        self.stuck: set[str] = set()
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.posted: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.posts = 0

    def deliver(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Deliver letters."""
        return [self._deliver(letter) for letter in letters]

    def close(self, connection_id: str) -> Outcome:
        """Cut a connection."""
        if connection_id in self.stuck:
            return Outcome.FAILED
        if connection_id not in self.open:
            return Outcome.GONE
        self.open.remove(connection_id)
        return Outcome.SENT

    def take(self, connection_id: str) -> list[dict[str, Any]]:
        """Take what a connection received since it was last asked."""
        return self.posted.pop(connection_id, [])

    def _deliver(self, letter: Letter) -> Outcome:
        self.meanwhile.pop(letter.connection_id, lambda: None)()
        for frame in letter.frames:
            if letter.connection_id in self.failing | self.stuck:
                return Outcome.FAILED
            if letter.connection_id not in self.open:
                return Outcome.GONE
            # The gateway cuts a connection at a larger one.
            assert len(frame) <= (FRAME_BYTES_MAX if b'"type":"chunk"' in frame[:16] else MESSAGE_BYTES_MAX)
            self.posts += 1
            self.posted[letter.connection_id].append(json.loads(frame))
        return Outcome.SENT
