"""What a source is asked again with, and what is left out because it would hide a change."""

import asyncio
from typing import Any

import pytest

from fetching.outcome import Reply, Validators
from fetching.server_time import date_s
from fetching.validators import validators_of

BEFORE, NOW, LATER = (f"Sat, 28 Nov 2026 03:00:{second} GMT" for second in ("00", "01", "02"))
#: As nginx makes it of a file's time and size.
OF_NOW = f'"{int(date_s(NOW) or 0):x}-3"'


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"Date": LATER, "Last-Modified": NOW, "ETag": OF_NOW}, (OF_NOW, NOW)),
        ({"Date": NOW, "Last-Modified": NOW, "ETag": OF_NOW}, ("", "")),
        ({"Date": NOW, "Last-Modified": NOW, "ETag": f"W/{OF_NOW}"}, ("", "")),
        ({"Date": NOW, "Last-Modified": NOW, "ETag": '"a1b2"'}, ('"a1b2"', "")),
        ({"Date": NOW, "Last-Modified": NOW}, ("", "")),
        ({"Date": NOW, "Last-Modified": LATER}, ("", "")),
        ({"Last-Modified": NOW}, ("", NOW)),
        ({"Date": NOW, "Last-Modified": "yesterday"}, ("", "yesterday")),
        ({"Date": "now", "Last-Modified": NOW}, ("", NOW)),
        ({}, ("", "")),
    ],
)
def test_what_was_modified_in_this_second_may_be_modified_again_in_it(headers: dict[str, str], kept: tuple[str, str]):
    """The second state would have the validators of the first, and be hidden by them for up to 50 polls."""
    etag, last_modified = kept
    assert validators_of("u", headers) == Validators(url="u", etag=etag, last_modified=last_modified)


@pytest.mark.parametrize("date", ["", "soon", "Sat, 28 Nov 2026 03:00:00 +99999999999999999999", "0", "x" * 9_000])
def test_a_date_that_is_none_is_no_mistake_of_ours(date: str):
    """Whatever a server says of time ends no poll."""
    assert date_s(date) is None


async def test_headers_that_are_no_text_end_no_poll(servers: Any, get: Any):
    """Of bytes beyond ASCII, which HTTP allows, nothing is stored or sent that is no text; the document is read."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(
            b'HTTP/1.1 200 OK\r\nETag: "caf\xe9"\r\nLast-Modified: \xff\r\n'
            b"Content-Type: text/json; name=\xe9; charset=utf-8\r\n"
            b"Content-Encoding: \xa0\r\nRetry-After: \xe9\r\nContent-Length: 3\r\n\r\n[1]"
        )
        await writer.drain()

    reply = await get(await servers.speak(answer))

    assert isinstance(reply, Reply)
    assert not reply.validators.are_any
    assert f"{reply.content_type};{reply.coding}".encode()
    assert reply.content_type.endswith("charset=utf-8")
