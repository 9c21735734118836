"""
Now and then: secrets that nobody uses are deleted.

A deletion or an edit does this at once; here is finished what broke off, and what a registration left that was killed
between its secret and its transaction. And a key that an edit has chosen is made the one that is read.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from api import door
from api.key_uses import KeyUses
from api.keys import Keys
from api.respond import Event, log
from contracts.clock import iso
from contracts.table import secrets
from contracts.table.schema import TableNames
from contracts.table.values import read_item

#: Two calls to Secrets Manager and two writes each: far below the function's time. The next call goes on.
SECRETS_MAX = 50


def sweep(uses: KeyUses) -> int:
    """Finish what is left behind, some at a time; give how many secrets were deleted."""
    for row in islice(_rows(uses, secrets.chosen(uses.fleet_table)), SECRETS_MAX):
        uses.promote(row["sk"], row["chosen"])
    unused = _rows(uses, secrets.unused(uses.fleet_table, now_ms=uses.now_ms()))
    return sum(uses.tidy(row["sk"]) for row in islice(unused, SECRETS_MAX))


def _rows(uses: KeyUses, request: secrets.Request) -> Iterator[dict[str, Any]]:
    while True:
        page = uses.dynamodb.query(**request)
        yield from map(read_item, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@cache
def _sweep() -> Callable[[], int]:
    tables = TableNames.from_environ(os.environ)
    keys = Keys(client=door.secrets_manager(), prefix=os.environ["SECRETS_PREFIX"])
    uses = KeyUses(
        dynamodb=door.dynamodb(), fleet_table=tables.fleet, keys=keys, now_ms=door.wall_ms, chance=door.CHANCE
    )
    return lambda: sweep(uses)


def handler(_event: Event, _context: Any) -> None:
    """Be called by a rule of the clock."""
    started_ms = door.wall_ms()
    deleted = _sweep()()
    log({"what": "tidy", "at": iso(started_ms), "secrets": deleted, "ms": door.wall_ms() - started_ms})
