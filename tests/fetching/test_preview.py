"""A preview: what a registration would see, from two requests, with nothing stored and no key shown."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from contracts.canonical import digest
from contracts.source import Auth
from fetching.certificates import Certificates
from fetching.document import Reading
from fetching.excerpt import CHARACTERS_MAX, ROWS_MAX, excerpt
from fetching.fetch import Ask, fetch
from fetching.hidden import HIDDEN, Hidden
from fetching.keyed import with_key
from fetching.outcome import Outcome
from fetching.preview import PAUSE_S, Fetch, Wanted, World, preview

NOW_S = 1_795_000_000.0
KEY = "s3cr3t/key+1"

type Preview = Callable[..., Awaitable[Any]]


@dataclass
class Time:
    """Seconds that pass when somebody pauses, and as requests are said to take."""

    at_s: float = 0.0
    takes_s: float = 0.0
    pauses: list[float] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.at_s += seconds

    def around(self, http: ClientSession) -> Fetch:
        """Fetch for real; the clock says what the test wants."""

        async def ask_source(ask: Ask) -> Outcome:
            self.at_s += self.takes_s
            return await fetch(http, ask)

        return ask_source


@pytest.fixture
def time() -> Time:
    """Give a clock that stands still."""
    return Time()


@pytest.fixture
def see(http: ClientSession, time: Time) -> Preview:
    """Preview a url."""

    async def ask(
        url: URL, *, interval_s: int = 60, key: str | None = None, auth: Auth | None = None, **how: Any
    ) -> Any:
        headers: dict[str, str] = {}
        if key:
            url, headers = with_key(url, headers, key, auth or Auth())
        wanted = Wanted(ask=Ask(url=url, headers=headers), how=Reading(**how), interval_s=interval_s, key=key)
        world = World(
            fetch=time.around(http),
            pause=time.pause,
            clock=lambda: time.at_s,
            now_s=lambda: NOW_S,
            certificates=Certificates(),
        )
        found = await preview(wanted, world)
        return json.loads(json.dumps(found))

    return ask


def codes(found: Any) -> list[str]:
    """Name what was warned of."""
    return [warning["code"] for warning in found["warnings"]]


async def test_a_good_source_is_shown_with_its_first_rows(servers: Any, see: Preview, time: Time):
    """The whole shape that docs/api.md promises."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        return web.json_response({"at": 1, "items": [{"id": 2, "n": 1.5}]}, headers={"ETag": '"v1"'})

    url = await servers.serve(answer)
    time.takes_s = 0.25
    found = await see(url / "a.json")
    assert found == {
        "ok": True, "reason": None, "why": "",
        "http": {
            "status": 200, "url": str(url / "a.json"), "contentType": "application/json; charset=utf-8",
            "encoding": "", "etag": True, "lastModified": False, "conditional": "works",
        },
        "timing": {"firstMs": 250, "secondMs": 250},
        "format": "json",
        "size": {"wire": 41, "decoded": 41, "document": 35},
        "volatile": [], "suggested": {"ignore": []}, "warnings": [],
        "document": {
            "kind": "object", "at": "/items", "count": 1, "columns": ["id", "n"], "rows": [{"id": 2, "n": 1.5}],
            "cut": False, "hash": digest(b'{"at":1,"items":[{"id":2,"n":1.5}]}'),
        },
    }  # fmt: skip
    assert time.pauses == [PAUSE_S]


async def test_a_failing_source_is_an_answer(servers: Any, see: Preview):
    """The person is told what a poll would run into, in the same words."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(status=401)

    found = await see(await servers.serve(answer))
    assert (found["ok"], found["reason"], found["http"], found["document"]) == (
        False, "unauthorized", {"status": 401}, None,
    )  # fmt: skip
    assert "401" in found["why"]


@pytest.mark.parametrize(
    ("body", "how", "reason"),
    [(b"<html>", {}, "parse"), (b'{"a":1}', {"selector": "b"}, "selector"), (b"{", {}, "parse")],
)
async def test_a_document_that_cannot_be_read_shows_what_answered(
    servers: Any, see: Preview, body: bytes, how: Any, reason: str
):
    """Reached, but not understood: the status and the media type say why."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body, content_type="text/html")

    found = await see(await servers.serve(answer), **how)
    assert (found["ok"], found["reason"], found["http"]["contentType"]) == (False, reason, "text/html")


