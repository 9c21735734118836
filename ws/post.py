"""Posting to connections: what every way of doing it promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """
    How a letter fared.

    `GONE`: the connection is closed or never was. `TOO_LARGE`: the gateway takes no frame of this size. `SLOW`: the
    client does not read, and the gateway's buffer for it is full. `FAILED`: not delivered for another reason, however
    often it was tried. `LATER`: there was no time for it; it may have been delivered in part.
    """

    SENT = "sent"
    GONE = "gone"
    TOO_LARGE = "too_large"
    SLOW = "slow"
    FAILED = "failed"
    LATER = "later"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """Frames for one connection, to be delivered in this order or not at all from the first that fails."""

    connection_id: str
    frames: Sequence[bytes]


@dataclass(kw_only=True)
class Tally:
    """What posting took. `throttled`: 429 for the account's quota; `slow`: 429 because a client does not read."""

    posts: int = 0
    throttled: int = 0
    slow: int = 0
    retried: int = 0


class Post(Protocol):
    """Delivers letters. Errors of one connection are its outcome, never an exception."""

    def deliver(self, letters: Sequence[Letter], within_s: float) -> list[Outcome]:
        """Deliver letters to different connections, side by side; the outcomes come in the order of the letters."""
        ...

    def close(self, connection_ids: Sequence[str], within_s: float) -> list[Outcome]:
        """Cut connections; `SENT` says that one was there, `GONE` that it was not, anything else that it may be."""
        ...

    def tally(self) -> Tally:
        """Say what was posted since this was last asked."""
        ...
