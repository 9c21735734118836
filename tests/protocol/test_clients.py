"""The Python client passes the scripts that the dashboard's passes (`docs/protocol.md` says how they read)."""

import json
import random
from typing import Any

import pytest

from client.gather import gathered
from client.inbox import Inbox
from client.replica import Replica
from tests.protocol.scripts import name, scripts

SOURCE = "external-1a2b3c4d"


class NoWait(random.Random):
    """Chance that never waits: a script knows no dice."""

    def random(self) -> float:
        """Draw the least."""
        return 0.0


class Player:
    """Plays a script against a replica, in time of its own."""

    def __init__(self) -> None:
        self.replica = Replica(SOURCE, chance=NoWait())
        self.now_ms = 0.0
        self.sent: list[dict[str, Any]] = []

    def play(self, event: dict[str, Any]) -> None:
        """Let one thing happen."""
        match event:
            case {"opened": True}:
                self.replica.opened()
            case {"closed": True}:
                self.replica.closed()
            case {"receive": frame}:
                self.replica.receive(frame)
            case {"waitMs": wait_ms}:
                self._wait(wait_ms)
            case _:
                raise AssertionError(f"no such event: {event}")
        self._send()

    def _wait(self, wait_ms: float) -> None:
        until_ms = self.now_ms + wait_ms
        while self.replica.due_ms <= until_ms:
            self.now_ms = max(self.now_ms, self.replica.due_ms)
            self._send()
        self.now_ms = until_ms

    def _send(self) -> None:
        while frame := self.replica.take(self.now_ms):
            self.sent.append(frame)


@pytest.mark.parametrize("script", scripts("frames/replica.json", "conformance.json"), ids=name)
def test_a_replica_follows_the_script(script: Any):
    """What it sends, shows and holds at the end is what the script says."""
    player = Player()

    for event in script["events"]:
        player.play(event)

    replica = player.replica
    assert player.sent == script["sends"]
    assert replica.phase == script["phase"]
    assert replica.holds == ("document" in script)
    assert replica.document == script.get("document")
    if "position" in script:
        assert list(replica.position) == script["position"]


@pytest.mark.parametrize("script", scripts("frames/encoded.json"), ids=name)
def test_an_inbox_makes_the_frame_of_what_came_over_the_wire(script: Any):
    """Chunks, compression, and snapshots held against their hash."""
    inbox = Inbox()

    frames = [inbox.read(json.dumps(text)) for text in script["wire"]]

    arrived = [frame for frame in frames if frame]
    if "spoilt" in script:
        assert [frame["type"] for frame in arrived] == ["spoilt"]
    else:
        assert arrived == [script["frame"]]


@pytest.mark.parametrize("script", scripts("frames/gathered.json"), ids=name)
def test_what_is_asked_together_goes_out_as_the_script_says(script: Any):
    """Many sources are resumed by one frame."""
    assert gathered(script["asked"]) == script["sends"]
