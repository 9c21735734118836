"""Content codings, undone with a bound: a few hundred bytes can stand for gigabytes."""

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli  # type: ignore[import-untyped] # ships no types
from backports import zstd

DECODED_BYTES_MAX = 10 * 1_024 * 1_024
#: No document packs better than this once it has some size; gzip can reach 1,000 times, brotli a million.
RATIO_MAX = 200
RATIO_FROM_BYTES = 1_024 * 1_024
#: So much is unpacked before the size is looked at again.
PART_BYTES = 256 * 1_024

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
    believable = max(RATIO_FROM_BYTES, RATIO_MAX * len(wire))
    try:
        decoded = _decode(wire, coding, min(limit_bytes, believable))
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
        raise Undecodable(f"the answer says it is {coding}, and is not: {error}") from error
    except _Over as error:
        if believable < limit_bytes:
            raise TooLarge(f"the answer unpacks to more than {RATIO_MAX} times its size") from error
        raise TooLarge(f"the answer unpacks to more than {limit_bytes} bytes") from error
    return decoded


def _decode(wire: bytes, coding: str, most: int) -> bytes:
    match coding:
        case "" | "identity":
            return _bounded([wire], len(wire), most)
        case "gzip" | "x-gzip":
            return _members(wire, most, lambda: zlib.decompressobj(_GZIP_WBITS))
        case "zstd":
            return _members(wire, most, zstd.ZstdDecompressor)
        case "br":
            return _brotli(wire, most)
        case _:
            raise Undecodable(f"the answer is encoded as {coding[:40]!r}, which was not asked for")


def _members(wire: bytes, most: int, start: Callable[[], _Decompressor]) -> bytes:
    """Undo one member after another (RFC 1952 2.2 and RFC 8878 3.1 allow several)."""
    parts: list[bytes] = []
    size = 0
    while wire:
        member = start()
        while not member.eof:
            part = member.decompress(wire, PART_BYTES)
            wire = _left(member)
            if not part and not wire and not member.eof:
                raise Undecodable("the answer ends too early")
            parts.append(part)
            size += len(part)
            if size > most:
                raise _Over
        wire = member.unused_data
    return _bounded(parts, size, most)


def _left(member: _Decompressor) -> bytes:
    """Give the input that a bounded call did not use: zlib hands it back, zstd keeps it."""
    left: bytes = getattr(member, "unconsumed_tail", b"")
    return left


def _brotli(wire: bytes, most: int) -> bytes:
    decompressor = brotli.Decompressor()
    parts: list[bytes] = []
    size, part = 0, decompressor.process(wire, output_buffer_limit=PART_BYTES)
    while part:
        parts.append(part)
        size += len(part)
        if size > most:
            raise _Over
        part = b"" if decompressor.is_finished() else decompressor.process(b"", output_buffer_limit=PART_BYTES)
    if not decompressor.is_finished():
        raise Undecodable("the answer ends too early")
    return b"".join(parts)


def _bounded(parts: list[bytes], size: int, most: int) -> bytes:
    if size > most:
        raise _Over
    return b"".join(parts)
