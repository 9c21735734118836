"""Content codings, undone with a bound: a few hundred bytes can stand for gigabytes."""

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli  # type: ignore[import-untyped] # ships no types
from backports import zstd

DECODED_BYTES_MAX = 10 * 1_024 * 1_024

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


class TooLarge(ValueError):
    """Decoded, there is more than the limit."""


def decode(wire: bytes, coding: str, *, limit_bytes: int = DECODED_BYTES_MAX) -> bytes:
    """Undo a content coding, giving at most `limit_bytes`."""
    try:
        decoded = _decode(wire, coding, limit_bytes + 1)
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
        raise Undecodable(f"the answer says it is {coding}, and is not: {error}") from error
    if len(decoded) > limit_bytes:
        raise TooLarge(f"the answer unpacks to more than {limit_bytes} bytes")
    return decoded


def _decode(wire: bytes, coding: str, stop_at: int) -> bytes:
    match coding:
        case "" | "identity":
            return wire
        case "gzip" | "x-gzip":
            return _members(wire, stop_at, lambda: zlib.decompressobj(_GZIP_WBITS))
        case "zstd":
            return _members(wire, stop_at, zstd.ZstdDecompressor)
        case "br":
            return _brotli(wire, stop_at)
        case _:
            raise Undecodable(f"the answer is encoded as {coding[:40]!r}, which was not asked for")


def _members(wire: bytes, stop_at: int, start: Callable[[], _Decompressor]) -> bytes:
    """Undo one member after another (RFC 1952 2.2 and RFC 8878 3.1 allow several) until `stop_at` bytes are there."""
    parts: list[bytes] = []
    size = 0
    while wire and size < stop_at:
        member = start()
        part = member.decompress(wire, stop_at - size)
        parts.append(part)
        size += len(part)
        if not member.eof and size < stop_at:
            raise Undecodable("the answer ends too early")
        wire = member.unused_data
    return b"".join(parts)


def _brotli(wire: bytes, stop_at: int) -> bytes:
    decompressor = brotli.Decompressor()
    decoded: bytes = decompressor.process(wire, output_buffer_limit=stop_at)
    if not decompressor.is_finished() and len(decoded) < stop_at:
        raise Undecodable("the answer ends too early")
    return decoded
