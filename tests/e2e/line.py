"""The line between workers and AWS: a TCP proxy that can be held, so that bytes wait, or cut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

CHUNK_BYTES = 65_536


class TcpLine:
    """
    Passes connections on to one port.

    Held, it takes connections and passes nothing on: whoever waits runs into its time-out, and what was sent arrives
    when the line is free again, perhaps long after its sender gave up. Cut, it ends every connection, old or new.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._free = asyncio.Event()
        self._free.set()
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Self]:
        """Listen until the block ends."""
        line = cls(port)
        line._server = await asyncio.start_server(line._connected, "127.0.0.1", 0)
        line.port = line._server.sockets[0].getsockname()[1]
        try:
            yield line
        finally:
            line.cut()
            line._server.close()
            await line._server.wait_closed()

    def hold(self) -> None:
        """Let every byte wait."""
        self._free.clear()

    def cut(self) -> None:
        """End every connection; new ones end at once."""
        self._is_cut = True
        self._free.set()
        for writer in tuple(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        """Pass everything on again."""
        self._is_cut = False
        self._free.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._open |= ends
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except OSError:
            pass  # one end is gone, so the other goes
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._free.wait()
            writer.write(data)
            await writer.drain()
        writer.write_eof()
