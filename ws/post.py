"""Posting to connections: what every way of doing it promises, and boto3's."""

from __future__ import annotations  # the stub below exists only where types are checked

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient


class Outcome(StrEnum):
    """How a letter fared. `GONE`: the connection is closed or never was; `FAILED`: not delivered for another reason."""

    SENT = "sent"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """Frames for one connection, to be delivered in this order or not at all from the first that fails."""

    connection_id: str
    frames: Sequence[bytes]


class Post(Protocol):
    """Delivers letters. Errors of one connection are its outcome, never an exception."""

    def deliver(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Deliver letters to different connections, side by side; the outcomes come in the order of the letters."""
        ...

    def close(self, connection_id: str) -> Outcome:
        """Cut a connection; `SENT` says that it was there."""
        ...


class BotoPost:
    """Posts with boto3, whose client retries what is worth it (`handler.py` says how often)."""

    def __init__(self, client: ApiGatewayManagementApiClient, pool: Executor) -> None:
        self._client, self._pool = client, pool

    def deliver(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Deliver letters side by side, as many at once as the pool has threads."""
        if len(letters) == 1:
            return [self._deliver(letters[0])]
        return list(self._pool.map(self._deliver, letters))

    def close(self, connection_id: str) -> Outcome:
        """Cut a connection."""
        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except (ClientError, BotoCoreError) as error:
            return self._meaning(error)
        return Outcome.SENT

    def _deliver(self, letter: Letter) -> Outcome:
        try:
            for frame in letter.frames:
                self._client.post_to_connection(ConnectionId=letter.connection_id, Data=frame)
        except (ClientError, BotoCoreError) as error:
            return self._meaning(error)
        return Outcome.SENT

    def _meaning(self, error: Exception) -> Outcome:
        return Outcome.GONE if isinstance(error, self._client.exceptions.GoneException) else Outcome.FAILED
