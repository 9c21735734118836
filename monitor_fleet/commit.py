"""
The state of each source in the tables: loaded and fenced once, then moved from version to version.

A head is loaded by an update that stamps the shard's epoch and bumps `fence`; a commit holds only over that very
head. So whatever an older owner, or an earlier try of this one, still has in flight is refused. When it is not known
whether a commit landed, the head is fenced again: a plain read could be overtaken by the late copy.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from contracts import bodies
from contracts.clock import DAY_S, SECOND_MS, NowMs, iso
from contracts.table import changes, heads, sources
from contracts.table.changes import Change
from contracts.table.heads import BODY_TTL_S, Head, Next
from contracts.table.schema import TableNames
from contracts.table.transaction import TOKEN_LENGTH_MAX, Act, Request, transaction
from contracts.table.values import read_item
from fetching.document import Document
from fetching.outcome import Validators
from monitor_fleet import step
from monitor_fleet.documents import Documents
from monitor_fleet.errors import Refused
from monitor_fleet.offload import Offload, TakesTooMuch
from monitor_fleet.step import Made
from monitor_fleet.store import StoreVerbs
from monitor_fleet.visit import Ahead
from monitor_fleet.watched import Watched

log = logging.getLogger(__name__)

#: Two documents of more than this together are compared in another process.
INLINE_BYTES_MAX = 256 * 1_024
#: A document of more than this is compressed in another process.
INLINE_PACK_BYTES_MAX = 128 * 1_024
#: A body is stored anew this long before it would expire.
RENEW_BODY_BEFORE_MS = DAY_S * SECOND_MS


class Dropped(Exception):
    """The source is gone, or no longer this worker's: what was in flight for it is dropped."""


class Fenced(Dropped):
    """A write of ours was refused by its fence: somebody fenced the head after we loaded it."""


