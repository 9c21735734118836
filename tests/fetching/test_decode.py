"""Content codings are undone, within a bound."""

import gzip
import random
import tracemalloc

import brotli  # type: ignore[import-untyped] # ships no types
import pytest
from backports import zstd

from fetching.decode import PART_BYTES, RATIO_FROM_BYTES, TooLarge, Undecodable, decode

TEXT = b'{"a": [1, 2, 3]}' * 100
CODINGS = [
    ("", TEXT), ("identity", TEXT), ("gzip", gzip.compress(TEXT)), ("x-gzip", gzip.compress(TEXT)),
    ("br", brotli.compress(TEXT)), ("zstd", zstd.compress(TEXT)),
]  # fmt: skip
PACKED = [(coding, packed) for coding, packed in CODINGS if packed is not TEXT]
BOMB = b"\0" * (64 * 1_024 * 1_024)
BOMBS = [("gzip", gzip.compress(BOMB, 9)), ("br", brotli.compress(BOMB, quality=5)), ("zstd", zstd.compress(BOMB))]


@pytest.mark.parametrize(("coding", "wire"), CODINGS)
def test_a_coding_is_undone(coding: str, wire: bytes):
    """All that is asked for is understood."""
    assert decode(wire, coding) == TEXT


@pytest.mark.parametrize(("coding", "wire"), CODINGS)
def test_exactly_the_limit_is_not_too_large(coding: str, wire: bytes):
    """The bound is the last size that passes."""
    assert decode(wire, coding, limit_bytes=len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        decode(wire, coding, limit_bytes=len(TEXT) - 1)


@pytest.mark.parametrize(("coding", "bomb"), BOMBS)
def test_a_bomb_is_stopped_at_the_limit(coding: str, bomb: bytes):
    """What it would become is never in memory, nor the part of it that the limit lets through."""
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decode(bomb, coding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * RATIO_FROM_BYTES


@pytest.mark.parametrize(("coding", "bomb"), BOMBS)
def test_what_is_packed_beyond_belief_is_stopped_early(coding: str, bomb: bytes):
    """No document packs 200 times: what does is refused at a tenth of the cap."""
    tracemalloc.start()
    with pytest.raises(TooLarge, match="times its size"):
        decode(bomb[:2_000] if coding != "gzip" else bomb[:3_000], coding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * RATIO_FROM_BYTES


@pytest.mark.parametrize(("coding", "wire"), PACKED)
def test_more_than_a_part_is_unpacked_whole(coding: str, wire: bytes):
    """Where one call ends and the next begins is no seam in the document."""
    text = random.Random(1).randbytes(PART_BYTES * 2 + 17)
    packed = {"br": brotli.compress, "zstd": zstd.compress}.get(coding, gzip.compress)(text)
    assert wire
    assert decode(packed, coding) == text


@pytest.mark.parametrize(("coding", "wire"), PACKED)
def test_what_is_cut_or_spoiled_is_refused(coding: str, wire: bytes):
    """Half a document must never look like a change."""
    for spoiled in (wire[:-5], b"not packed", b"\x1f\x8b" + wire[2:-3] + b"abc"):
        with pytest.raises(Undecodable):
            decode(spoiled, coding)


def test_several_members_are_one_body():
    """RFC 1952 allows it, and some servers that append do it."""
    assert decode(gzip.compress(b"a") + gzip.compress(b"b"), "gzip") == b"ab"


def test_a_coding_that_was_not_asked_for_is_refused():
    """Guessing would turn noise into a document."""
    with pytest.raises(Undecodable, match="compress"):
        decode(b"x", "compress")
