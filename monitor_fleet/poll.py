"""
One poll: ask the source, and climb the ladder only as far as needed.

304 → same wire bytes → same decoded bytes → same document → changed. Every rung but the last ends the poll without
asking AWS anything.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from contracts.clock import SECOND_MS, NowMs
from fetching import document
from fetching.decode import TooLarge, Undecodable, beginning, decode, unpacked_bytes_max
from fetching.document import Document
from fetching.failures import too_large
from fetching.fetch import Ask
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply, Validators
from fetching.select import repeats
from monitor_fleet.asking import ask_for, without_key
from monitor_fleet.documents import Documents
from monitor_fleet.keys import Key, KeyMissing, KeyRing
from monitor_fleet.offload import Offload, TakesTooMuch
from monitor_fleet.room import Claim, weight
from monitor_fleet.sharing import Fetch, Once
from monitor_fleet.visit import Ahead, Seen, Visit, digest_of
from monitor_fleet.watched import Watched

#: Larger answers are unpacked and read in another process: these take 3 to 5 ms (bench/diff.py).
INLINE_JSON_BYTES_MAX = 128 * 1_024
INLINE_XML_BYTES_MAX = 16 * 1_024
#: Every so often a source is asked without conditions: some servers say 304 for ever.
CONDITIONAL_POLLS_MAX = 50
CONDITIONAL_FOR_MAX_MS = 6 * 3_600 * SECOND_MS

log = logging.getLogger(__name__)


class Rung(StrEnum):
    """How far a good poll had to look."""

    NOT_MODIFIED = "304"
    SAME_WIRE = "wire_same"
    SAME_DECODED = "raw_same"
    SAME_DOCUMENT = "canonical_same"
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What a good poll saw. `remember` is called once the document it saw is the committed one."""

    rung: Rung
    document: Document | None = None
    ahead: Ahead | None = None
    validators: Validators | None = None
    wire_digest: bytes = b""
    decoded_digest: bytes = b""

    def remember(self, watched: Watched, now_ms: int) -> None:
        """Compare the next answer with this one."""
        if self.rung is Rung.NOT_MODIFIED:
            watched.conditional_polls += 1
            watched.full_at_ms = watched.full_at_ms or now_ms  # a new owner trusts what the last one stored
            return
        watched.conditional_polls = 0
        watched.full_at_ms = now_ms
        watched.validators = self.validators
        watched.wire_digest = self.wire_digest
        watched.decoded_digest = self.decoded_digest


#: Most polls end so.
_NOT_MODIFIED = Looked(rung=Rung.NOT_MODIFIED)


class Polls(Protocol):
    """Asks sources of one kind."""

    def once(self) -> Once | None:
        """Give what the sources of one turn ask through together; None where asking sees to that itself."""

    async def look(self, watched: Watched, claim: Claim, once: Once | None = None) -> Looked | Failed:
        """Ask a source whose head is known, and say whether it changed; what is large takes room."""

    def pause_ms(self, watched: Watched) -> int | None:
        """Say how long to leave a source alone after a good poll; None to go on by its schedule."""


