"""
`Idempotency-Key`: a registration that is sent again gets the first one's answer.

The row in Access is written by the registering transaction itself, so it exists exactly if the source does. It holds
what the answer cannot be made from again: id, incarnation and time. The body's hash is slow to compute on purpose,
since a body may hold a weak password.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from api.problem import Problem, bad_request
from api.request import Request
from contracts.clock import DAY_S, SECOND_MS
from contracts.table.values import bind, write_item

HEADER = "idempotency-key"
TTL_S = DAY_S

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
#: Memory 16 MB, some 40 ms (RFC 7914).
_SCRYPT_COST, _SCRYPT_BLOCK = 2**14, 8


@dataclass(frozen=True, kw_only=True)
class Birth:
    """What sets one registration apart from another of the same body."""

    source_id: str
    incarnation: str
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """One caller's key and body."""

    row_id: str
    body_hash: str

    @classmethod
    def read(cls, request: Request) -> Self | None:
        """Read the header; None if the caller sent none."""
        key = request.headers.get(HEADER)
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise bad_request("an Idempotency-Key has 1 to 128 printable ASCII characters and no spaces")
        row_id = f"idem#{request.right.principal if request.right else ''}#{key}"
        hashed = hashlib.scrypt(request.body, salt=row_id.encode(), n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=1, dklen=16)
        return cls(row_id=row_id, body_hash=hashed.hex())

    def get(self, table: str) -> dict[str, Any]:
        """Build GetItem of the row, read strongly."""
        return {"TableName": table, "Key": write_item({"id": self.row_id}), "ConsistentRead": True}

    def put(self, table: str, birth: Birth) -> dict[str, Any]:
        """Put the row where there is none that still counts (an action of the registering transaction)."""
        now_s = birth.at_ms // SECOND_MS
        item = {
            "id": self.row_id, "hash": self.body_hash, "ttl": now_s + TTL_S,
            "source": birth.source_id, "incarnation": birth.incarnation, "at": birth.at_ms,
        }  # fmt: skip
        return {
            "TableName": table,
            "Item": write_item(item),
            "ConditionExpression": "attribute_not_exists(id) OR #ttl < :now",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": bind({"now": now_s}),
        }

    def earlier(self, row: Mapping[str, Any] | None, *, now_ms: int) -> Birth | None:
        """Read what an earlier request of this key made; another body under the same key is a mistake."""
        if row is None or row["ttl"] < now_ms // SECOND_MS:
            return None
        if row["hash"] != self.body_hash:
            raise Problem(status=HTTPStatus.CONFLICT, detail="this Idempotency-Key was used with another body")
        return Birth(source_id=row["source"], incarnation=row["incarnation"], at_ms=row["at"])
