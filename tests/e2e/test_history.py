"""What happened to a source, and having it polled now, as an outsider sees it."""

import asyncio
import json
import time
from typing import Any

from tests.e2e.outside import Api, Feeds

#: A wish is obeyed within two seconds, which `bench/fleet.py` measures; a busy machine has some more.
OBEYED_WITHIN_S = 10.0
PATIENCE_S = 60


async def until_version(api: Api, source_id: str, version: int) -> dict[str, Any]:
    """Wait for a version; the source."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            _, source = await api.call("GET", f"/datasources/{source_id}")
            if source["head"]["version"] >= version:
                found: dict[str, Any] = source
                return found
            await asyncio.sleep(0.05)


async def test_a_source_polled_once_an_hour_is_polled_when_somebody_asks(state: dict[str, Any]):
    """Through the log that its worker follows; its history and its chart then show the change."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("hourly", {"rows": [{"price": 1}]})
        source_id = await api.register(feeds.url("hourly"), pollingInterval=3_600)
        await until_version(api, source_id, 1)
        later = {"rows": [{"price": 0}, {"price": 4}]}
        feeds.set("hourly", later)

        status, answer = await api.call("POST", f"/datasources/{source_id}/poll")
        accepted = time.monotonic()
        assert (status, answer["sourceId"]) == (202, source_id)
        await until_version(api, source_id, 2)
        took_s = feeds.seen["hourly", json.dumps(later).encode()] - accepted

        _, history = await api.call("GET", f"/datasources/{source_id}/changes?path=/rows/1/price")
        _, chart = await api.call("GET", f"/datasources/{source_id}/series?path=/rows/0/price")
        await api.delete(source_id)

    assert [(item["version"], item["after"]) for item in history["items"]] == [
        (2, {"exists": True, "value": 4}),
        (1, {"exists": False}),
    ]
    assert sum(point["count"] for point in chart["points"]) == 2
    assert chart["points"][-1]["last"] == 0
    assert took_s <= OBEYED_WITHIN_S
