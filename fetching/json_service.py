"""
One question to an AWS service that speaks JSON, over aiohttp.

For who fetches anyway: importing boto3 takes a preview as long as all the rest of it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from contracts.clock import NowMs
from contracts.json_service import Place, Seal
from contracts.signature import Credentials

#: Two tries that hang must leave time to answer.
TIMEOUT_S = 2.0
TRIES_MAX = 2

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class NoAnswer(Exception):
    """The service did not answer, or had trouble of its own, however often it was asked."""


async def ask(
    place: Place, credentials: Credentials, operation: str, request: Mapping[str, Any], *, now_ms: NowMs
) -> tuple[int, Any]:
    """Ask what may be asked again; give the status and the answer, or raise NoAnswer."""
    body = _encode(request)
    async with ClientSession(timeout=ClientTimeout(total=TIMEOUT_S), cookie_jar=DummyCookieJar()) as http:
        for _ in range(TRIES_MAX):
            headers = Seal(place, credentials, now_ms=now_ms()).headers(operation, body)
            try:
                async with http.post(place.url, data=body, headers=headers, allow_redirects=False) as reply:
                    status, answer = reply.status, _decode(await reply.read())
            except (aiohttp.ClientError, OSError, msgspec.DecodeError):
                continue
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, answer
    raise NoAnswer(f"{place.name}: no answer to {operation}")
