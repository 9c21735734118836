"""The Python client against a scripted service on a loopback socket."""

import json
import random
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import ClientSession, web

from client import AccessRefused, SourceDeleted, SourceRefused, subscribe
from client.fetch import Fetch
from contracts import frames
from contracts.canonical import canonical, digest
from tests.client.gateway import Connection, Gateway, first

SOURCE = "external-1a2b3c4d"
GZIP_AND_CHUNK = frozenset({"gzip", "chunk"})


class NoWait(random.Random):
    """Chance that never waits."""

    def random(self) -> float:
        """Draw the least."""
        return 0.0


def snapshot(version: int, document: Any, incarnation: str = "one") -> dict[str, Any]:
    """Write a snapshot."""
    named = digest(canonical(document))
    return frames.snapshot(SOURCE, (incarnation, version), document_hash=named, data=document, exact=False)


def patch(base: int, *documents: Any) -> dict[str, Any]:
    """Write a patch whose steps each replace the whole document."""
    steps = [(base + i, [{"op": "replace", "path": "", "value": document}]) for i, document in enumerate(documents, 1)]
    return frames.patch(SOURCE, ("one", base + len(documents)), base=base, steps=steps, at_ms=0)


async def send(socket: Connection, *made: dict[str, Any]) -> None:
    """Send frames as a client of ours accepts them."""
    for frame in made:
        for text in frames.encode(frame, GZIP_AND_CHUNK) or []:
            await socket.send_str(text.decode())


def follow(gateway: Gateway, **options: Any) -> Any:
    """Subscribe to the source."""
    return aclosing(subscribe(gateway.url, gateway.token, SOURCE, chance=NoWait(), **options))


async def test_a_subscriber_sees_the_snapshot_and_every_change_after_it():
    """The main job."""

    async def serve(socket: Connection, _: Any) -> None:
        await send(socket, frames.subscribed(SOURCE, ("one", 1), at_ms=0), snapshot(1, {"n": 1}), patch(1, 2, 3))

    async with Gateway.serving(serve) as gateway, follow(gateway) as changes:
        seen = await first(changes, 2)

    assert [(change.version, change.document) for change in seen] == [(1, {"n": 1}), (3, 3)]
    assert gateway.heard == [{"action": "subscribe", "sourceId": SOURCE, "mode": "patch", "accept": ["gzip", "chunk"]}]


async def test_a_document_of_5_mb_arrives_in_chunks_and_is_checked():
    """Far beyond what one message of the gateway carries."""
    chance = random.Random(1)
    document = {"rows": [f"{chance.getrandbits(640):0160x}" for _ in range(32_000)]}

    async def serve(socket: Connection, _: Any) -> None:
        await send(socket, snapshot(1, document))

    async with Gateway.serving(serve) as gateway, follow(gateway) as changes:
        (change,) = await first(changes, 1)

    assert change.document == document


async def test_a_lost_connection_is_opened_again_and_resumed():
    """From the position held; what was seen is not seen again."""

    async def serve(socket: Connection, asked: dict[str, Any]) -> None:
        if "position" not in asked:
            await send(socket, snapshot(1, {"n": 1}))
            await socket.close()
        else:
            await send(socket, frames.subscribed(SOURCE, ("one", 2), at_ms=0), patch(1, {"n": 2}))

    async with Gateway.serving(serve) as gateway, follow(gateway) as changes:
        seen = await first(changes, 2)

    assert [change.version for change in seen] == [1, 2]
    assert gateway.connections == 2
    assert gateway.heard[1] == {
        "action": "subscribe", "sourceId": SOURCE, "mode": "patch", "accept": ["gzip", "chunk"], "position": ["one", 1],
    }  # fmt: skip


async def test_a_snapshot_that_does_not_have_its_hash_is_never_shown():
    """It is asked for again; a wrong document is worse than none."""
    asked_times = []

    async def serve(socket: Connection, _: Any) -> None:
        asked_times.append(1)
        good = snapshot(1, {"n": 1})
        await send(socket, good if len(asked_times) > 1 else good | {"data": {"n": 666}})

    async with Gateway.serving(serve) as gateway, follow(gateway) as changes:
        (change,) = await first(changes, 1)

    assert change.document == {"n": 1}
    assert len(gateway.heard) == 2


