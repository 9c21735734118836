"""
Which shard a source belongs to, and where in its interval it is polled.

Sources that may share a request get the same shard, so that one worker owns them all and can fetch once.
"""

import hashlib
import json
from collections.abc import Mapping

#: Shard rows of the Fleet table spread over this many partitions (1,000 writes/s each).
SHARD_ROW_BUCKETS = 16

_REQUEST_BYTES = 16


def _unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def shard_of_request(*, url: str, headers: Mapping[str, str], secret_id: str | None, shards: int) -> int:
    """Place an external source: by method, url, headers and secret."""
    return int(_unit(_same(url, headers, secret_id)) * shards)


def shard_of_spreadsheet(spreadsheet_id: str, *, shards: int) -> int:
    """Place a Google Sheets source: all tabs of one spreadsheet together."""
    return int(_unit(spreadsheet_id) * shards)


def request_of(*, url: str, headers: Mapping[str, str], secret_id: str | None, auth: tuple[str, str]) -> int:
    """
    Give a number to what a source requests: two sources have the same one only if they may share an answer.

    It is its phase as well: due times are `request` modulo the interval, so they are the same on every worker and after
    every restart, and those of 10 s hold all those of 60 s.
    """
    same = _same(url, headers, secret_id) + json.dumps(auth if secret_id else None)
    return int.from_bytes(hashlib.sha256(same.encode()).digest()[:_REQUEST_BYTES])


def _same(url: str, headers: Mapping[str, str], secret_id: str | None) -> str:
    return json.dumps(["GET", url, sorted((name.lower(), value) for name, value in headers.items()), secret_id])
