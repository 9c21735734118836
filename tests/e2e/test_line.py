"""The line to AWS that the storm holds and cuts does what its name says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.line import TcpLine

SOON_S = 5


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """Serve on a port what is sent to it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        server.abort_clients()  # `async with server` would wait for whoever is still connected
        await server.wait_closed()


async def say(port: int, text: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and send something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    await writer.drain()
    return reader, writer


async def test_what_is_sent_arrives_and_comes_back():
    """A free line is not noticed."""
    async with echo() as port, TcpLine.to(port) as line:
        reader, writer = await say(line.port, b"one")
        assert await asyncio.wait_for(reader.readexactly(3), SOON_S) == b"one"
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), SOON_S) == b""
        writer.close()


async def test_what_is_sent_over_a_held_line_arrives_when_it_is_mended():
    """Perhaps long after its sender gave up: that is what makes a write late."""
    async with echo() as port, TcpLine.to(port) as line:
        line.hold()
        reader, writer = await say(line.port, b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(4), 0.1)
        line.mend()
        assert await asyncio.wait_for(reader.readexactly(4), SOON_S) == b"late"
        writer.close()


async def test_a_cut_line_ends_who_is_connected_and_who_comes():
    """Until it is mended."""
    async with echo() as port, TcpLine.to(port) as line:
        reader, writer = await say(line.port, b"one")
        assert await asyncio.wait_for(reader.readexactly(3), SOON_S) == b"one"
        line.cut()
        late_reader, late_writer = await asyncio.open_connection("127.0.0.1", line.port)
        for one in (reader, late_reader):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(one.readexactly(1), SOON_S)
        line.mend()
        again, other = await say(line.port, b"two")
        assert await asyncio.wait_for(again.readexactly(3), SOON_S) == b"two"
        for end in (writer, late_writer, other):
            end.close()
