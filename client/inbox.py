"""
From the texts of one connection to whole, checked frames.

Chunks are joined, payloads unpacked, snapshots held against their hash. What arrived damaged for a known source becomes
a `spoilt` frame, so that its replica asks again.
"""

import base64
import json
import zlib
from typing import Any

from client.chunks import JOINED_LENGTH_MAX, Chunks, Damaged
from contracts.canonical import NotCanonical, canonical, digest, number
from contracts.frames import ENCODING, PAYLOAD, Frame

GZIP_WINDOW = 31  # zlib's way to say: with gzip's header and checksum


class Inbox:
    """Reads what one connection brings."""

    def __init__(self) -> None:
        self._chunks = Chunks()

    def read(self, text: str) -> Frame | None:
        """Read a text; None if it is no frame yet, or none that a client need know."""
        frame = _object(text)
        try:
            if frame.get("type") != "chunk":
                return check(_unpacked(frame))
            joined = self._chunks.take(frame)
            frame = _object(joined) if joined is not None else {}
            return check(_unpacked(frame))
        except Damaged as error:
            source_id = frame.get("sourceId")
            return {"type": "spoilt", "sourceId": source_id, "why": str(error)} if source_id else None


def parse(text: str | bytes) -> Any:
    """Read JSON so that equal numbers become equal values. Raises Damaged."""
    try:
        return json.loads(text, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise Damaged("not JSON") from error


def check(frame: Frame) -> Frame | None:
    """Hold a snapshot against its hash and a patch against its form. Raises Damaged."""
    match frame:
        case {"type": "snapshot", "sourceId": str(), "incarnation": str(), "version": int(), "hash": str(named)}:
            if "data" not in frame or _hash(frame["data"]) != named:
                raise Damaged("the snapshot does not have its hash")
        case {"type": "patch", "sourceId": str(), "incarnation": str(), "base": int(), "version": int()}:
            if not _are_steps(frame.get("steps")):
                raise Damaged("the patch has no steps")
        case {"type": "snapshot" | "patch"}:
            raise Damaged("a field is missing")
        case {"type": str()}:
            pass
        case _:
            return None
    return frame


def _object(text: str) -> Frame:
    try:
        frame = parse(text)
    except Damaged:
        return {}
    return frame if isinstance(frame, dict) else {}


def _unpacked(frame: Frame) -> Frame:
    """Put a compressed payload back into its field."""
    if "encoding" not in frame:
        return frame
    field = PAYLOAD.get(str(frame.get("type")))
    if frame["encoding"] != ENCODING or field is None:
        raise Damaged("an unknown encoding")
    rest = {name: value for name, value in frame.items() if name not in ("encoding", "data")}
    return rest | {field: parse(_gunzip(frame.get("data")))}


def _gunzip(data: Any) -> bytes:
    unzip = zlib.decompressobj(GZIP_WINDOW)
    try:
        text = unzip.decompress(base64.b64decode(data, validate=True), JOINED_LENGTH_MAX)
    except (TypeError, ValueError, zlib.error) as error:
        raise Damaged("the payload cannot be unpacked") from error
    if not unzip.eof:
        raise Damaged("the payload is cut short, or larger than any document may be")
    return text


def _hash(document: Any) -> str:
    try:
        return digest(canonical(document))
    except NotCanonical as error:
        raise Damaged("the document has no canonical form") from error


def _are_steps(steps: Any) -> bool:
    return isinstance(steps, list) and all(
        isinstance(step, list) and len(step) == 2 and isinstance(step[0], int) and isinstance(step[1], list)  # noqa: PLR2004 - a version and its operations
        for step in steps
    )
