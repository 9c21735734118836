"""The web's own server, Debian's nginx, says how ETags, gzip and kept connections really are."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession
from yarl import URL

from fetching.decode import decode
from fetching.fetch import Ask, fetch
from fetching.outcome import Failed, NotModified, Outcome, Reason, Reply

CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  types {{ application/json json; application/xml xml; }}
  gzip on; gzip_types application/json; gzip_min_length 100; keepalive_timeout 30s;
  server {{
    listen unix:{folder}/probe.sock; listen 127.0.0.1:{port};
    root {folder}/files;
    location /moved {{ return 301 /a.json; }}
    location /limited {{ limit_except POST {{ deny all; }} }}
    location /no-etag/ {{ etag off; alias {folder}/files/; }}
  }}
}}
"""
TRIES = 100


@dataclass(frozen=True)
class Nginx:
    """A running nginx and the folder that it serves."""

    url: URL
    files: Path

    def write(self, name: str, text: str, *, at: int = 1_795_000_000) -> None:
        """Put a file, with its time."""
        path = self.files / name
        path.write_text(text)
        os.utime(path, (at, at))


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[Nginx]:
    """Run it on a free port."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    (tmp_path / "files").mkdir()
    (tmp_path / "nginx.conf").write_text(CONF.format(folder=tmp_path, port=port))
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert binary, "nginx is missing: apt-get install nginx-light"
    process = await asyncio.create_subprocess_exec(
        binary, "-p", f"{tmp_path}", "-c", "nginx.conf", "-e", f"{tmp_path}/error.log"
    )
    try:
        await _until_it_listens(port)
        yield Nginx(URL(f"http://127.0.0.1:{port}/"), tmp_path / "files")
    finally:
        process.terminate()
        await process.wait()


async def _until_it_listens(port: int) -> None:
    for _ in range(TRIES):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise AssertionError("nginx does not listen")


async def get(http: ClientSession, url: URL, after: Reply | None = None) -> Outcome:
    """Poll a url, after an answer."""
    return await fetch(http, Ask(url=url, validators=after.validators if after else None))


async def test_its_weak_etag_of_a_packed_answer_is_answered_with_304(nginx: Nginx, http: ClientSession):
    """Packing makes the ETag weak (`W/`); sent back verbatim it still says `not modified`."""
    text = "[" + "1," * 500 + "1]"
    nginx.write("a.json", text)
    first = await get(http, nginx.url / "a.json")
    assert isinstance(first, Reply)
    assert (first.coding, first.validators.etag[:3]) == ("gzip", 'W/"')
    assert decode(first.wire, first.coding).decode() == text
    assert isinstance(await get(http, nginx.url / "a.json", first), NotModified)


async def test_another_file_of_the_same_size_and_second_is_found_by_a_full_request(nginx: Nginx, http: ClientSession):
    """Its ETag is made of time and size: within a second it lies, so a full request now and then is needed."""
    nginx.write("a.json", "[1]")
    first = await get(http, nginx.url / "a.json")
    assert isinstance(first, Reply)
    nginx.write("a.json", "[2]")
    assert isinstance(await get(http, nginx.url / "a.json", first), NotModified)
    second = await get(http, nginx.url / "a.json")
    assert isinstance(second, Reply)
    assert (second.wire, second.validators.etag) == (b"[2]", first.validators.etag)


async def test_last_modified_alone_works_too(nginx: Nginx, http: ClientSession):
    """Not every location has ETags."""
    nginx.write("a.json", "[1]")
    url = nginx.url / "no-etag" / "a.json"
    first = await get(http, url)
    assert isinstance(first, Reply)
    assert (first.validators.etag, bool(first.validators.last_modified)) == ("", True)
    assert isinstance(await get(http, url, first), NotModified)
    nginx.write("a.json", "[2]", at=1_795_000_001)
    assert isinstance(await get(http, url, first), Reply)


async def test_no_part_of_a_file_is_taken_for_the_whole(nginx: Nginx, http: ClientSession):
    """A poll never asks for a range; a 206 to somebody who did would be half a document."""
    nginx.write("a.xml", "<a>123</a>")
    whole = await get(http, nginx.url / "a.xml")
    part = await fetch(http, Ask(url=nginx.url / "a.xml", headers={"Range": "bytes=0-3"}))
    assert isinstance(whole, Reply)
    assert whole.wire == b"<a>123</a>"
    assert isinstance(part, Failed)
    assert (part.reason, part.status) == (Reason.STATUS, 206)


@pytest.mark.parametrize(("path", "status"), [("none.json", 404), ("limited", 403)])
async def test_its_refusals_are_told_by_their_number(nginx: Nginx, http: ClientSession, path: str, status: int):
    """The page that it sends along is not the document."""
    failed = await get(http, nginx.url / path)
    assert isinstance(failed, Failed)
    assert failed.status == status


async def test_its_redirect_is_followed_and_the_connection_kept(nginx: Nginx, http: ClientSession):
    """Relative locations, one host, one connection for all of it."""
    nginx.write("a.json", "[1]")
    for _ in range(3):
        reply = await get(http, nginx.url / "moved")
        assert isinstance(reply, Reply)
        assert reply.validators.url == str(nginx.url / "a.json")
    assert http.connector is not None
    assert len(http.connector._conns) == 1