async def test_a_document_too_large_to_push_is_fetched():
    """The source may have moved on since: the answer's headers say which version it is."""

    async def serve(socket: Connection, _: Any) -> None:
        url = f"/datasources/{SOURCE}/data"
        await send(socket, frames.ref(SOURCE, ("one", 1), url=url, size=9, document_hash="0"))
        await send(socket, patch(2, {"n": 3}))

    async with Gateway.serving(serve) as gateway:
        about = {"x-incarnation": "one", "x-version": "2", "x-hash": digest(canonical({"n": 2}))}
        body = json.dumps({"n": 2}).encode()
        gateway.documents[f"/datasources/{SOURCE}/data"] = web.Response(body=body, headers=about)
        async with follow(gateway, api_url=gateway.origin) as changes:
            seen = await first(changes, 2)

    assert [(change.version, change.document) for change in seen] == [(2, {"n": 2}), (3, {"n": 3})]


async def test_a_document_too_large_for_an_answer_is_fetched_where_the_answer_says():
    """From the bucket, whose signed address must not see our token."""
    document = {"ref": "a document of this shape is no address"}

    async def serve(socket: Connection, _: Any) -> None:
        url = f"/datasources/{SOURCE}/data"
        await send(socket, frames.ref(SOURCE, ("one", 1), url=url, size=9, document_hash="0"))

    async with Gateway.serving(serve) as gateway:
        about = {"x-incarnation": "one", "x-version": "1", "x-hash": digest(canonical(document))}
        ref = json.dumps({"ref": {"url": gateway.origin + "/stored", "bytes": 9, "hash": about["x-hash"]}})
        gateway.documents[f"/datasources/{SOURCE}/data"] = web.Response(body=ref.encode(), headers=about)
        gateway.documents["/stored"] = web.Response(body=json.dumps(document).encode())
        async with follow(gateway, api_url=gateway.origin) as changes:
            (change,) = await first(changes, 1)

    assert change.document == document


async def test_a_ref_that_is_no_path_of_the_api_gets_no_token():
    """Appended to the API's address, `@elsewhere/` would name another host."""
    async with ClientSession() as session:
        fetch = Fetch(session=session, api_url="http://api.example", token="smf_test_token")
        answer = await fetch.snapshot({"type": "ref", "sourceId": SOURCE, "url": "@127.0.0.1/"})

    assert answer["type"] == "spoilt"
    assert "no path" in answer["why"]


async def test_a_token_that_is_refused_ends_it():
    """Trying again cannot help, and would look like an attack."""

    async def serve(socket: Connection, _: Any) -> None:
        await socket.close()

    async with Gateway.serving(serve) as gateway:
        with pytest.raises(AccessRefused):
            await anext(subscribe(gateway.url, "smf_wrong_token", SOURCE, chance=NoWait()))

    assert gateway.connections == 0


async def test_a_source_that_is_not_served_ends_it():
    """With the protocol's code."""

    async def serve(socket: Connection, _: Any) -> None:
        refused = frames.FrameRefused("unknown_source", "there is no source of this id", source_id=SOURCE)
        await send(socket, frames.error(refused))

    async with Gateway.serving(serve) as gateway, follow(gateway) as changes:
        with pytest.raises(SourceRefused, match="no source") as refused:
            await anext(changes)

    assert refused.value.code == "unknown_source"


async def test_a_deleted_source_ends_it():
    """After the last state that there was."""

    async def serve(socket: Connection, _: Any) -> None:
        await send(socket, snapshot(1, 1), frames.reset(SOURCE, "deleted"))

    async with Gateway.serving(serve) as gateway, follow(gateway) as changes:
        assert (await anext(changes)).document == 1
        with pytest.raises(SourceDeleted):
            await anext(changes)
