"""
Who uses which secret: made before its first source is written, deleted with its last.

The secret itself is outside of any transaction, so its row goes first and stays last (`contracts.table.secrets`):
wherever a process dies, the row tells `api.tidy` what to finish. A secret is made, brought back and deleted only by
who holds its row, and only while nobody uses it; so a source that joins never finds its key gone. A key that replaces
another waits beside it until its edit has landed, so nobody is polled with a key of an edit that was not made.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from api.keys import Keys
from api.problem import try_again
from api.rows import read_row
from contracts.clock import NowMs
from contracts.table import secrets
from contracts.table.transaction import Act

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

type Action = tuple[Act, secrets.Request]

HOLDER_BITS = 64
NAME_BITS = 32
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True, kw_only=True)
class Move:
    """What becomes of a source's key: the secret before and after; how `after` was come by."""

    before: str | None = None
    after: str | None = None
    holder: str = ""
    """Who holds the row of `after`, which has no user yet; empty: others use it."""
    version: str = ""
    """The version that is to replace another within the same secret."""
    first: bool = False
    """Whether its name was never used before."""

    def actions(self, table: str) -> Sequence[Action]:
        """Give what the transaction that writes the source must count."""
        if self.before == self.after:
            chosen = self.version and self.after
            return (
                [("Update", secrets.choose(table, self.after, version=self.version))] if chosen and self.after else []
            )
        left: list[Action] = [("Update", secrets.leave(table, self.before))] if self.before else []
        if not self.after:
            return left
        joined = (
            secrets.keep(table, self.after, holder=self.holder) if self.holder else secrets.share(table, self.after)
        )
        return [*left, ("Update", joined)]


@dataclass(frozen=True, kw_only=True)
class KeyUses:
    """The rows of secrets, and the secrets behind them."""

    dynamodb: "DynamoDBClient"
    fleet_table: str
    keys: Keys
    now_ms: NowMs
    chance: random.Random

    def bring_first(self, source_id: str, api_key: str, origin: str) -> Move:
        """Keep the key of a source that is about to be registered."""
        secret_id, holder = self.keys.secret_id(source_id), self.new_holder()
        move = Move(after=secret_id, holder=holder, first=True)
        if not self.holds(secret_id, holder=holder):
            raise try_again("try once more")  # an id of 32 bits that was given before
        try:
            self.keys.create(secret_id, api_key, origin)
        except (BotoCoreError, ClientError):
            self.take_back(move)
            raise
        return move

    def bring(self, source_id: str, api_key: str, origin: str, *, before: str | None) -> Move:
        """Keep another key for a source: in its own secret, or in a new one where others use that name."""
        own, holder = self.keys.secret_id(source_id), self.new_holder()
        if before == own:
            return Move(before=own, after=own, version=self.keys.propose(own, api_key, origin))
        if not self.holds(own, holder=holder):
            own = f"{own}-{self.chance.getrandbits(NAME_BITS):08x}"
            self.dynamodb.update_item(
                **secrets.hold_to_make(self.fleet_table, own, holder=holder, now_ms=self.now_ms())
            )
        self.keys.put(own, api_key, origin)
        return Move(before=before, after=own, holder=holder)

    def take_back(self, move: Move) -> None:
        """Undo what was done for an edit that did not land; what cannot be undone now is left to `api.tidy`."""
        try:
            if move.holder and move.after:
                (self.keys.delete_for_good if move.first else self.keys.delete)(move.after)
                self.dynamodb.delete_item(**secrets.forget(self.fleet_table, move.after, holder=move.holder))
        except (BotoCoreError, ClientError):
            return  # why the edit did not land is the news

    def land(self, move: Move) -> None:
        """Finish what an edit that landed has begun; what cannot be finished now is left to `api.tidy`."""
        try:
            if move.version and move.after:
                self.promote(move.after, move.version)
            elif move.before and move.before != move.after:
                self.tidy(move.before)
        except (BotoCoreError, ClientError):
            return  # the edit is made, and must not be taken for one that is not

    def promote(self, secret_id: str, version: str) -> None:
        """Have the chosen version read, unless another was chosen since."""
        self.keys.promote(secret_id, version, still_wanted=lambda: self._chosen(secret_id) == version)
        self._held(secrets.is_read(self.fleet_table, secret_id, version=version))

    def _chosen(self, secret_id: str) -> str | None:
        found = read_row(self.dynamodb, secrets.row(self.fleet_table, secret_id))
        return found.get("chosen") if found else None

    def tidy(self, secret_id: str) -> bool:
        """Delete a secret that nobody uses any more; False if somebody does, or is at it."""
        holder = self.new_holder()
        if not self._held(secrets.hold_to_delete(self.fleet_table, secret_id, holder=holder, now_ms=self.now_ms())):
            return False
        self.keys.delete(secret_id)
        self.dynamodb.delete_item(**secrets.forget(self.fleet_table, secret_id, holder=holder))
        return True

    def holds(self, secret_id: str, *, holder: str) -> bool:
        """Hold the row of a secret to make it or bring it back; False if it is used, or somebody is at it."""
        return self._held(secrets.hold_to_make(self.fleet_table, secret_id, holder=holder, now_ms=self.now_ms()))

    def new_holder(self) -> str:
        """Name who holds a row; a lapsed hold must not be taken for a later one."""
        return f"{self.chance.getrandbits(HOLDER_BITS):016x}"

    def _held(self, request: secrets.Request) -> bool:
        try:
            self.dynamodb.update_item(**request)
        except ClientError as error:
            if error.response["Error"].get("Code") == _REFUSED:
                return False
            raise
        return True
