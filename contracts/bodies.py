"""How a document is kept: as JSON text, over 32 KB gzipped, too large for an item in the bucket."""

import gzip
from dataclasses import dataclass

from contracts.canonical import may_have_big_integer
from contracts.table.heads import Ref, body_id

PLAIN_BYTES_MAX = 32 * 1_024
#: An item holds 400 KB (AWS); the rest of the row needs little.
ITEM_BYTES_MAX = 350_000

JSON, GZIP, BUCKET = "json", "gzip", "bucket"


@dataclass(frozen=True, kw_only=True)
class Body:
    """A document ready to be stored: where, and the bytes or text to put there."""

    ref: Ref
    data: str | bytes


def pack(canonical_bytes: bytes, *, source_id: str, version: int, document_hash: str) -> Body:
    """Choose how to keep a document, given in canonical form."""
    encoding, data = _encode(canonical_bytes)
    ref = Ref(
        id=body_id(source_id, version, document_hash),
        encoding=encoding,
        bytes=len(canonical_bytes),
        exact=may_have_big_integer(canonical_bytes),
    )
    return Body(ref=ref, data=data)


def unpack(encoding: str, data: str | bytes) -> bytes:
    """Give back the canonical bytes of a stored body."""
    if encoding == JSON:
        return data.encode() if isinstance(data, str) else data
    return gzip.decompress(data.encode() if isinstance(data, str) else data)


def _encode(canonical_bytes: bytes) -> tuple[str, str | bytes]:
    if len(canonical_bytes) <= PLAIN_BYTES_MAX:
        return JSON, canonical_bytes.decode()
    packed = gzip.compress(canonical_bytes, compresslevel=6, mtime=0)
    return (GZIP if len(packed) <= ITEM_BYTES_MAX else BUCKET), packed
