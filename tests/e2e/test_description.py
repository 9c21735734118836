"""The running API keeps to its own description, whatever it is sent."""

import asyncio
from typing import Any

from tests.e2e.fuzz import fuzz
from tests.e2e.outside import Api, Feeds
from tests.e2e.test_history import until_version

#: Some 140 requests, the same in every run; `make soak` sends thousands, other ones each time.
EXAMPLES = 12
SEED = 6


async def test_whatever_it_is_sent_the_api_answers_as_it_says_it_does(state: dict[str, Any]):
    """No 500, no status or media type that is not described, no answer of another shape, nothing invalid taken."""
    url = state["apiUrl"].rstrip("/")
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("fuzzed", {"n": 1})
        source_id = await api.register(feeds.url("fuzzed"))
        await until_version(api, source_id, 1)
        told = await asyncio.to_thread(fuzz, url, state["token"], source_id, examples=EXAMPLES, chance=SEED)
        for made in (*told.made, source_id):
            await api.delete(made)

    assert told.failures == []
    assert told.made
    # A run that was only ever refused would prove little: each was served as well.
    assert [verb for verb, statuses in told.statuses.items() if not {200, 201, 202, 204} & statuses] == []
