"""
The frames between a client and the service, as `docs/protocol.md` explains them.

No pydantic here: the fan-out Lambda starts cold, and these are few and flat.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.steps import Step

type Frame = dict[str, Any]
type Position = tuple[str, int]

#: API Gateway's limits: one frame of 32 KB, one message of 128 KB. Our frames keep a little room.
FRAME_BYTES_MAX = 31 * 1_024
MESSAGE_BYTES_MAX = 127 * 1_024
CHUNKS_MAX = 256
RESUME_SOURCES_MAX = 128
ACCEPTED = frozenset({"gzip", "chunk"})
MODES = frozenset({"patch", "full"})
ID_LENGTH_MAX = 128
TOKEN_LENGTH_MAX = 256
_SOURCE_ID = re.compile(rf"[A-Za-z0-9_.:-]{{1,{ID_LENGTH_MAX}}}")

#: Which field of a frame its compression replaces by `encoding` and `data`.
PAYLOAD = {"snapshot": "data", "patch": "steps"}
ENCODING = "gzip+base64"
COMPRESS_FROM_BYTES = 2_048


class FrameRefused(ValueError):
    """A client's frame is wrong; `code` and the message say how, `frame_id` and `source_id` which."""

    def __init__(self, code: str, message: str, *, frame_id: Any = None, source_id: str | None = None) -> None:
        super().__init__(message)
        self.code, self.frame_id, self.source_id = code, frame_id, source_id


@dataclass(frozen=True, kw_only=True)
class Ask:
    """
    A client's frame, checked. `positions` is what the client has: by source, incarnation and version.

    `mode` and `accept` are None where a resume leaves them as they are. An `auth` has a token or a ticket.
    """

    action: str
    id: str | int | None = None
    source_id: str | None = None
    mode: str | None = None
    accept: frozenset[str] | None = None
    positions: Mapping[str, Position] = field(default_factory=dict)
    token: str | None = None
    ticket: str | None = None


def parse(body: str) -> Ask:
    """Check a client's frame; `sheetId` is accepted for `sourceId`."""
    frame = _object(body)
    frame_id = frame.get("id")
    if frame_id is not None and not (isinstance(frame_id, str | int) and len(str(frame_id)) <= ID_LENGTH_MAX):
        raise FrameRefused("bad_frame", f"id: a string or number of at most {ID_LENGTH_MAX} characters")
    action = frame.get("action")
    source_id = frame.get("sourceId", frame.get("sheetId"))
    try:
        return Ask(action=str(action), id=frame_id, **_ARGUMENTS[str(action)](frame, source_id))
    except KeyError as error:
        known = ", ".join(sorted(_ARGUMENTS))
        raise FrameRefused("unknown_action", f"action: one of {known}", frame_id=frame_id) from error
    except FrameRefused as refused:
        refused.frame_id, refused.source_id = frame_id, source_id if isinstance(source_id, str) else None
        raise


def subscribed(source_id: str, position: Position, *, at_ms: int) -> Frame:
    """Confirm a subscription. Version 0: no data yet, the first frame will be a snapshot."""
    return _about("subscribed", source_id, position) | {"at": at_ms}


def snapshot(source_id: str, position: Position, *, document_hash: str, data: Any, exact: bool) -> Frame:
    """Give a whole document. `exact` warns a reader of doubles that an integer is beyond 2^53."""
    frame = _about("snapshot", source_id, position) | {"hash": document_hash, "data": data}
    return frame | ({"exact": True} if exact else {})


def patch(source_id: str, position: Position, *, base: int, steps: list[tuple[int, Step]], at_ms: int) -> Frame:
    """Give the steps from version `base` to the position's."""
    about = _about("patch", source_id, position)
    return about | {"base": base, "steps": [list(step) for step in steps], "at": at_ms}


def ref(source_id: str, position: Position, *, url: str, size: int, document_hash: str) -> Frame:
    """Say where a document too large to push is to be fetched; `hash` checks it."""
    return _about("ref", source_id, position) | {"url": url, "bytes": size, "hash": document_hash}


def status(source_id: str, held: Mapping[str, Any], *, at_ms: int) -> Frame:
    """Tell how a source does."""
    return {
        "type": "status", "sourceId": source_id, "state": held["state"], "why": held["why"],
        "since": held["since"], "at": at_ms,
    }  # fmt: skip


def reset(source_id: str, why: str) -> Frame:
    """Tell a client to drop its document: `deleted`, `history` or `gap`."""
    return {"type": "reset", "sourceId": source_id, "why": why}


def error(refused: FrameRefused, *, temporary: bool = False) -> Frame:
    """Say what was wrong with a client's frame."""
    frame = {
        "type": "error", "code": refused.code, "message": str(refused), "temporary": temporary,
        "sourceId": refused.source_id, "id": refused.frame_id,
    }  # fmt: skip
    return {name: value for name, value in frame.items() if value is not None}


def encode(frame: Frame, accept: frozenset[str], *, small: bool = False) -> list[bytes] | None:
    """
    Write a frame for a reader: whole, else compressed, else in chunks; None if even that does not fit.

    A reader who accepts nothing gets at most one message of 128 KB, or of one of the gateway's frames if `small`.
    """
    whole = _dump(frame)
    if "gzip" in accept and len(whole) >= COMPRESS_FROM_BYTES and frame["type"] in PAYLOAD:
        whole = min(whole, _dump(compressed(frame)), key=len)
    if len(whole) <= (FRAME_BYTES_MAX if small or "chunk" in accept else MESSAGE_BYTES_MAX):
        return [whole]
    if "chunk" not in accept:
        return None
    chunks = list(_chunks(whole, name=f"{zlib.crc32(whole):08x}"))
    return chunks if len(chunks) <= CHUNKS_MAX else None


