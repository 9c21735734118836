"""How much of a list fits into one answer."""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

#: Of JSON. A Lambda answers with at most 6 MB (AWS), in which each quote and backslash of ours takes two.
ANSWER_CHARACTERS_MAX = 2_500_000


def fitting[Item: dict[str, Any]](items: Sequence[Item]) -> Sequence[Item]:
    """Give the first items that fit, one at least: 1 MB of a table may be 7 MB on its way out."""
    sizes = accumulate(len(json.dumps(item)) for item in items)
    return items[: max(1, sum(size <= ANSWER_CHARACTERS_MAX for size in sizes))]
