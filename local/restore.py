"""
Put the sources of a backup back: whole, one transaction each, every one under a new incarnation.

The file is checked to its end before anything is written. Body and history go first, since nothing points to them
yet; then one transaction as a registration's, which also tells the fleet; then the subscribers. A restore that broke
off is run again: what is there already is left alone. A new incarnation makes every client take a snapshot, and no
commit that was under way for the old one can land.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from api import shown
from api.edit import Cancelled, Configuration, Edit
from api.key_uses import KeyUses, Move
from api.keys import Keys
from api.problem import Problem
from api.rows import read_source
from contracts import bodies, messages
from contracts.bodies import BUCKET
from contracts.clock import DAY_S, SECOND_MS, NowMs, iso
from contracts.kinds import SourceType
from contracts.messages import Kind, Message
from contracts.rules import origin
from contracts.sharding import shard_of_request, shard_of_spreadsheet
from contracts.sheet_address import read_address
from contracts.source import Source, State, Status
from contracts.table import heads
from contracts.table.heads import BODY_TTL_S, Head
from local import restore_rows
from local.backup_file import Backup, Saved
from local.reach import Reach
from local.restore_rows import BATCH_WRITE_MAX

KEY_LOST = "its key must be set again"
INCARNATION_BITS = 64
UNIQUE_BITS = 128
TRIES_MAX = 4
#: AWS may leave some rows of a batch for another try.
BATCH_TRIES_MAX = 8
#: Above any revision that a worker may still hold of a source deleted a moment ago: it ignores older ones.
REVISIONS_AHEAD = 1_000


class RestoreFailed(RuntimeError):
    """A source could not be put back; those before it are. Run it again."""


@dataclass(frozen=True, kw_only=True)
class Restorer:
    """Puts sources back into one stack. `pause` takes seconds."""

    stack: Reach
    prefix_before: str
    replace: bool
    now_ms: NowMs
    chance: random.Random
    pause: Callable[[float], None]
    holder: str
    """Under which name secrets are held that come into use again."""
    done: Counter[str] = field(default_factory=Counter)

    def put_back(self, saved: Saved) -> None:
        """Put one source back, unless it is there and may stay."""
        source_id = str(saved.source["id"])
        try:
            for _ in range(TRIES_MAX):
                live = read_source(self.stack.dynamodb, self.stack.tables.data_sources, source_id)
                if live and not self.replace:
                    self.done["left alone"] += 1
                    return
                if self._landed(saved, live):
                    return
        except (BotoCoreError, ClientError, Problem) as error:
            raise RestoreFailed(f"{source_id}: {error}; run the restore again") from error
        raise RestoreFailed(f"{source_id} is being edited all the time; run the restore again")

    def _landed(self, saved: Saved, live: dict[str, Any] | None) -> bool:
        """Write everything of a source; False if somebody was quicker with it."""
        move = self._move(saved, live)
        source = self._source(saved, live, move.after)
        head = self._put_document(saved, replace(saved.head, incarnation=source.incarnation))
        self._put_changes(saved, head)
        rows = [
            restore_rows.put_source(self.stack.tables.data_sources, source, over=live["revision"] if live else None),
            restore_rows.set_head(self.stack.tables.sheets_data, head, replaces=live is not None),
        ]
        try:
            counted = move.actions(self.stack.tables.fleet)
            self._configuration.land([("Put", rows[0]), ("Update", rows[1]), *counted], _edit(source))
        except Cancelled:
            return False
        self._tell(head)
        self.done["replaced" if live else "restored"] += 1
        self.done[KEY_LOST] += source.status.why.startswith(KEY_LOST)
        self.done["document fetched anew"] += head.version > 0 and saved.document is None
        return True

    def _move(self, saved: Saved, live: dict[str, Any] | None) -> Move:
        """Say what becomes of the source's key, and hold a secret that nobody uses so that it is not tidied away."""
        before, after = (live or {}).get("apiKeySecretId"), self._secret_id(saved.source.get("apiKeySecretId"))
        is_held = after and after != before and self._uses.holds(after, holder=self.holder)
        return Move(before=before, after=after, holder=self.holder if is_held else "")

    def _source(self, saved: Saved, live: dict[str, Any] | None, secret_id: str | None) -> Source:
        """Make the source as it will be: the saved rules, a new history, and its place in this stack."""
        before = Source.from_item(saved.source)
        headers = _headers(before, live)
        lost = self._is_lost(before, secret_id, headers)
        now_ms = self.now_ms()
        revision = max(before.revision + REVISIONS_AHEAD, live["revision"] + 1 if live else 0)
        status = Status(state=State.NEW, since=now_ms, lastGood=before.status.last_good)
        changed = {
            "apiKeySecretId": secret_id, "headers": headers, "revision": revision, "lastUpdated": iso(now_ms),
            "incarnation": f"{self.chance.getrandbits(INCARNATION_BITS):016x}",
            "status": status.model_copy(update={"state": State.FAILING, "why": lost}) if lost else status,
            "enabled": before.enabled and not lost,
        }  # fmt: skip
        source = Source.model_validate(before.item() | changed)
        # A living source keeps its shard for ever: its membership is a row under it.
        return source.model_copy(update={"shard": live["shard"] if live else self._shard(source)})

    def _shard(self, source: Source) -> int:
        shards = self.stack.shards[source.type]
        if source.type is SourceType.GOOGLE_SHEET:
            return shard_of_spreadsheet(read_address(source.url).spreadsheet_id, shards=shards)
        return shard_of_request(
            url=source.url, headers=source.headers, secret_id=source.api_key_secret_id, shards=shards
        )

    def _secret_id(self, before: str | None) -> str | None:
        """Name in this stack what the other one's prefix named there."""
        return before and self.stack.secrets_prefix + before.removeprefix(self.prefix_before)

    def _is_lost(self, source: Source, secret_id: str | None, headers: dict[str, str]) -> str:
        """Say which key a source cannot be polled with; empty if it has all it needs."""
        hidden = sorted(name for name, value in headers.items() if value == shown.HIDDEN)
        if hidden:
            return f"{KEY_LOST}: header {', '.join(hidden)}"[:512]
        if secret_id is None or self._has_key(secret_id, origin(source.url)):
            return ""
        return KEY_LOST

    def _has_key(self, secret_id: str, bound_to: str) -> bool:
        """Tell whether a key is there, after taking back a deletion that still can be (7 days)."""
        keys = Keys(client=self.stack.secrets, prefix=self.stack.secrets_prefix)
        if keys.belongs_to(secret_id, bound_to):
            return True
        try:
            self.stack.secrets.restore_secret(SecretId=secret_id)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"ResourceNotFoundException", "InvalidRequestException"}:
                raise
            return False
        return keys.belongs_to(secret_id, bound_to)

    def _put_document(self, saved: Saved, head: Head) -> Head:
        """Store the document and point to it; without one the head says so, and its owner fetches it anew."""
        if saved.document is None:
            return head
        body = bodies.pack(saved.document, source_id=head.source_id, version=head.version, document_hash=head.hash)
        at_ms = self.now_ms()
        if body.ref.encoding == BUCKET:
            shown_as = {"ContentType": "application/json", "ContentEncoding": "gzip"}
            self.stack.s3.put_object(Bucket=self.stack.bucket, Key=body.ref.id, Body=body.data, **shown_as)
        else:
            table = self.stack.tables.sheets_data
            request = heads.put_body(table, body.ref, source_id=head.source_id, data=body.data, at_ms=at_ms)
            self.stack.dynamodb.put_item(**request)
        return replace(head.keeping(body.ref), body_until_ms=at_ms + BODY_TTL_S * SECOND_MS)

    def _put_changes(self, saved: Saved, head: Head) -> None:
        """Write the history, but for what is older than this stack keeps it."""
        oldest_ms = self.now_ms() - self.stack.history_days * DAY_S * SECOND_MS
        kept = [replace(change, incarnation=head.incarnation) for change in saved.changes if change.at_ms > oldest_ms]
        for some in batched(kept, BATCH_WRITE_MAX, strict=False):
            self._put_batch(
                restore_rows.put_changes(self.stack.tables.changes, list(some), history_days=self.stack.history_days)
            )
        self.done["changes too old"] += len(saved.changes) - len(kept)

    def _put_batch(self, request: dict[str, Any]) -> None:
        for attempt in range(BATCH_TRIES_MAX):
            left = self.stack.dynamodb.batch_write_item(**request).get("UnprocessedItems")
            if not left:
                return
            request = {"RequestItems": left}
            self.pause(self.chance.uniform(0, 0.05 * 2**attempt))
        raise RestoreFailed("the Changes table takes no more for now; run the restore again")

    def _tell(self, head: Head) -> None:
        """Have whoever still follows the source take a snapshot; if this fails, its next owner tells."""
        if head.version == 0:
            return
        message = Message(
            kind=Kind.CHANGE,
            source_id=head.source_id,
            incarnation=head.incarnation,
            version=head.version,
            at_ms=self.now_ms(),
        )
        unique = f"{self.chance.getrandbits(UNIQUE_BITS):032x}"
        self.stack.sqs.send_message(**messages.send(self.stack.queue_url, message, unique=unique))

    @property
    def _uses(self) -> KeyUses:
        stack = self.stack
        keys = Keys(client=stack.secrets, prefix=stack.secrets_prefix)
        return KeyUses(
            dynamodb=stack.dynamodb, fleet_table=stack.tables.fleet, keys=keys, now_ms=self.now_ms, chance=self.chance
        )

    @property
    def _configuration(self) -> Configuration:
        stack = self.stack
        return Configuration(
            dynamodb=stack.dynamodb, fleet_table=stack.tables.fleet, now_ms=self.now_ms, chance=self.chance,
            pause=self.pause,
        )  # fmt: skip


def restore(
    stack: Reach,
    backup: Backup,
    *,
    replaces: bool,
    now_ms: NowMs,
    chance: random.Random,
    pause: Callable[[float], None],
) -> Counter[str]:
    """Put every source of a backup back and give what was done."""
    restorer = Restorer(
        stack=stack,
        prefix_before=backup.secrets_prefix,
        replace=replaces,
        now_ms=now_ms,
        chance=chance,
        pause=pause,
        holder=f"{chance.getrandbits(INCARNATION_BITS):016x}",
    )
    for saved in backup.sources():
        restorer.put_back(saved)
    return +restorer.done


def _headers(before: Source, live: dict[str, Any] | None) -> dict[str, str]:
    """Take values that the backup left out from the living source, where it has them."""
    known = live.get("headers", {}) if live else {}
    return {name: known.get(name, value) if value == shown.HIDDEN else value for name, value in before.headers.items()}


def _edit(source: Source) -> Edit:
    return Edit(source_id=source.id, kind=source.type, shard=source.shard, act="put", revision=source.revision)