async def test_what_changes_by_itself_is_named_and_the_obvious_suggested(servers: Any, see: Preview):
    """A price may be the very thing to watch; a time of generation never is."""
    hits = 0

    async def answer(_: web.BaseRequest) -> web.Response:
        nonlocal hits
        hits += 1
        rows = [{"id": n, "price": n + hits, "seenAt": f"2026-11-22T10:00:0{hits}Z"} for n in range(3)]
        return web.json_response({"generated": 1_795_000_000 + hits, "rows": rows, "requestId": f"{hits:032x}"})

    found = await see(await servers.serve(answer))
    assert {(one["pointer"], one["looksLike"], one["count"]) for one in found["volatile"]} == {
        ("/generated", "time", 1), ("/rows/*/price", "value", 3), ("/rows/*/seenAt", "time", 3),
        ("/requestId", "random", 1),
    }  # fmt: skip
    assert sorted(found["suggested"]["ignore"]) == ["/generated", "/requestId", "/rows/*/seenAt"]
    assert codes(found) == ["no_validators", "volatile"]


async def test_suggestions_make_it_still(servers: Any, see: Preview):
    """Taking the advice is enough: the next preview sees no change."""
    hits = 0

    async def answer(_: web.BaseRequest) -> web.Response:
        nonlocal hits
        hits += 1
        return web.json_response({"a/b": {"updated_at": str(hits)}, "rows": [[{"ts~": hits, "timestamp": hits}]]})

    url = await servers.serve(answer)
    first = await see(url)
    ignored = tuple(one["pointer"] for one in first["volatile"])
    assert set(ignored) == {"/a~1b/updated_at", "/rows/*/*/ts~0", "/rows/*/*/timestamp"}
    assert (await see(url, ignore=ignored))["volatile"] == []


async def test_a_server_that_ignores_its_own_validators_is_noticed(servers: Any, see: Preview):
    """It promises cheap polls and gives none."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response([1], headers={"ETag": '"v1"'})

    found = await see(await servers.serve(answer))
    assert (found["http"]["conditional"], codes(found)) == ("ignored", ["validators_ignored"])


@pytest.mark.parametrize(
    ("headers", "warned"),
    [
        ({"X-RateLimit-Remaining": "59", "X-RateLimit-Reset": str(int(NOW_S) + 3_600)}, ["quota"]),
        ({"X-RateLimit-Remaining": "5000", "X-RateLimit-Reset": str(int(NOW_S) + 3_600)}, []),
        ({"RateLimit-Remaining": "10", "RateLimit-Reset": "600"}, ["quota"]),
        ({"RateLimit-Remaining": "10", "RateLimit-Reset": "0"}, []),
        ({"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "soon"}, []),
        ({"Cache-Control": "public, max-age=300"}, ["fresh_longer"]),
        ({"Cache-Control": "public, max-age=300", "Age": "290"}, []),
        ({"Cache-Control": "s-maxage=300, max-age=5"}, []),
    ],
)
async def test_what_the_server_says_of_being_polled_is_held_against_the_interval(
    servers: Any, see: Preview, headers: dict[str, str], warned: list[str]
):
    """A quota that does not last is found before it is used up."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response([1], headers=headers)

    found = await see(await servers.serve(answer), interval_s=30)
    assert codes(found) == ["no_validators", *warned]


async def test_slow_large_and_costly_sources_are_named(servers: Any, see: Preview, time: Time):
    """What it will cost is known before it is paid."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(["x" * 1_000] * 200)

    time.takes_s = 3
    found = await see(await servers.serve(answer), interval_s=1)
    assert codes(found) == ["no_validators", "slow", "large", "traffic"]


async def test_a_source_that_took_long_is_asked_once(servers: Any, see: Preview, time: Time):
    """The API would have given up before the second answer."""
    hits = 0

    async def answer(_: web.BaseRequest) -> web.Response:
        nonlocal hits
        hits += 1
        return web.json_response([1], headers={"ETag": '"v1"'})

    time.takes_s = 15
    found = await see(await servers.serve(answer))
    assert (hits, found["timing"]["secondMs"], found["http"]["conditional"]) == (1, None, "unknown")


async def test_a_second_answer_that_fails_is_a_warning(servers: Any, see: Preview):
    """The first may have been luck."""
    hits = 0

    async def answer(_: web.BaseRequest) -> web.Response:
        nonlocal hits
        hits += 1
        return web.json_response([1]) if hits == 1 else web.Response(status=429)

    found = await see(await servers.serve(answer))
    assert (found["ok"], codes(found)) == (True, ["no_validators", "second_failed"])


async def test_a_redirect_is_told_without_its_query(servers: Any, see: Preview):
    """The query of a place that somebody else named may hold somebody else's key."""

    async def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/":
            raise web.HTTPFound("/b?token=theirs")
        return web.json_response([1])

    url = await servers.serve(answer)
    found = await see(url)
    assert (found["http"]["url"], codes(found)) == (str(url / "b"), ["no_validators", "redirected"])
    assert "theirs" not in json.dumps(found)


