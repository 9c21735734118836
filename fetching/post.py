"""One POST of JSON to an address that an operator named, through the gate as every request."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientError, ClientSession
from yarl import URL

TIMEOUT_S = 5.0
_GOOD = range(200, 300)


async def post(session: ClientSession, url: str, body: bytes, headers: Mapping[str, str]) -> str | None:
    """
    Send a body; None if it was taken, else why not, in words that name neither the address nor the body.

    Redirects are not followed: what was signed for one receiver is nobody else's. The session must be of
    `fetching.session` over `fetching.guard`.
    """
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            session.post(URL(url), data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return None if answer.status in _GOOD else f"answered {answer.status}"
    except TimeoutError:
        return f"no answer within {TIMEOUT_S:.0f} s"
    except (ClientError, OSError, ValueError) as error:
        return type(error).__name__
