"""
What every change of the configuration has in common: one transaction that also tells the fleet.

Workers read counter → log → exactly those sources, so the counter moves by one from what was read; whoever was
quicker makes us read it again.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError

from api import door
from api.problem import try_again
from api.rows import read_row
from contracts.clock import NowMs
from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.transaction import Act, reasons, transaction

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

    from api.models import Source

type Action = tuple[Act, dict[str, Any]]

#: Everybody who edits moves one counter; together with the pauses this is about five seconds of a 10 s time-out.
TRIES_MAX = 24
PAUSE_MAX_S = 0.3
TOKEN_BITS = 128

_REFUSED = "ConditionalCheckFailed"
_CANCELLED = "TransactionCanceledException"


class Cancelled(Exception):
    """A condition of ours did not hold: nothing was written. `places` says which actions' conditions."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(f"refused: {sorted(places)}")
        self.places = places


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What the log says of a change; `act` is put, delete, or poll, which changes nothing but is a wish."""

    source_id: str
    kind: SourceType
    shard: int
    act: str
    revision: int

    @classmethod
    def put(cls, source: "Source") -> Self:
        """Say that a source is there, as it is now."""
        return cls(source_id=source.id, kind=source.type, shard=source.shard, act="put", revision=source.revision)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The way into the fleet's configuration log."""

    dynamodb: "DynamoDBClient"
    fleet_table: str
    now_ms: NowMs
    chance: random.Random
    pause: Callable[[float], None]

    @classmethod
    def at_the_door(cls, dynamodb: "DynamoDBClient", fleet_table: str) -> Self:
        """Join what a Lambda has."""
        return cls(
            dynamodb=dynamodb, fleet_table=fleet_table, now_ms=door.wall_ms, chance=door.CHANCE, pause=door.pause
        )

    def land(self, actions: Sequence[Action], *edits: Edit) -> None:
        """
        Write the actions and the fleet's part of the edits together; `Cancelled` or a problem 503: nothing was.

        The edits are of one kind, and of different sources.
        """
        for attempt in range(TRIES_MAX):
            if self._lands(actions, edits):
                return
            self.pause(self.chance.uniform(0, min(PAUSE_MAX_S, 0.01 * 2**attempt)))
        raise try_again("too many changes at once")

    def _lands(self, actions: Sequence[Action], edits: Sequence[Edit]) -> bool:
        """Try once; False if others were quicker."""
        row = read_row(self.dynamodb, fleet.counter(self.fleet_table, edits[0].kind))
        told = self._tell(edits, seen=row["n"] if row else 0)
        token = f"{self.chance.getrandbits(TOKEN_BITS):032x}"
        try:
            self.dynamodb.transact_write_items(**transaction([*actions, *told], token=token))
        except ClientError as error:
            if error.response["Error"].get("Code") != _CANCELLED:  # anything else may have landed: the caller decides
                raise
            refused = frozenset(place for place, (code, _) in enumerate(reasons(error)) if code == _REFUSED)
            ours = refused & frozenset(range(len(actions)))
            if ours:
                raise Cancelled(ours) from error
            return False
        return True

    def _tell(self, edits: Sequence[Edit], *, seen: int) -> list[Action]:
        table, kind = self.fleet_table, edits[0].kind
        shards = sorted({edit.shard for edit in edits if edit.act != "poll"})  # an item only once in a transaction
        return [
            *(self._place(edit) for edit in edits if edit.act != "poll"),
            *(("Update", fleet.bump_shard(table, kind, shard)) for shard in shards),
            ("Update", fleet.bump_counter(table, kind, seen=seen, by=len(edits))),
            *(("Put", self._entry(edit, number)) for number, edit in enumerate(edits, start=seen + 1)),
        ]

    def _place(self, edit: Edit) -> Action:
        table, kind, shard = self.fleet_table, edit.kind, edit.shard
        if edit.act == "delete":
            return "Delete", fleet.delete_member(table, kind, shard, edit.source_id)
        return "Put", fleet.put_member(table, kind, shard, edit.source_id, revision=edit.revision)

    def _entry(self, edit: Edit, number: int) -> dict[str, Any]:
        return fleet.put_log(
            self.fleet_table, edit.kind, number,
            source_id=edit.source_id, shard=edit.shard, act=edit.act, revision=edit.revision, at_ms=self.now_ms(),
        )  # fmt: skip
