"""
A large answer's one visit to another process: unpacked, read, compared, and made ready to commit.

One visit instead of four, because carrying a megabyte to a process and back takes the loop's time too, and because the
document need not be read a second time to make its step. Pure and picklable.
"""

import hashlib
from dataclasses import dataclass

from contracts import bodies
from contracts.bodies import Packed
from fetching import document
from fetching.decode import TooLarge, Undecodable, decode
from fetching.document import Document, Reading
from fetching.outcome import Failed
from monitor_fleet import step
from monitor_fleet.step import Made

_DIGEST_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """What a commit writes of a document, made along with it; `made` is the step from the document of `base_id`."""

    packed: Packed
    base_id: str
    made: Made | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What became of an answer; no document where its decoded bytes are the known ones."""

    decoded_digest: bytes
    document: Document | None = None
    ahead: Ahead | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """
    An answer and what it is compared with.

    `last` is the newest document, named `base_id`, where it is at hand; `known` are the hashes of the newest document
    and of the decoded bytes that gave it, `untold` the lists that it cannot tell of.
    """

    wire: bytes
    coding: str
    content_type: str
    how: Reading
    known: str
    known_decoded: bytes
    base_id: str
    last: bytes | None
    untold: tuple[str, ...] = ()

    def make(self) -> Seen | Failed:
        """Do what is to be done away from the loop."""
        try:
            decoded = decode(self.wire, self.coding)
        except (Undecodable, TooLarge) as error:
            return document.undecodable(error)
        digest = digest_of(self.content_type.encode(), decoded)
        if digest == self.known_decoded:
            return Seen(decoded_digest=digest)
        made = document.read(decoded, self.content_type, self.how, self.last, self.untold)
        if isinstance(made, Failed):
            return made
        if made.hash == self.known:
            return Seen(decoded_digest=digest, document=made)
        ahead = Ahead(
            packed=bodies.encode(made.canonical),
            base_id=self.base_id,
            made=None if self.last is None else step.make(self.last, made.canonical),
        )
        return Seen(decoded_digest=digest, document=made, ahead=ahead)


def digest_of(kind: bytes, data: bytes) -> bytes:
    """Hash bytes together with what they are."""
    state = hashlib.sha256(kind)
    state.update(data)
    return state.digest()[:_DIGEST_BYTES]
