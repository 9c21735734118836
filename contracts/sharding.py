"""
Which shard a source belongs to, and where in its interval it is polled.

Sources that may share a request get the same shard, so that one worker owns them all and can fetch once.
"""

import hashlib
import json
from collections.abc import Mapping

#: Shard rows of the Fleet table spread over this many partitions (1,000 writes/s each).
SHARD_ROW_BUCKETS = 16


def _unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def shard_of_request(*, url: str, headers: Mapping[str, str], secret_id: str | None, shards: int) -> int:
    """Place an external source: by method, url, headers and secret."""
    same = json.dumps(["GET", url, sorted((name.lower(), value) for name, value in headers.items()), secret_id])
    return int(_unit(same) * shards)


def shard_of_spreadsheet(spreadsheet_id: str, *, shards: int) -> int:
    """Place a Google Sheets source: all tabs of one spreadsheet together."""
    return int(_unit(spreadsheet_id) * shards)


def phase_ms(source_id: str, interval_ms: int) -> int:
    """Say when in its interval a source is polled: the same on every worker and after every restart."""
    return int(_unit(source_id) * interval_ms)