def compressed(frame: Frame) -> Frame:
    """Replace a frame's payload by `encoding` and its gzipped form: the gateway carries text only."""
    payload = PAYLOAD[frame["type"]]
    packed = base64.b64encode(gzip.compress(_dump(frame[payload]), compresslevel=6, mtime=0)).decode()
    return {name: value for name, value in frame.items() if name != payload} | {"encoding": ENCODING, "data": packed}


#: A chunk's own frame around its part: type, id, numbers, and what JSON escapes.
_CHUNK_ROOM_BYTES = 512


def _chunks(whole: bytes, *, name: str) -> Iterator[bytes]:
    """Cut a frame's text so that every chunk, with its escapes, fits a frame; the parts joined are the frame."""
    text = whole.decode()
    parts: list[str] = []
    start = 0
    while start < len(text):
        end = _chunk_end(text, start)
        parts.append(text[start:end])
        start = end
    for i, part in enumerate(parts):
        yield _dump({"type": "chunk", "id": name, "i": i, "n": len(parts), "data": part})


def _chunk_end(text: str, start: int) -> int:
    room = FRAME_BYTES_MAX - _CHUNK_ROOM_BYTES
    end = min(len(text), start + room)
    while (size := len(_dump(text[start:end]))) > room:
        end = start + max(1, (end - start) * room // size - 8)
    return end


def _about(kind: str, source_id: str, position: Position) -> Frame:
    incarnation, version = position
    return {"type": kind, "sourceId": source_id, "incarnation": incarnation, "version": version}


def _dump(value: Any) -> bytes:
    # Half a surrogate pair that a client sent in an id has no UTF-8; its backslash form is JSON's own escape.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def _object(body: str) -> Mapping[str, Any]:
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FrameRefused("bad_json", "the frame is not JSON") from error
    if not isinstance(frame, dict):
        raise FrameRefused("bad_frame", "the frame is not a JSON object")
    return frame


def _source(source_id: Any) -> str:
    if not isinstance(source_id, str) or not _SOURCE_ID.fullmatch(source_id):
        raise FrameRefused("bad_frame", "sourceId: the id of a source is missing")
    return source_id


def _position(held: Any) -> Position:
    match held:
        case [str(), bool()]:
            pass
        case [str() as incarnation, int() as version] if version >= 0 and len(incarnation) <= ID_LENGTH_MAX:
            return incarnation, version
    raise FrameRefused("bad_frame", "position: [incarnation, version]")


def _subscribe(frame: Mapping[str, Any], source_id: Any) -> dict[str, Any]:
    name = _source(source_id)
    held = frame.get("position")
    positions = {} if held is None else {name: _position(held)}
    return {"source_id": name, "positions": positions, "mode": _mode(frame, "patch"), "accept": _accept(frame, [])}


def _mode(frame: Mapping[str, Any], default: str | None) -> str | None:
    mode = frame.get("mode", default)
    if mode is not default and (not isinstance(mode, str) or mode not in MODES):
        raise FrameRefused("bad_frame", f"mode: one of {', '.join(sorted(MODES))}")
    return mode


def _accept(frame: Mapping[str, Any], default: list[str] | None) -> frozenset[str] | None:
    accept = frame.get("accept", default)
    if accept is None:
        return None
    if not isinstance(accept, list) or not all(isinstance(way, str) for way in accept):
        raise FrameRefused("bad_frame", "accept: a list of strings")
    return frozenset(accept) & ACCEPTED


def _unsubscribe(_: Mapping[str, Any], source_id: Any) -> dict[str, Any]:
    return {"source_id": _source(source_id)}


def _resume(frame: Mapping[str, Any], _: Any) -> dict[str, Any]:
    held = frame.get("positions")
    if not isinstance(held, dict) or not 0 < len(held) <= RESUME_SOURCES_MAX:
        raise FrameRefused("bad_frame", f"positions: 1 to {RESUME_SOURCES_MAX} sources")
    positions = {_source(source_id): _position(position) for source_id, position in held.items()}
    return {"positions": positions, "mode": _mode(frame, None), "accept": _accept(frame, None)}


def _auth(frame: Mapping[str, Any], _: Any) -> dict[str, Any]:
    shown = {name: frame[name] for name in ("token", "ticket") if name in frame}
    if len(shown) != 1:
        raise FrameRefused("bad_frame", "token: show a token or a ticket, and not both")
    ((name, secret),) = shown.items()
    if not isinstance(secret, str) or not 0 < len(secret) <= TOKEN_LENGTH_MAX or not secret.isascii():
        raise FrameRefused("bad_frame", f"{name}: a text of at most {TOKEN_LENGTH_MAX} characters")
    return shown


def _ping(_: Mapping[str, Any], _source_id: Any) -> dict[str, Any]:
    return {}


_ARGUMENTS: Mapping[str, Callable[[Mapping[str, Any], Any], dict[str, Any]]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "resume": _resume,
    "auth": _auth,
    "ping": _ping,
}
