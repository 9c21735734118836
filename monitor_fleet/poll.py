"""
One poll: ask the source, and climb the ladder only as far as needed.

304 → same wire bytes → same decoded bytes → same document → changed. Every rung but the last ends the poll without
asking AWS anything.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from contracts.clock import SECOND_MS, NowMs
from contracts.table.heads import Ref
from fetching import document
from fetching.decode import TooLarge, Undecodable, decode
from fetching.document import Document
from fetching.fetch import Ask
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply, Validators
from monitor_fleet.asking import ask_for, without_key
from monitor_fleet.keys import KeyMissing, KeyRing
from monitor_fleet.offload import Offload
from monitor_fleet.sharing import Fetch, Once
from monitor_fleet.watched import Watched

#: Larger answers are unpacked and read in another process: these take 3 to 5 ms (bench/diff.py).
INLINE_JSON_BYTES_MAX = 128 * 1_024
INLINE_XML_BYTES_MAX = 16 * 1_024
#: Every so often a source is asked without conditions: some servers say 304 for ever.
CONDITIONAL_POLLS_MAX = 50
CONDITIONAL_FOR_MAX_MS = 6 * 3_600 * SECOND_MS

_DIGEST_BYTES = 16

log = logging.getLogger(__name__)

#: Gives a stored document: out of memory if it is there.
type GetDocument = Callable[[Ref], Awaitable[bytes | None]]


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

    async def look(self, watched: Watched, once: Once | None = None) -> Looked | Failed:
        """Ask a source whose head is known, and say whether it changed."""

    def pause_ms(self, watched: Watched) -> int | None:
        """Say how long to leave a source alone after a good poll; None to go on by its schedule."""


@dataclass(frozen=True, kw_only=True)
class Poller:
    """Asks sources. Failures of a source are returned, ours are raised (StoreError, OffloadFailed)."""

    fetch: Fetch
    keys: KeyRing
    offload: Offload
    now_ms: NowMs
    stored: GetDocument

    def once(self) -> Once:
        """Give what makes each request of a turn once."""
        return Once(self.fetch)

    def pause_ms(self, _: Watched) -> None:
        """Leave it to the schedule: nobody but the host says how often it may be asked."""

    async def look(self, watched: Watched, once: Once | None = None) -> Looked | Failed:
        """Ask a source whose head is known, and say whether it changed; through `once` where others ask with it."""
        try:
            ask, outcome = await self._ask(watched, once or self.fetch)
        except KeyMissing as error:
            return Failed(reason=Reason.KEY, why=str(error))
        match outcome:
            case NotModified():
                return _NOT_MODIFIED
            case Reply():
                watched.taken_bytes = len(outcome.wire)
                return await self._climb(watched, outcome, without_key(ask, watched.target, outcome.validators))
            case Failed():
                return outcome

    async def _ask(self, watched: Watched, fetch: Fetch) -> tuple[Ask, Outcome]:
        """Request once; and once more if the key was refused and there is another one by now."""
        target = watched.target
        validators = self._validators(watched)
        key = await self.keys.get(target.secret_id) if target.secret_id else None
        ask = ask_for(target, key, validators)
        outcome = await fetch(ask)
        refused = isinstance(outcome, Failed) and outcome.reason is Reason.UNAUTHORIZED
        if refused and key and target.secret_id:
            newer = await self.keys.renew(target.secret_id, refused=key)
            if newer:
                ask = ask_for(target, newer, validators)
                outcome = await fetch(ask)
        return ask, outcome

    def _validators(self, watched: Watched) -> Validators | None:
        """Give what to ask with; None where the whole answer is wanted."""
        if watched.lying or watched.conditional_polls >= CONDITIONAL_POLLS_MAX:
            return None
        if watched.conditional_polls and self.now_ms() - watched.full_at_ms > CONDITIONAL_FOR_MAX_MS:
            return None
        return watched.validators

    async def _climb(self, watched: Watched, reply: Reply, validators: Validators) -> Looked | Failed:
        wire_digest = _digest(f"{reply.coding};{reply.content_type};".encode(), reply.wire)
        if wire_digest == watched.wire_digest:
            return _looked(Rung.SAME_WIRE, validators, wire_digest, watched.decoded_digest)
        try:
            decoded = await self._decode(reply)
        except (Undecodable, TooLarge) as error:
            return document.undecodable(error)
        decoded_digest = _digest(reply.content_type.encode(), decoded)
        if decoded_digest == watched.decoded_digest:
            return _looked(Rung.SAME_DECODED, validators, wire_digest, decoded_digest)
        found = await self._read(decoded, reply.content_type, watched)
        if isinstance(found, Failed):
            return found
        known = watched.head.hash if watched.head else ""
        rung = Rung.SAME_DOCUMENT if found.hash == known else Rung.CHANGED
        if rung is Rung.CHANGED and validators == watched.validators and (validators.etag or validators.last_modified):
            # Asked with these, the server would have said that nothing changed.
            watched.lying = True
            log.warning("validators_unreliable", extra={"source": watched.target.id})
        return _looked(rung, validators, wire_digest, decoded_digest, found)

    async def _decode(self, reply: Reply) -> bytes:
        """Unpack small answers here; what proves large is unpacked anew elsewhere."""
        try:
            return decode(reply.wire, reply.coding, limit_bytes=INLINE_JSON_BYTES_MAX)
        except TooLarge:
            if reply.coding in ("", "identity"):
                return reply.wire
            return await self.offload(decode, reply.wire, reply.coding)

    async def _read(self, decoded: bytes, content_type: str, watched: Watched) -> Document | Failed:
        how = watched.target.reading
        may_be_xml = how.format != "json" and decoded.lstrip()[:1] not in (b"{", b"[")
        ref = watched.head.ref if watched.head else None
        last = await self.stored(ref) if ref and how.wants_last(xml=may_be_xml) else None
        most = INLINE_XML_BYTES_MAX if may_be_xml else INLINE_JSON_BYTES_MAX
        if len(decoded) + len(last or b"") <= most:
            return document.read(decoded, content_type, how, last)
        return await self.offload(document.read, decoded, content_type, how, last)


def _looked(
    rung: Rung, validators: Validators, wire_digest: bytes, decoded_digest: bytes, found: Document | None = None
) -> Looked:
    return Looked(
        rung=rung, document=found, validators=validators, wire_digest=wire_digest, decoded_digest=decoded_digest
    )


def _digest(kind: bytes, data: bytes) -> bytes:
    state = hashlib.sha256(kind)
    state.update(data)
    return state.digest()[:_DIGEST_BYTES]
