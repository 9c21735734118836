"""Fetching a document that is too large to be pushed."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from client.chunks import JOINED_LENGTH_MAX, Damaged
from client.inbox import parse
from client.link import Token, current
from contracts.canonical import NotCanonical, canonical, digest
from contracts.frames import Frame

TIMEOUT = ClientTimeout(total=30, connect=5)


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """The HTTP API as the client needs it; `api_url` is where it lives, None if the caller named none."""

    session: ClientSession
    api_url: str | None
    token: Token

    async def snapshot(self, ref: Frame) -> Frame:
        """
        Fetch what a `ref` points to and make it a snapshot; the source may have moved on, so headers say which it is.

        What went wrong becomes a `spoilt` frame: the replica asks again, later each time.
        """
        try:
            return await self._snapshot(ref)
        except (Damaged, aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            return {"type": "spoilt", "sourceId": ref["sourceId"], "why": str(error)}

    async def _snapshot(self, ref: Frame) -> Frame:
        if self.api_url is None:
            raise Damaged("the document is too large to be pushed: give api_url")
        if not ref["url"].startswith("/"):
            raise Damaged("a ref whose url is no path of the API")  # `@elsewhere/` would be another host with our token
        # Appended, not resolved: the API may live under a path.
        address = self.api_url.rstrip("/") + ref["url"]
        headers = {"Authorization": f"Bearer {await current(self.token)}"}
        async with self.session.get(address, headers=headers, timeout=TIMEOUT) as answer:
            answer.raise_for_status()
            found, about = await _read(answer), answer.headers
        if _hash(found) != about["x-hash"]:
            found = await self._stored(found)
        if _hash(found) != about["x-hash"]:
            raise Damaged("the document does not have its hash")
        return {
            "type": "snapshot", "sourceId": ref["sourceId"], "incarnation": about["x-incarnation"],
            "version": int(about["x-version"]), "hash": about["x-hash"], "data": found,
        }  # fmt: skip

    async def _stored(self, found: Any) -> Any:
        """Follow the signed address of a document too large even for an HTTP answer; it must not see our token."""
        match found:
            case {"ref": {"url": str(url)}}:
                async with self.session.get(url, timeout=TIMEOUT) as answer:
                    answer.raise_for_status()
                    return await _read(answer)
        raise Damaged("neither a document nor where to find it")


async def _read(answer: ClientResponse) -> Any:
    """Read a body within bounds, whatever its compression."""
    parts, length = [], 0
    async for part in answer.content.iter_chunked(65_536):
        parts.append(part)
        length += len(part)
        if length > JOINED_LENGTH_MAX:
            raise Damaged(f"a document of more than {JOINED_LENGTH_MAX} bytes")
    return parse(b"".join(parts))


def _hash(document: Any) -> str:
    try:
        return digest(canonical(document))
    except NotCanonical as error:
        raise Damaged("the document has no canonical form") from error
