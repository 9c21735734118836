"""Posting with boto3, one call after the other: what our own client is held to."""

from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ws.post import Letter, Outcome, Tally

_OUTCOMES = {"GoneException": Outcome.GONE, "LimitExceededException": Outcome.SLOW}
TOO_LARGE = 413


class BotoPost:
    """The promises of `ws.post.Post`, kept by the SDK."""

    def __init__(self, url: str) -> None:
        config = Config(
            connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=1,
        )  # fmt: skip
        self.client: Any = boto3.client("apigatewaymanagementapi", endpoint_url=url, config=config)

    def deliver(self, letters: Sequence[Letter], within_s: float) -> list[Outcome]:
        """Deliver letters one after the other, however long it takes."""
        assert within_s > 0
        return [self._deliver(letter) for letter in letters]

    def close(self, connection_ids: Sequence[str], within_s: float) -> list[Outcome]:
        """Cut connections."""
        assert within_s > 0
        return [self._try(self.client.delete_connection, ConnectionId=each) for each in connection_ids]

    def tally(self) -> Tally:
        """Count nothing."""
        return Tally()

    def _deliver(self, letter: Letter) -> Outcome:
        outcome = Outcome.SENT
        for frame in letter.frames:
            outcome = self._try(self.client.post_to_connection, ConnectionId=letter.connection_id, Data=frame)
            if outcome is not Outcome.SENT:
                break
        return outcome

    def _try(self, call: Any, **request: Any) -> Outcome:
        try:
            call(**request)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == TOO_LARGE:
                return Outcome.TOO_LARGE
            return _OUTCOMES.get(error.response["Error"]["Code"], Outcome.FAILED)
        except BotoCoreError:
            return Outcome.FAILED
        return Outcome.SENT
