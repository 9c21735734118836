"""The `@connections` side: HTTP/1.1, kept alive, signed."""

import asyncio
import time
from collections.abc import Mapping
from typing import override
from urllib.parse import unquote

from local.gateway.hub import FORBIDDEN, HANGS, RESETS, Hub
from local.gateway.signed import is_signed

_ERRORS = {
    403: "ForbiddenException", 410: "GoneException", 413: "PayloadTooLargeException", 429: "LimitExceededException",
}  # fmt: skip
_REASONS = {200: "OK", 204: "No Content"}


class Posts(asyncio.Protocol):
    """One HTTP connection of whoever posts; `secrets` are keyed by access key, None: nothing is checked."""

    def __init__(self, hub: Hub, secrets: Mapping[str, str] | None) -> None:
        self._hub, self._secrets = hub, secrets
        self._bytes = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._bytes += data
        while (end := self._bytes.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._bytes[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            size = int(headers.get("content-length", "0"))
            whole = end + 4 + size
            if len(self._bytes) < whole:
                return
            body, self._bytes = self._bytes[end + 4 : whole], self._bytes[whole:]
            self._serve(first, headers, body)

    def _serve(self, first: str, headers: Mapping[str, str], body: bytes) -> None:
        verb, path, _ = first.split(" ")
        status = FORBIDDEN
        if self._secrets is None or is_signed(verb, path, headers, body, secrets=self._secrets, wall_s=time.time()):
            status = self._hub.answer(verb, unquote(path.rpartition("/")[2]), body)
        self._hub.answers[status] = self._hub.answers.get(status, 0) + 1
        self._answer(status)

    def _answer(self, status: int) -> None:
        assert self._transport
        if status == HANGS:
            return
        if status == RESETS:
            self._transport.abort()
            return
        error = _ERRORS.get(status, "InternalServerError") if status not in _REASONS else ""
        kind = f"x-amzn-ErrorType: {error}\r\n" if error else ""
        body = f'{{"message":"{error}"}}' if error else ""
        length = "" if status == 204 else f"Content-Length: {len(body)}\r\n"  # noqa: PLR2004 - 204 has no body
        reason = _REASONS.get(status, error)
        self._transport.write(f"HTTP/1.1 {status} {reason}\r\n{kind}{length}\r\n{body}".encode())
