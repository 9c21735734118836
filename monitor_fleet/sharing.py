"""One turn's requests: sources that request the same are given the same answer."""

import asyncio
from collections.abc import Awaitable, Callable

from fetching.fetch import Ask
from fetching.outcome import Outcome, Validators

type Fetch = Callable[[Ask], Awaitable[Outcome]]


class Once:
    """
    Asks each request once and gives its outcome to everybody who asks the same, while the turn lasts.

    Those whose validators differ (one of them is new) ask apart, and the next time together. The first who asks says
    how long an answer may take.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._asked: dict[tuple[str, tuple[tuple[str, str], ...], Validators | None], asyncio.Future[Outcome]] = {}

    async def __call__(self, ask: Ask) -> Outcome:
        """Ask, or wait for whoever asked first."""
        same = (str(ask.url), tuple(ask.headers.items()), ask.validators)
        asked = self._asked.get(same)
        if asked is None:
            asked = self._asked[same] = asyncio.ensure_future(self._fetch(ask))
        return await asked