@dataclass(frozen=True, kw_only=True)
class Committer:
    """Loads heads and commits documents. `may_act` is asked before each write begins."""

    store: StoreVerbs
    tables: TableNames
    documents: Documents
    offload: Offload
    now_ms: NowMs
    may_act: Callable[[], bool]
    history_days: int

    async def load(self, watched: Watched) -> Head:
        """Fence a source's head and take it as the truth."""
        self._check(watched)
        request = heads.fence(self.tables.sheets_data, watched.target.id, epoch=watched.shard.epoch)
        try:
            head = Head.read(await self.store.update(request))
        except Refused as refused:
            if refused.old:
                raise Fenced("a newer owner fenced it") from refused
            raise Dropped("it is deleted") from refused
        await self._check_revision(watched)
        # The same texts as the target's: there may be 50,000 of them.
        head = replace(
            head, source_id=watched.target.id, incarnation=_same(head.incarnation, watched.target.incarnation)
        )
        watched.head = head
        # What was remembered of answers belongs to the head before: a commit that landed unanswered made a newer one.
        watched.forget_answers()
        watched.validators = _stored_validators(head, watched)
        return head

    async def commit(
        self, watched: Watched, document: Document, validators: Validators, ahead: Ahead | None = None
    ) -> None:
        """Make a document the newest version: its body first, then head and change together."""
        head = watched.head or await self.load(watched)
        made = await self._step(head, document, ahead)
        new, body = await self._next(head, document, validators, watched, ahead)
        self._check(watched)
        await self.documents.put(body, source_id=head.source_id, at_ms=new.at_ms)
        self._check(watched)
        await self._transact(watched, head, new, made)
        self._remember(watched, head, new, document)

    def wants_body(self, watched: Watched) -> bool:
        """Say whether the current body is to be stored anew: it is about to expire, or gone."""
        head = watched.head
        if head is None or head.ref is None:
            return False
        return watched.body_missing or head.body_until_ms - self.now_ms() < RENEW_BODY_BEFORE_MS

    async def keep_body(self, watched: Watched, document: Document | None) -> None:
        """Store the current body anew; `document` is it, where it is at hand."""
        head = watched.head
        if head is None or head.ref is None:
            return
        canonical = document.canonical if document else await self.documents.get(head.ref)
        if canonical is None:
            log.warning("body_missing", extra={"source": head.source_id, "version": head.version})
            watched.body_missing = True
            watched.forget_answers()
            return
        await self._store_again(watched, head, canonical)

    async def _check_revision(self, watched: Watched) -> None:
        """
        Refuse to go on by rules that were edited.

        Asked after fencing: an edit before this is seen here, an edit after it bumps the fence.
        """
        item = await self.store.get(sources.get(self.tables.data_sources, watched.target.id))
        if item is None or read_item(item)["revision"] != watched.target.revision:
            raise Dropped("it was edited or deleted")

    async def _store_again(self, watched: Watched, head: Head, canonical: bytes) -> None:
        self._check(watched)
        at_ms = self.now_ms()
        body = await self._pack(canonical, head, version=head.version, document_hash=head.hash)
        await self.documents.put(body, source_id=head.source_id, at_ms=at_ms)
        until_ms = at_ms + BODY_TTL_S * SECOND_MS
        try:
            await self.store.update(heads.set_body_until(self.tables.sheets_data, head, until_ms=until_ms))
        except Refused as refused:
            watched.head = None
            raise Fenced("the head is not what was loaded") from refused
        watched.head = replace(watched.head or head, body_until_ms=until_ms)
        watched.body_missing = False

    async def _step(self, head: Head, document: Document, ahead: Ahead | None) -> Made | None:
        """Make the step from the head's document; None where there is none, or its body is gone."""
        if ahead and ahead.made and head.ref and ahead.base_id == head.ref.id:
            return ahead.made
        old = await self.documents.get(head.ref) if head.ref else None
        if old is None:
            return None
        if len(old) + len(document.canonical) <= INLINE_BYTES_MAX:
            return step.make(old, document.canonical)
        try:
            return await self.offload(step.make, old, document.canonical)
        except TakesTooMuch:
            return None  # both are there, only not the way between them: who follows takes a snapshot

    async def _pack(self, canonical: bytes, head: Head, *, version: int, document_hash: str) -> bodies.Body:
        """Make what is stored of a document; compressing a large one takes long."""
        named: dict[str, Any] = {
            "source_id": head.source_id, "version": version, "document_hash": document_hash,
        }  # fmt: skip
        if len(canonical) <= INLINE_PACK_BYTES_MAX:
            return bodies.pack(canonical, **named)
        return await self.offload(bodies.pack, canonical, **named)

    async def _next(
        self, head: Head, document: Document, validators: Validators, watched: Watched, ahead: Ahead | None
    ) -> tuple[Next, bodies.Body]:
        version = head.version + 1
        if ahead:
            body = ahead.packed.named(source_id=head.source_id, version=version, document_hash=document.hash)
        else:
            body = await self._pack(document.canonical, head, version=version, document_hash=document.hash)
        # Validators of another url (after a redirect) would be sent to the wrong place by the next owner.
        own = validators.url == watched.target.url
        new = Next(
            version=version,
            hash=document.hash,
            ref=body.ref,
            at_ms=self.now_ms(),
            etag=validators.etag if own else None,
            last_modified=validators.last_modified if own else None,
            key_version=validators.key_version,
            untold=document.untold,
        )
        return new, body

    async def _transact(self, watched: Watched, head: Head, new: Next, made: Made | None) -> None:
        change = Change(
            source_id=head.source_id,
            incarnation=head.incarnation,
            version=new.version,
            step=None,
            bytes=made.bytes if made else 0,
            at_ms=new.at_ms,
            ref=new.ref,
            summary=made.summary if made else None,
        )
        actions: list[tuple[Act, Request]] = [
            ("Update", heads.commit(self.tables.sheets_data, head, new)),
            (
                "Put",
                changes.put(
                    self.tables.changes,
                    change,
                    history_days=self.history_days,
                    packed=made.packed if made else None,
                ),
            ),
        ]
        watched.head = None  # until it is known how this ended: whatever goes wrong, the head is fenced again
        try:
            await self.store.transact(transaction(actions, token=_token(head, new)))
        except Refused as refused:
            raise Fenced("the head is not what was loaded") from refused

    def _remember(self, watched: Watched, head: Head, new: Next, document: Document) -> None:
        watched.head = replace(
            head.keeping(new.ref),
            version=new.version,
            hash=new.hash,
            etag=new.etag,
            last_modified=new.last_modified,
            key_version=new.key_version,
            untold=new.untold,
            last_updated=iso(new.at_ms),
            body_until_ms=new.at_ms + BODY_TTL_S * SECOND_MS,
        )
        watched.body_missing = False
        if head.ref:
            self.documents.drop(head.ref)
        self.documents.keep(new.ref, document.canonical)

    def _check(self, watched: Watched) -> None:
        if not watched.current:
            raise Dropped("it was edited, deleted or handed on")
        if not self.may_act():
            raise Dropped("this worker's right has lapsed")


def _same(text: str, held: str) -> str:
    return held if text == held else text


def _stored_validators(head: Head, watched: Watched) -> Validators | None:
    if not (head.etag or head.last_modified):
        return None
    return Validators(
        url=watched.target.url, etag=head.etag or "", last_modified=head.last_modified or "",
        key_version=head.key_version,
    )  # fmt: skip


def _token(head: Head, new: Next) -> str:
    """Name this very commit, so that a copy of it that arrives twice lands once."""
    parts = (head.source_id, head.incarnation, new.version, head.epoch, head.fence, new.hash)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:TOKEN_LENGTH_MAX]