@pytest.mark.parametrize("scheme", ["header", "query", "bearer", "basic"])
async def test_a_server_that_repeats_the_request_does_not_show_the_key(servers: Any, see: Preview, scheme: Any):
    """Whoever may name a secret of the origin must not be able to read it, in any form, from there."""
    counted = itertools.count()

    async def answer(request: web.BaseRequest) -> web.Response:
        heard = {name: request.headers.get(name, "") for name in ("X-API-Key", "Authorization")}
        twice = f"{'x' * 195}{KEY}"  # cut for showing in the midst of the key
        body = {"you": heard, "q": dict(request.query), "url": request.path_qs, KEY: {KEY: twice}, twice: next(counted)}
        return web.json_response([body], headers={"X": KEY})

    found = await see(await servers.serve(answer), key=KEY, auth=Auth(scheme=scheme))
    text = json.dumps(found)
    assert found["ok"]
    assert HIDDEN in text
    assert not [form for form in Hidden.of(KEY).forms if form in text]
    assert KEY[:4] not in text.replace(HIDDEN, "")
    assert [one["count"] for one in found["volatile"]] == [1]  # its pointer names the member
    assert "unencrypted_key" in codes(found)


@pytest.mark.parametrize("key", ["k", "o", "200", "json", "1"])
async def test_a_key_like_a_word_of_ours_hides_none_of_ours(servers: Any, see: Preview, key: str):
    """Short keys are somebody's mistake, but names, codes and counts of an answer are not what the server repeats."""
    plain = await see(await servers.serve(lambda _: _said("nothing")))
    found = await see(await servers.serve(lambda _: _said(f"you said {key}")), key=key)
    assert found.keys() == plain.keys()
    assert found["http"].keys() == plain["http"].keys()
    assert (found["ok"], found["http"]["status"], found["format"]) == (True, 200, "json")
    assert set(codes(found)) == {*codes(plain), "unencrypted_key"}
    assert found["document"]["rows"] == [f"y{'***' if key == 'o' else 'o'}u said ***"]


async def _said(text: str) -> web.Response:
    return web.json_response([text])


async def test_a_failure_shows_no_key_either(see: Preview, servers: Any):
    """Texts of failures name hosts; a host may be spelled like a key."""
    url = await servers.speak(lambda _: asyncio.sleep(0))
    await servers.close()
    assert "127.0.0.1" not in json.dumps(await see(url, key="127.0.0.1"))


@pytest.mark.parametrize(
    ("document", "at", "count"),
    [
        ([1, 2], "", 2), ({"a": 1}, "", 1), ("x", "", 1), (None, "", 1), ([], "", 0), ({"a": []}, "", 1),
        ({"a": [1], "b": {"c/d": [1, 2]}}, "/b/c~1d", 2), ({"a": {"b": {"c": {"d": [1, 2]}}}}, "", 1),
    ],
)  # fmt: skip
def test_rows_are_the_longest_list_not_deep_inside(document: Any, at: str, count: int):
    """JSON wraps its rows in an envelope, XML in two."""
    shown = excerpt(document, Hidden())
    assert (shown["at"], shown["count"]) == (at, count)


@pytest.mark.parametrize(
    "document",
    [
        [{"text": "y" * 100_000}] * 50,
        [{f"name {n}": "v" * 190 for n in range(500)}] * 50,
        [[[[[[[[1]]]]]]]],
        {"a" * 5_000: 1},
        [[list(range(1_000))] * 1_000] * 10,
    ],
)
def test_an_excerpt_is_small_whatever_it_is_of(document: Any):
    """It stands in one answer of an API and in one table of a page."""
    shown = excerpt(document, Hidden())
    assert shown["cut"]
    assert len(shown["rows"]) <= ROWS_MAX
    assert len(json.dumps(shown)) < 3 * CHARACTERS_MAX
