"""How a document is kept: as JSON text, over 32 KB gzipped, too large for an item in the bucket."""

import gzip
from dataclasses import dataclass

from contracts.canonical import may_have_big_integer
from contracts.table.heads import Ref, body_id

PLAIN_BYTES_MAX = 32 * 1_024
#: An item holds 400 KB (AWS); the rest of the row needs little.
ITEM_BYTES_MAX = 350_000

#: A megabyte of rows takes 5 ms, with 6 it takes 13 and becomes 2 % smaller: a change is to be told soon.
GZIP_LEVEL = 3

JSON, GZIP, BUCKET = "json", "gzip", "bucket"


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """A document as it is kept: how, the bytes or text, and what its canonical form is."""

    encoding: str
    data: str | bytes
    bytes: int
    exact: bool

    def named(self, *, source_id: str, version: int, document_hash: str) -> "Body":
        """Say of which state it is."""
        name = body_id(source_id, version, document_hash)
        return Body(ref=Ref(id=name, encoding=self.encoding, bytes=self.bytes, exact=self.exact), data=self.data)


@dataclass(frozen=True, kw_only=True)
class Body:
    """A document ready to be stored: where, and the bytes or text to put there."""

    ref: Ref
    data: str | bytes


def pack(canonical_bytes: bytes, *, source_id: str, version: int, document_hash: str) -> Body:
    """Make what is stored of a document, given in canonical form."""
    return encode(canonical_bytes).named(source_id=source_id, version=version, document_hash=document_hash)


def encode(canonical_bytes: bytes) -> Packed:
    """Choose how to keep a document."""
    encoding, data = _encode(canonical_bytes)
    return Packed(encoding=encoding, data=data, bytes=len(canonical_bytes), exact=may_have_big_integer(canonical_bytes))


def unpack(encoding: str, data: str | bytes) -> bytes:
    """Give back the canonical bytes of a stored body."""
    if encoding == JSON:
        return data.encode() if isinstance(data, str) else data
    return gzip.decompress(data.encode() if isinstance(data, str) else data)


def _encode(canonical_bytes: bytes) -> tuple[str, str | bytes]:
    if len(canonical_bytes) <= PLAIN_BYTES_MAX:
        return JSON, canonical_bytes.decode()
    packed = gzip.compress(canonical_bytes, compresslevel=GZIP_LEVEL, mtime=0)
    return (GZIP if len(packed) <= ITEM_BYTES_MAX else BUCKET), packed
