"""One kept-alive HTTP/1.1 connection to the gateway: one request at a time, and of the answer its status."""

import asyncio
from typing import override

HEAD_END = b"\r\n\r\n"
#: The gateway's errors are a few hundred bytes; whoever answers more is not the gateway.
ANSWER_BYTES_MAX = 64 * 1_024
#: A body up to this is sent in one piece with its head; copying a larger one costs more than a second piece.
JOIN_BYTES_MAX = 16 * 1_024
NO_CONTENT, FIRST_FINAL = 204, 200


class LineLost(ConnectionError):
    """The connection ended before an answer was whole; `silent` says that none had begun."""

    def __init__(self, why: str, *, silent: bool) -> None:
        super().__init__(why)
        self.silent = silent


class Line(asyncio.Protocol):
    """
    A socket to the gateway.

    `is_open` tells whether it takes another request, `rested` that nothing was answered since it rested, `asked_at`
    when (loop time) the request under way was sent.
    """

    def __init__(self) -> None:
        self.is_open = False
        self.rested = False
        self.asked_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._got = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.is_open = True

    def ask(self, head: bytes, body: bytes, answer: asyncio.Future[int], now: float) -> None:
        """Send a request; its status, or LineLost, goes into `answer`."""
        self._answer, self._got, self.asked_at = answer, b"", now
        if self._transport is None or not self.is_open:
            self._fail("closed before it was asked")
        elif len(body) <= JOIN_BYTES_MAX:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        self.is_open = False
        if self._transport:
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        got = self._got = self._got + data if self._got else data
        if self._answer is None or len(got) > ANSWER_BYTES_MAX:
            # An answer that nobody asked for, such as a time-out's, or one without end.
            self.drop()
            return
        end = got.find(HEAD_END)
        if end >= 0:
            self._read(got, end)

    @override
    def eof_received(self) -> bool:
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer is None:
            return
        end = self._got.find(HEAD_END)
        status = _status(self._got)
        if exc is None and end >= 0 and status and not _is_framed(self._got[:end].lower()):
            self._give(status)  # RFC 9112, 6.3: without a length the body ends with the connection
        else:
            self._fail(f"lost: {exc or 'closed by the gateway'}")

    def _read(self, got: bytes, end: int) -> None:
        status = _status(got)
        if status is None:
            self._fail("not an answer of HTTP/1.1")
            self.drop()
        elif status < FIRST_FINAL:
            self._got = b""
            if got[end + len(HEAD_END) :]:
                self.data_received(got[end + len(HEAD_END) :])
        elif _is_whole(status, got[:end].lower(), got[end + len(HEAD_END) :]):
            self._give(status)
            if not _can_follow(got[:end].lower(), got[end + len(HEAD_END) :]):
                self.drop()

    def _give(self, status: int) -> None:
        answer, self._answer, self._got, self.rested = self._answer, None, b"", False
        if answer and not answer.done():
            answer.set_result(status)

    def _fail(self, why: str) -> None:
        answer, self._answer = self._answer, None
        if answer and not answer.done():
            answer.set_exception(LineLost(why, silent=not self._got))


def _status(got: bytes) -> int | None:
    digits = got[9:12]
    return int(digits) if got.startswith(b"HTTP/1.1 ") and len(digits) == len("200") and digits.isdigit() else None


def _is_framed(head: bytes) -> bool:
    return b"\r\ncontent-length:" in head or b"\r\ntransfer-encoding:" in head


def _can_follow(head: bytes, body: bytes) -> bool:
    """Tell whether another answer may follow: nobody closes, and nothing is there that was not announced."""
    return b"\r\nconnection: close" not in head and (not body or len(body) == _length(head))


def _length(head: bytes) -> int | None:
    length = head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0].strip()
    return int(length) if length.isdigit() else None


def _is_whole(status: int, head: bytes, body: bytes) -> bool:
    if status == NO_CONTENT:
        return True
    length = _length(head)
    if length is not None:
        return len(body) >= length
    return b"\r\ntransfer-encoding:" in head and body.endswith(b"0\r\n\r\n")
