"""The main job: a feed changes, and a second later every subscriber has it."""

import asyncio
import json
import statistics
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.e2e.outside import Api, Feeds, Reader


def price_list(step: int) -> dict[str, Any]:
    """Make a document that changes in place, grows and shrinks."""
    rows = [
        {"sku": f"sku-{i}", "price": (i * 7 + step) / 4, "stock": None if i % 3 else step} for i in range(3 + step % 4)
    ]
    return {"step": step, "rows": rows, "big": 2**60 + step, "flag": step % 2 == 0, "name~/é": "ü" * step}


async def test_every_change_of_five_feeds_reaches_a_subscriber_exactly(state: dict[str, Any]):
    """A snapshot and then patches reproduce every document; half of the changes are there within a second of the poll.

    `bench/latency.py` measures how long it takes; this is a machine with much else to do.
    """
    names = [f"feed-{i}" for i in range(5)]
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        for name in names:
            feeds.set(name, price_list(0))
        ids = {name: await api.register(feeds.url(name)) for name in names}
        for source_id in ids.values():
            await reader.ask(action="subscribe", sourceId=source_id)
        for step in range(6):
            for name in names:
                feeds.set(name, price_list(step))
            for name in names:
                await reader.until_equal(ids[name], price_list(step))
        late_s = [
            reached - feeds.seen[name, json.dumps(price_list(step)).encode()]
            for name in names
            for reached, step in steps_of(reader.copies[ids[name]].frames)
        ]
        kinds = [frame["type"] for name in names for _, frame in reader.copies[ids[name]].frames]
        for source_id in ids.values():
            await api.delete(source_id)
        await reader.until(lambda: len([f for f in reader.others if f["type"] == "reset"]) == len(names))

    assert kinds.count("patch") >= 5 * 5
    assert statistics.median(late_s) <= 1, sorted(late_s)


def steps_of(frames: list[tuple[float, dict[str, Any]]]) -> list[tuple[float, int]]:
    """When a patch of which step of `price_list` arrived."""
    return [
        (at, operation["value"])
        for at, frame in frames
        if frame["type"] == "patch"
        for _, operations in frame["steps"]
        for operation in operations
        if operation["path"] == "/step"
    ]


async def test_xml_is_followed_like_json(state: dict[str, Any]):
    """The other format of the spec."""
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.documents["w"], feeds.types["w"] = b"<w><t unit='C'>1</t></w>", "application/xml"
        source_id = await api.register(feeds.url("w"), dataFormat="xml")
        await reader.ask(action="subscribe", sheetId=source_id)
        await reader.until_equal(source_id, {"w": {"t": {"@unit": "C", "#text": "1"}}})
        feeds.documents["w"] = b"<w><t unit='C'>2</t></w>"
        await reader.until_equal(source_id, {"w": {"t": {"@unit": "C", "#text": "2"}}})
        await api.delete(source_id)


@pytest.mark.parametrize("token", [None, "wrong", "smf_000000000000_0"])
async def test_without_a_right_token_nobody_gets_in(state: dict[str, Any], token: str | None):
    """Default deny: on every path and at the handshake."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as session:
        for method, path in [
            ("GET", "/datasources"),
            ("POST", "/datasources/register"),
            ("POST", "/tickets"),
            ("GET", "/fleet"),
            ("DELETE", "/datasources/x/delete"),
        ]:
            async with session.request(method, state["apiUrl"].rstrip("/") + path) as answer:
                assert answer.status in {401, 403}, path
    with pytest.raises(InvalidStatus) as refused:
        async with connect(state["webSocketUrl"], additional_headers=headers):
            pass
    assert refused.value.response.status_code in {401, 403}


async def test_a_ticket_opens_one_socket_once(state: dict[str, Any]):
    """Browsers cannot set headers on a handshake, and an address may be logged."""
    async with Api.of(state) as api:
        status, answer = await api.call("POST", "/tickets")
        assert (status, answer["expiresIn"]) == (201, 60)
        url = f"{state['webSocketUrl']}?ticket={answer['ticket']}"
        async with connect(url) as socket:
            await socket.send(json.dumps({"action": "ping"}))
            assert json.loads(await asyncio.wait_for(socket.recv(), 10))["type"] == "pong"
        with pytest.raises(InvalidStatus):
            async with connect(url):
                pass


async def test_a_wrong_frame_gets_an_error_and_the_connection_lives_on(state: dict[str, Any]):
    """A client learns what was wrong and goes on."""
    async with Reader.connected(state) as reader:
        await reader.socket.send("{nonsense")
        await reader.ask(action="fly", id=1)
        await reader.ask(action="subscribe", id=2, sourceId="external-00000000")
        await reader.until(lambda: len(reader.others) == 3)

    assert {frame["code"] for frame in reader.others} == {"bad_json", "unknown_action", "unknown_source"}


async def test_a_key_reaches_its_source_and_nobody_else(state: dict[str, Any]):
    """The key is used for the poll and never comes back."""
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("secret", {"a": 1})
        source_id = await api.register(feeds.url("secret"), apiKey="k-e-y-31415")
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until_equal(source_id, {"a": 1})
        _, shown = await api.call("GET", f"/datasources/{source_id}")
        _, listed = await api.call("GET", "/datasources")
        await api.delete(source_id)

    assert feeds.headers["secret"][0]["X-API-Key"] == "k-e-y-31415"
    assert "k-e-y-31415" not in json.dumps([shown, listed])


async def test_a_document_of_five_megabytes_is_delivered(state: dict[str, Any]):
    """In chunks to who accepts them; a plain reader is told where to fetch it."""
    document = {"rows": [{"id": i, "text": f"{i:x}" * 12} for i in range(60_000)]}
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as plain:
        feeds.set("large", document)
        source_id = await api.register(feeds.url("large"))
        await plain.ask(action="subscribe", sourceId=source_id)
        await plain.until(lambda: any(frame["type"] == "ref" for frame in plain.others), 30)
        answer = await api.call("GET", f"/datasources/{source_id}/data")
        if "ref" in answer[1]:
            async with aiohttp.ClientSession() as session, session.get(answer[1]["ref"]["url"]) as fetched:
                answer = (fetched.status, json.loads(await fetched.read()))
        await api.delete(source_id)

    assert answer == (200, document)


async def test_a_client_that_vanished_leaves_no_rows_after_the_next_change(state: dict[str, Any], aws: Any):
    """A 410 removes exactly that connection; nothing is posted to ghosts for ever."""
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as stays:
        feeds.set("v", 1)
        source_id = await api.register(feeds.url("v"))
        await stays.ask(action="subscribe", sourceId=source_id)
        await stays.until_equal(source_id, 1)
        async with Reader.connected(state) as goes:
            await goes.ask(action="subscribe", sourceId=source_id)
            await goes.until_equal(source_id, 1)
            goes.socket.transport.abort()
        for value in (2, 3):
            feeds.set("v", value)
            await stays.until_equal(source_id, value)
        rows = aws.subscribers(source_id)
        await api.delete(source_id)

    assert len(rows) == 1
