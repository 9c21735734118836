"""WebSocket framing (RFC 6455) as a server, as strict as API Gateway."""

import base64
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from local.gateway.limits import FRAME_BYTES_MAX, MESSAGE_BYTES_MAX

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, MASKED = 0x80, 0x80
GOING_AWAY, PROTOCOL_ERROR, UNSUPPORTED, NOT_TEXT, TOO_BIG = 1001, 1002, 1003, 1007, 1009
TWO_BYTES, EIGHT_BYTES = 126, 127
CONTROL_BYTES_MAX = 125
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Broken(Exception):
    """The client broke the protocol or a limit: the connection is closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Got:
    """A whole message or control frame of the client."""

    opcode: int
    data: bytes


def accept(key: str) -> str:
    """Answer the handshake's challenge."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()  # noqa: S324 - RFC 6455 says so


def frame(opcode: int, data: bytes, *, fin: bool = True) -> bytes:
    """Write one frame of the server."""
    first = opcode | (FIN if fin else 0)
    if len(data) < TWO_BYTES:
        return bytes((first, len(data))) + data
    if len(data) < 1 << 16:
        return struct.pack("!BBH", first, TWO_BYTES, len(data)) + data
    return struct.pack("!BBQ", first, EIGHT_BYTES, len(data)) + data


def message(text: bytes) -> bytes:
    """Write a text message; the gateway cuts it into frames of 32 KB."""
    parts = [text[start : start + FRAME_BYTES_MAX] for start in range(0, len(text), FRAME_BYTES_MAX)] or [b""]
    last = len(parts) - 1
    return b"".join(frame(CONTINUATION if i else TEXT, part, fin=i == last) for i, part in enumerate(parts))


class Reader:
    """Puts a client's bytes together again."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._parts: list[bytes] | None = None

    def feed(self, data: bytes) -> Iterator[Got]:
        """Take bytes and give what is whole; raises Broken."""
        self._bytes += data
        while (one := self._take()) is not None:
            fin, opcode, payload = one
            if opcode >= CLOSE:
                yield Got(opcode, payload)
            elif (whole := self._join(fin, opcode, payload)) is not None:
                yield Got(TEXT, whole)

    def _take(self) -> tuple[bool, int, bytes] | None:
        held = self._bytes
        if len(held) < 2:  # noqa: PLR2004 - the two bytes that every frame begins with
            return None
        fin, opcode, size, offset = bool(held[0] & FIN), held[0] & 0x0F, held[1] & 0x7F, 2
        if held[0] & 0x70 or not held[1] & MASKED or opcode not in {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}:
            raise Broken(PROTOCOL_ERROR)
        if opcode == BINARY:
            raise Broken(UNSUPPORTED)
        if opcode >= CLOSE and (size > CONTROL_BYTES_MAX or not fin):
            raise Broken(PROTOCOL_ERROR)
        wide = {TWO_BYTES: 2, EIGHT_BYTES: 8}.get(size, 0)
        if len(held) < offset + wide:
            return None
        if wide:
            size = int.from_bytes(held[offset : offset + wide])
        if size > FRAME_BYTES_MAX:
            raise Broken(TOO_BIG)
        offset += wide
        if len(held) < offset + 4 + size:
            return None
        mask, masked = bytes(held[offset : offset + 4]), bytes(held[offset + 4 : offset + 4 + size])
        del held[: offset + 4 + size]
        return fin, opcode, _unmasked(mask, masked)

    def _join(self, fin: bool, opcode: int, payload: bytes) -> bytes | None:
        if (opcode == CONTINUATION) != (self._parts is not None):
            raise Broken(PROTOCOL_ERROR)
        self._parts = [*(self._parts or []), payload]
        if sum(map(len, self._parts)) > MESSAGE_BYTES_MAX:
            raise Broken(TOO_BIG)
        if not fin:
            return None
        whole, self._parts = b"".join(self._parts), None
        return whole


def _unmasked(mask: bytes, masked: bytes) -> bytes:
    size = len(masked)
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    return (int.from_bytes(masked) ^ key).to_bytes(size)