@dataclass(frozen=True, kw_only=True)
class Poller:
    """Asks sources. Failures of a source are returned, ours are raised (StoreError, OffloadFailed)."""

    fetch: Fetch
    keys: KeyRing
    offload: Offload
    now_ms: NowMs
    documents: Documents

    def once(self) -> Once:
        """Give what makes each request of a turn once."""
        return Once(self.fetch)

    def pause_ms(self, _: Watched) -> None:
        """Leave it to the schedule: nobody but the host says how often it may be asked."""

    async def look(self, watched: Watched, claim: Claim, once: Once | None = None) -> Looked | Failed:
        """Ask a source whose head is known, and say whether it changed; through `once` where others ask with it."""
        try:
            ask, key, outcome = await self._ask(watched, claim, once or self.fetch)
        except KeyMissing as error:
            return Failed(reason=Reason.KEY, why=str(error))
        match outcome:
            case NotModified():
                return _NOT_MODIFIED
            case Reply():
                watched.taken_bytes = len(outcome.wire)
                validators = without_key(ask, watched.target, outcome.validators, key)
                return await self._climb(watched, claim, outcome, validators)
            case Failed():
                return outcome

    async def _ask(self, watched: Watched, claim: Claim, fetch: Fetch) -> tuple[Ask, Key | None, Outcome]:
        """Request once; and once more if the key was refused and there is another one by now."""
        target = watched.target
        validators = self._validators(watched)
        key = await self.keys.get(target.secret_id) if target.secret_id else None
        ask = ask_for(target, key, validators, grow=claim.read_on)
        outcome = await fetch(ask)
        refused = isinstance(outcome, Failed) and outcome.reason is Reason.UNAUTHORIZED
        if refused and key and target.secret_id:
            newer = await self.keys.renew(target.secret_id, refused=key)
            if newer:
                key, ask = newer, ask_for(target, newer, validators, grow=claim.read_on)
                outcome = await fetch(ask)
        return ask, key, outcome

    def _validators(self, watched: Watched) -> Validators | None:
        """Give what to ask with; None where the whole answer is wanted."""
        if watched.lying or watched.conditional_polls >= CONDITIONAL_POLLS_MAX:
            return None
        if watched.conditional_polls and self.now_ms() - watched.full_at_ms > CONDITIONAL_FOR_MAX_MS:
            return None
        return watched.validators

    async def _climb(self, watched: Watched, claim: Claim, reply: Reply, validators: Validators) -> Looked | Failed:
        wire_digest = digest_of(f"{reply.coding};{reply.content_type};".encode(), reply.wire)
        if wire_digest == watched.wire_digest:
            return Looked(
                rung=Rung.SAME_WIRE, validators=validators, wire_digest=wire_digest,
                decoded_digest=watched.decoded_digest,
            )  # fmt: skip
        seen = await self._see(watched, claim, reply)
        if isinstance(seen, Failed):
            return seen
        rung = _rung(seen, watched)
        if rung is Rung.CHANGED and validators == watched.validators and validators.are_any:
            # Asked with these, the server would have said that nothing changed.
            watched.lying = True
            log.warning("validators_unreliable", extra={"source": watched.target.id})
        return Looked(
            rung=rung, document=seen.document, ahead=seen.ahead, validators=validators, wire_digest=wire_digest,
            decoded_digest=seen.decoded_digest,
        )  # fmt: skip

    async def _see(self, watched: Watched, claim: Claim, reply: Reply) -> Seen | Failed:
        """Unpack and read a small answer here; what proves large goes elsewhere as it came."""
        try:
            decoded = decode(reply.wire, reply.coding, limit_bytes=INLINE_JSON_BYTES_MAX)
        except Undecodable as error:
            return document.undecodable(error)
        except TooLarge:
            await _take_room(claim, watched, reply.wire, reply.coding)  # for the last document too
            may_be_xml = _may_be_xml(watched, beginning(reply.wire, reply.coding))
            last = await self._last(watched, claim, may_be_xml=may_be_xml)
            return await self._visit(watched, claim, reply.wire, reply, coding=reply.coding, last=last)
        digest = digest_of(reply.content_type.encode(), decoded)
        if digest == watched.decoded_digest:
            return Seen(decoded_digest=digest)
        may_be_xml = _may_be_xml(watched, decoded)
        last = await self._last(watched, claim, may_be_xml=may_be_xml)
        most = INLINE_XML_BYTES_MAX if may_be_xml else INLINE_JSON_BYTES_MAX
        if (len(decoded) + len(last or b"")) * repeats(watched.target.reading.selector) > most:
            return await self._visit(watched, claim, decoded, reply, coding="", last=last)
        untold = watched.head.untold if watched.head else ()
        found = document.read(decoded, reply.content_type, watched.target.reading, last, untold)
        return found if isinstance(found, Failed) else Seen(decoded_digest=digest, document=found)

    async def _visit(
        self, watched: Watched, claim: Claim, data: bytes, reply: Reply, *, coding: str, last: bytes | None
    ) -> Seen | Failed:
        """Have an answer read elsewhere, and its step made if the last document is in memory anyway."""
        await _take_room(claim, watched, data, coding)
        head = watched.head
        ref = head.ref if head else None
        visit = Visit(
            wire=data, coding=coding, content_type=reply.content_type, how=watched.target.reading,
            known=head.hash if head else "", known_decoded=watched.decoded_digest, base_id=ref.id if ref else "",
            last=last or (self.documents.held(ref) if ref else None), untold=head.untold if head else (),
        )  # fmt: skip
        try:
            seen = await self.offload(visit.make)
        except TakesTooMuch as error:
            return too_large(f"reading the answer was given up: {error}")
        if isinstance(seen, Seen) and seen.document:
            claim.settle(_weight(watched, data, len(seen.document.canonical)))
        return seen

    async def _last(self, watched: Watched, claim: Claim, *, may_be_xml: bool) -> bytes | None:
        """Give the last document where what this one becomes depends on it."""
        ref = watched.head.ref if watched.head else None
        if ref is None or not watched.target.reading.wants_last(xml=may_be_xml):
            return None
        await claim.grow(ref.bytes)  # it may be large where the answer is not
        return await self.documents.get(ref)


async def _take_room(claim: Claim, watched: Watched, data: bytes, coding: str) -> None:
    """Take room for all that reading an answer may make of it."""
    await claim.grow(_weight(watched, data, unpacked_bytes_max(data, coding)))


def _weight(watched: Watched, answer: bytes, document_bytes: int) -> int:
    ref = watched.head.ref if watched.head else None
    return weight(answer=len(answer), last=ref.bytes if ref else 0, document=document_bytes)


def _may_be_xml(watched: Watched, decoded: bytes) -> bool:
    return watched.target.reading.format != "json" and decoded.lstrip()[:1] not in (b"{", b"[")


def _rung(seen: Seen, watched: Watched) -> Rung:
    if seen.document is None:
        return Rung.SAME_DECODED
    known = watched.head.hash if watched.head else ""
    return Rung.SAME_DOCUMENT if seen.document.hash == known else Rung.CHANGED
