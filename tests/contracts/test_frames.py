"""Frames fit their limits, and a wrong one is refused with what to do."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.frames import FRAME_BYTES_MAX, MESSAGE_BYTES_MAX, FrameRefused, encode, parse, patch, snapshot

POSITION = ("inc1", 4)


def join(pieces: list[bytes]) -> Any:
    """Read pieces as a client does: chunks joined, payload unzipped."""
    frames = [json.loads(piece) for piece in pieces]
    if frames[0]["type"] == "chunk":
        assert [frame["i"] for frame in frames] == list(range(frames[0]["n"]))
        frames = [json.loads("".join(frame["data"] for frame in frames))]
    frame = frames[0]
    if "encoding" in frame:
        field = "steps" if frame["type"] == "patch" else "data"
        frame |= {field: json.loads(gzip.decompress(base64.b64decode(frame["data"])))}
    return frame


@given(
    st.text(min_size=1, max_size=50).map(lambda text: text.encode("utf-8", "ignore").decode()),
    st.integers(1, 6_000),
    st.sampled_from([frozenset[str](), frozenset({"gzip"}), frozenset({"chunk"}), frozenset({"gzip", "chunk"})]),
)
def test_a_reader_gets_the_very_document_or_nothing(text: str, times: int, accept: frozenset[str]):
    """Whole, compressed or in chunks: joined it is the same document, and no piece exceeds the gateway's limit."""
    document = [text] * times
    pieces = encode(snapshot("s", POSITION, document_hash="h", data=document, exact=False), accept)

    if pieces is None:
        assert "chunk" not in accept
        return
    limit = FRAME_BYTES_MAX if "chunk" in accept else MESSAGE_BYTES_MAX
    assert all(len(piece) <= limit for piece in pieces)
    assert document == join(pieces)["data"]


def test_a_document_too_large_for_a_plain_reader_is_not_sent():
    """Such a reader is told where to fetch it instead."""
    frame = snapshot("s", POSITION, document_hash="h", data="x" * MESSAGE_BYTES_MAX, exact=False)

    assert encode(frame, frozenset()) is None


def test_a_patch_is_compressed_only_for_who_accepts_it_and_only_when_it_helps():
    """A small frame is cheaper as it is."""
    small = patch("s", POSITION, base=3, steps=[(4, [{"op": "remove", "path": "/a"}])], at_ms=0)
    large = patch("s", POSITION, base=3, steps=[(4, [{"op": "remove", "path": "/a"}] * 500)], at_ms=0)

    assert [json.dumps(small, separators=(",", ":")).encode()] == encode(small, frozenset({"gzip"}))
    assert "encoding" not in json.loads((encode(large, frozenset()) or [b""])[0])
    assert join(encode(large, frozenset({"gzip"})) or [])["steps"] == large["steps"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ("[]", "bad_frame"),
        ("{}", "unknown_action"),
        ('{"action":"fly"}', "unknown_action"),
        ('{"action":["subscribe"]}', "unknown_action"),
        ('{"action":"subscribe"}', "bad_frame"),
        ('{"action":"subscribe","sourceId":7}', "bad_frame"),
        ('{"action":"subscribe","sourceId":"a#b"}', "bad_frame"),
        ('{"action":"subscribe","sourceId":"a","mode":{}}', "bad_frame"),
        ('{"action":"subscribe","sourceId":"a","mode":"all"}', "bad_frame"),
        ('{"action":"subscribe","sourceId":"a","accept":"gzip"}', "bad_frame"),
        ('{"action":"subscribe","sourceId":"a","position":["i"]}', "bad_frame"),
        ('{"action":"subscribe","sourceId":"a","position":["i",-1]}', "bad_frame"),
        ('{"action":"resume","positions":{}}', "bad_frame"),
        ('{"action":"resume","positions":{"a":"b"}}', "bad_frame"),
        ('{"action":"auth"}', "bad_frame"),
        ('{"action":"ping","id":{"a":1}}', "bad_frame"),
    ],
)
def test_a_wrong_frame_is_refused_by_its_code(body: str, code: str):
    """The connection lives on, so the client must learn what was wrong."""
    with pytest.raises(FrameRefused) as refused:
        parse(body)

    assert code == refused.value.code


def test_a_refusal_names_the_frame_and_the_source():
    """A client with many requests under way must know which one failed."""
    with pytest.raises(FrameRefused) as refused:
        parse('{"action":"subscribe","id":7,"sourceId":"a","mode":"all"}')

    assert (refused.value.frame_id, refused.value.source_id) == (7, "a")


def test_the_specs_name_for_a_source_is_understood():
    """The spec's tables call it sheetId."""
    assert parse('{"action":"subscribe","sheetId":"a"}').source_id == "a"


def test_ways_of_receiving_that_we_do_not_know_are_ignored():
    """A newer client may offer more than this service can do."""
    ask = parse('{"action":"subscribe","sourceId":"a","accept":["gzip","brotli"]}')

    assert frozenset({"gzip"}) == ask.accept
