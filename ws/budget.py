"""
The account's request quota, shared.

API Gateway counts HTTP requests, WebSocket events and posts of an account against one bucket, so a large audience that
took what it could would leave the API with 429s. Posts take at most 85 % of the quota, a lease at a time. Small
audiences go first: the few take nothing and are counted after, and each pass's first handful may take what later
handfuls must leave.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contracts.clock import SECOND_MS, NowMs
from contracts.table import budget
from contracts.table.values import read_item, returned

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

#: AWS, "Amazon API Gateway quotas": per account and Region, HTTP, REST and WebSocket APIs and posts together.
DEFAULT_QUOTA_PER_S = 10_000
#: What posts may take of it.
SHARE = 0.85
#: What later handfuls may take of that.
LARGE_SHARE = 0.95
#: The most that one lease takes.
LEASE_POSTS_MAX = 250
#: Audiences up to this take no lease.
FREE_POSTS_MAX = 10
#: What was sent without a lease is written down so many posts at a time, or when its second is over.
OWED_MAX = 50
#: How much of a second may be made up for at once; the quota's own burst is half a second's.
BURST_S = 0.25


@dataclass(kw_only=True)
class _Owed:
    second: int = 0
    posts: int = 0


class Budget:
    """One process's view of the account's seconds."""

    def __init__(
        self, *, dynamodb: "DynamoDBClient", table: str, quota_per_s: int, now_ms: NowMs, sleep: Callable[[float], None]
    ) -> None:
        self._dynamodb, self._table, self._now_ms, self._sleep = dynamodb, table, now_ms, sleep
        self._per_s = max(1, int(quota_per_s * SHARE))
        self._large_per_s = max(1, int(self._per_s * LARGE_SHARE))
        #: Nothing larger fits a second.
        self.lease_max = min(LEASE_POSTS_MAX, self._large_per_s)
        self._full_until = 0
        self._owed = _Owed()
        self._lock = Lock()

    def wait(self, posts: int, *, large: bool, patience_ms: int) -> bool:
        """
        Take posts, at most `lease_max`, and return when they may go out; False if not within the patience.

        A full second sends the asker to the next, whose place it then waits for.
        """
        now_ms = self._now_ms()
        second = max(now_ms // SECOND_MS, self._full_until if large else 0)
        while second * SECOND_MS - now_ms <= patience_ms:
            place = self._take(second, posts, large=large)
            if place is not None:
                at_ms = second * SECOND_MS + place * SECOND_MS // self._per_s
                self._sleep(max(0, at_ms - self._now_ms()) / SECOND_MS)
                return True
            second += 1
            if large:
                self._full_until = second
        return False

    def count(self, posts: int) -> None:
        """Count posts that were sent without asking; what is written is what comes together."""
        with self._lock:
            second, owed = self._now_ms() // SECOND_MS, self._owed
            self._owed = _Owed(second=second, posts=owed.posts + posts)
            if self._owed.posts < OWED_MAX and owed.second in {0, second}:
                return
            due, self._owed = self._owed.posts, _Owed()
        if due:
            self._write(second, due)

    def _write(self, second: int, due: int) -> None:
        try:
            self._dynamodb.update_item(**budget.count(self._table, second, due))
        except (ClientError, BotoCoreError):
            # It is owed still: the posts are out, and nothing is done again for their account's sake.
            with self._lock:
                self._owed.posts += due

    def _take(self, second: int, posts: int, *, large: bool) -> int | None:
        """Take posts of a second; gives the place of the first of them, None if the second is full."""
        most = self._large_per_s if large else self._per_s
        into_ms = self._now_ms() - second * SECOND_MS
        least = max(0, min(SECOND_MS, into_ms) * self._per_s // SECOND_MS - int(BURST_S * self._per_s))
        if least + posts > most:
            return None
        row = self._try(budget.take(self._table, second, posts, least=least, most=most))
        if row is None or row.get("used", 0) < least:
            row = self._try(budget.begin(self._table, second, posts, least=least))
        if row and "refused" in row:
            # Somebody else began it meanwhile.
            row = self._try(budget.take(self._table, second, posts, least=least, most=most))
        return None if row is None or "refused" in row else int(row["used"]) - posts

    def _try(self, request: budget.Request) -> dict[str, int] | None:
        """Give the row after the update; the row as it is, marked, if it was refused; None if there is none."""
        try:
            answer = self._dynamodb.update_item(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            row = returned(error)
            return None if row is None else row | {"refused": 1}
        return read_item(answer["Attributes"])
