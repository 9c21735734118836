"""Connections in memory: what was posted to each, and how each answers."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from ws.post import Letter, Outcome, Tally

FRAME_BYTES_MAX, MESSAGE_BYTES_MAX = 32 * 1_024, 128 * 1_024


class FakePost:
    """
    Keeps the `Post` promises; the contract suite holds it and boto3's to the same.

    A connection that was never opened is gone. `failing` answers errors to posts, `stuck` also to being cut; `slow`
    does not read, and for `late` there is no time; `meanwhile` happens before a letter to that connection is delivered.
    """

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.failing: set[str] = set()
        self.stuck: set[str] = set()
        self.meanwhile: dict[str, Callable[[], object]] = {}
        self.posted: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.slow: set[str] = set()
        self.late: set[str] = set()
        self.message_bytes_max = MESSAGE_BYTES_MAX
        self.posts = 0
        self._told = 0

    def deliver(self, letters: Sequence[Letter], within_s: float) -> list[Outcome]:
        """Deliver letters, if there is time."""
        assert within_s > 0
        return [self._deliver(letter) for letter in letters]

    def close(self, connection_ids: Sequence[str], within_s: float) -> list[Outcome]:
        """Cut connections."""
        assert within_s > 0
        return [self._close(each) for each in connection_ids]

    def tally(self) -> Tally:
        """Say what was posted since this was last asked."""
        told, self._told = self._told, self.posts
        return Tally(posts=self.posts - told)

    def _close(self, connection_id: str) -> Outcome:
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
            if letter.connection_id in self.late:
                return Outcome.LATER
            if letter.connection_id in self.slow:
                return Outcome.SLOW
            if len(frame) > self.message_bytes_max:
                return Outcome.TOO_LARGE
            # What the service sends fits the gateway; a chunk fits one of its frames.
            assert len(frame) <= (FRAME_BYTES_MAX if b'"type":"chunk"' in frame[:16] else MESSAGE_BYTES_MAX)
            self.posts += 1
            self.posted[letter.connection_id].append(json.loads(frame))
        return Outcome.SENT
