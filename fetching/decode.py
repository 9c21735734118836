"""Content codings, undone with a bound: a few hundred bytes can stand for gigabytes."""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli  # type: ignore[import-untyped] # ships no types
from backports import zstd

DECODED_BYTES_MAX = 10 * 1_024 * 1_024
#: No document packs better than this once it has some size; gzip can reach 1,000 times, brotli a million.
RATIO_MAX = 200
RATIO_FROM_BYTES = 1_024 * 1_024
#: So much is unpacked before the size is looked at again.
PART_BYTES = 256 * 1_024
#: So much of the input is given at once: zlib copies what it did not use.
PIECE_BYTES = 64 * 1_024
#: Up to here what is unpacked is kept while it is counted; more is unpacked a second time once it is known to fit.
KEPT_UNCOUNTED_BYTES = 1_024 * 1_024
#: From so much of the input it can be told how it begins.
BEGINNING_BYTES = 4_096

_NO_CODING = frozenset({"", "identity"})
_GZIP_WBITS = 16 + zlib.MAX_WBITS


class _Decompressor(Protocol):
    """What zlib's and zstd's decompressors have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Undecodable(ValueError):
    """The bytes are not what their Content-Encoding says."""


class _Over(Exception):
    """There is more than the bound at hand."""


class TooLarge(ValueError):
    """Decoded, there is more than the limit."""


def decode(wire: bytes, coding: str, *, limit_bytes: int = DECODED_BYTES_MAX) -> bytes:
    """Undo a content coding, giving at most `limit_bytes`, and nothing that was packed beyond belief."""
    believable = _believable(len(wire))
    try:
        decoded = _decode(wire, coding, min(limit_bytes, believable))
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
        raise Undecodable(f"the answer says it is {coding}, and is not: {error}") from error
    except _Over as error:
        if believable < limit_bytes:
            raise TooLarge(f"the answer unpacks to more than {RATIO_MAX} times its size") from error
        raise TooLarge(f"the answer unpacks to more than {limit_bytes} bytes") from error
    return decoded


def unpacked_bytes_max(wire: bytes, coding: str) -> int:
    """Say to how much an answer may unpack before it is refused."""
    return len(wire) if coding in _NO_CODING else min(DECODED_BYTES_MAX, _believable(len(wire)))


def beginning(wire: bytes, coding: str) -> bytes:
    """Give the first of what is packed, or nothing where that cannot be told."""
    try:
        return next(_parts(wire[:BEGINNING_BYTES], coding), b"")
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError, Undecodable):
        return b""


def _believable(wire_bytes: int) -> int:
    return max(RATIO_FROM_BYTES, RATIO_MAX * wire_bytes)


def _decode(wire: bytes, coding: str, most: int) -> bytes:
    """Count first: what is refused in the end is not kept meanwhile, and what is kept is small or no bomb."""
    kept: list[bytes] = []
    size = 0
    for part in _parts(wire, coding):
        size += len(part)
        if size > most:
            raise _Over
        if size <= KEPT_UNCOUNTED_BYTES:
            kept.append(part)
    return b"".join(kept if size <= KEPT_UNCOUNTED_BYTES else _parts(wire, coding))


def _parts(wire: bytes, coding: str) -> Iterator[bytes]:
    """Undo a coding part by part."""
    match coding:
        case _ if coding in _NO_CODING:
            yield wire
        case "gzip" | "x-gzip":
            yield from _members(wire, lambda: zlib.decompressobj(_GZIP_WBITS))
        case "zstd":
            yield from _members(wire, zstd.ZstdDecompressor)
        case "br":
            yield from _brotli(wire)
        case _:
            raise Undecodable(f"the answer is encoded as {coding[:40]!r}, which was not asked for")


def _members(wire: bytes, start: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Undo one member after another (RFC 1952 2.2 and RFC 8878 3.1 allow several), the input piece by piece."""
    member: _Decompressor | None = None
    for at in range(0, len(wire), PIECE_BYTES):
        piece, more = wire[at : at + PIECE_BYTES], True
        while piece or more:
            if member is None or member.eof:
                member = start()
            part = member.decompress(piece, PART_BYTES)
            yield part
            piece = member.unused_data if member.eof else _left(member)
            more = not member.eof and len(part) == PART_BYTES
    if member is not None and not member.eof:
        raise Undecodable("the answer ends too early")


def _left(member: _Decompressor) -> bytes:
    """Give the input that a bounded call did not use: zlib hands it back, zstd keeps it."""
    left: bytes = getattr(member, "unconsumed_tail", b"")
    return left


def _brotli(wire: bytes) -> Iterator[bytes]:
    decompressor = brotli.Decompressor()
    part = decompressor.process(wire, output_buffer_limit=PART_BYTES)
    while part:
        yield part
        part = b"" if decompressor.is_finished() else decompressor.process(b"", output_buffer_limit=PART_BYTES)
    if not decompressor.is_finished():
        raise Undecodable("the answer ends too early")
