"""
What a registration would see: the source asked twice, as its first two polls would be, and nothing stored.

The second request is conditional, like a worker's: it shows whether the server's validators work and which fields
change by themselves. Both pass the same gate and the same limits as polls. No answer shows the key.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from yarl import URL

from contracts import steps
from contracts.rules import origin
from fetching import advice, document
from fetching.advice import Warned
from fetching.certificates import Certificates, step_of
from fetching.decode import TooLarge, Undecodable, decode
from fetching.document import Document, Reading
from fetching.excerpt import excerpt
from fetching.fetch import Ask
from fetching.hidden import Hidden
from fetching.outcome import Failed, NotModified, Outcome, Reply
from fetching.parse import format_of
from fetching.text import text_of
from fetching.volatile import Looks, Volatile, volatile

FIRST_TIMEOUT_S = 10.0
SECOND_TIMEOUT_S = 6.0
#: Long enough for a clock of whole seconds to move on.
PAUSE_S = 1.2
#: A source that took longer than this is not asked again: an API answers within 29 s.
SECOND_BEFORE_S = 14.0

MS = 1_000

type Fetch = Callable[[Ask], Awaitable[Outcome]]

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to preview. `ask` carries the key already; `key` is there to be hidden."""

    ask: Ask
    how: Reading
    interval_s: int
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class World:
    """
    What a preview needs from outside: `clock` in seconds that only grow, `now_s` since the epoch.

    `certificates` are those that `fetch` meets.
    """

    fetch: Fetch
    pause: Callable[[float], Awaitable[None]]
    clock: Callable[[], float]
    now_s: Callable[[], float]
    certificates: Certificates


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One answer, read."""

    outcome: Outcome
    took_s: float
    decoded: bytes = b""
    found: Document | Failed | None = None


async def preview(wanted: Wanted, world: World) -> dict[str, Any]:
    """Ask, and say what came: the body that the API answers with (docs/api.md)."""
    hidden, began_s = Hidden.of(wanted.key), world.clock()
    first = await _look(replace(wanted.ask, timeout_s=FIRST_TIMEOUT_S), wanted.how, world)
    found = first.outcome if isinstance(first.outcome, Failed) else first.found
    if not isinstance(first.outcome, Reply) or not isinstance(found, Document):
        assert isinstance(found, Failed)  # a 304 that nobody asked for is one too
        return _failure(first, found, hidden)
    second = None
    if world.clock() - began_s < SECOND_BEFORE_S:
        await world.pause(PAUSE_S)
        again = replace(wanted.ask, validators=first.outcome.validators, timeout_s=SECOND_TIMEOUT_S)
        second = await _look(again, wanted.how, world, last=found)
    return _success(wanted, world, hidden, first, second)


async def _look(ask: Ask, how: Reading, world: World, last: Document | None = None) -> _Seen:
    began_s = world.clock()
    outcome = await world.fetch(ask)
    took_s = world.clock() - began_s
    if not isinstance(outcome, Reply):
        return _Seen(outcome=outcome, took_s=took_s)
    try:
        decoded = decode(outcome.wire, outcome.coding)
    except (Undecodable, TooLarge) as error:
        return _Seen(outcome=outcome, took_s=took_s, found=document.undecodable(error))
    found = document.read(decoded, outcome.content_type, how, last.canonical if last else None)
    return _Seen(outcome=outcome, took_s=took_s, decoded=decoded, found=found)


def _failure(first: _Seen, failed: Failed, hidden: Hidden) -> dict[str, Any]:
    reply = first.outcome if isinstance(first.outcome, Reply) else None
    return {
        "ok": False, "reason": failed.reason.value, "why": hidden.text(failed.why),
        "http": _http(reply, None, hidden) if reply else {"status": failed.status} if failed.status else None,
        "timing": {"firstMs": round(first.took_s * MS), "secondMs": None},
        "format": None, "size": None, "document": None, "volatile": [], "suggested": {"ignore": []}, "warnings": [],
    }  # fmt: skip


def _success(wanted: Wanted, world: World, hidden: Hidden, first: _Seen, second: _Seen | None) -> dict[str, Any]:
    reply, found = first.outcome, first.found
    assert isinstance(reply, Reply)
    assert isinstance(found, Document)
    value = _decode(found.canonical)
    moved = _moved(value, found, second)
    warned = [*_ending(wanted, world, reply), *_warnings(wanted, world, first, second, moved)]
    return {
        "ok": True, "reason": None, "why": "",
        "http": _http(reply, _conditional(first, second), hidden),
        "timing": {"firstMs": round(first.took_s * MS), "secondMs": round(second.took_s * MS) if second else None},
        "format": format_of(text_of(first.decoded, reply.content_type), wanted.how.format),
        "size": {"wire": len(reply.wire), "decoded": len(first.decoded), "document": len(found.canonical)},
        "document": excerpt(value, hidden) | {"hash": found.hash},
        "volatile": [
            {"pointer": hidden.text(one.pointer), "looksLike": one.looks.value, "count": one.count} for one in moved
        ],
        "suggested": {"ignore": [hidden.text(one.pointer) for one in moved if one.looks is not Looks.VALUE]},
        "warnings": [{"code": one.code, "message": hidden.text(one.message)} for one in warned],
    }  # fmt: skip


def _http(reply: Reply, conditional: str | None, hidden: Hidden) -> dict[str, Any]:
    return {
        "status": reply.status, "url": hidden.text(_shown_url(reply)),
        "contentType": hidden.text(reply.content_type)[:200],
        "encoding": hidden.text(reply.coding)[:40], "etag": "ETag" in reply.headers,
        "lastModified": "Last-Modified" in reply.headers, "conditional": conditional,
    }  # fmt: skip


def _shown_url(reply: Reply) -> str:
    """Name who answered; a query may hold keys, and a redirect may put one there that nobody here knows."""
    return str(URL(reply.validators.url).with_query(None))


def _conditional(first: _Seen, second: _Seen | None) -> str:
    """Say whether asking `has it changed?` works: `works`, `ignored`, `none` (no validators) or `unknown`."""
    assert isinstance(first.outcome, Reply)
    if not first.outcome.validators.are_any:
        # None that can be trusted yet, where it was modified a moment ago: then the second answer has some.
        later = second.outcome if second else None
        return "unknown" if isinstance(later, Reply) and later.validators.are_any else "none"
    if second and isinstance(second.outcome, NotModified):
        return "works"
    return "ignored" if second and second.found and second.decoded == first.decoded else "unknown"


def _ending(wanted: Wanted, world: World, reply: Reply) -> Iterator[Warned]:
    """Say whose certificate is about to end: of the place that was asked, and of the one that a redirect led to."""
    for place in dict.fromkeys(f"{url.host}:{url.port}" for url in (wanted.ask.url, URL(reply.validators.url))):
        days_left = world.certificates.days_left(place, world.now_s())
        if days_left is not None and step_of(days_left) is not None:
            yield advice.certificate_ends(place, days_left)


def _moved(value: Any, found: Document, second: _Seen | None) -> list[Volatile]:
    later = second.found if second else None
    if not isinstance(later, Document) or later.hash == found.hash:
        return []
    return volatile(value, steps.between(found.canonical, later.canonical))


def _warnings(
    wanted: Wanted, world: World, first: _Seen, second: _Seen | None, moved: Sequence[Volatile]
) -> Iterator[Warned]:
    reply, found, asked = first.outcome, first.found, wanted.ask.url
    assert isinstance(reply, Reply)
    assert isinstance(found, Document)
    conditional = _conditional(first, second)
    if conditional == "none":
        yield advice.no_validators()
    if conditional == "ignored":
        yield advice.validators_ignored()
    if moved:
        yield advice.changes_by_itself(len(moved), seconds=PAUSE_S)
    if reply.validators.url != str(asked):
        yield advice.redirected(_shown_url(reply), elsewhere=origin(reply.validators.url) != origin(asked))
    if wanted.key and asked.scheme == "http":
        yield advice.unencrypted_key()
    failed = second and (second.found if isinstance(second.outcome, Reply) else second.outcome)
    if isinstance(failed, Failed):
        yield advice.second_failed(failed.why)
    yield from advice.of_server(reply, interval_s=wanted.interval_s, now_s=world.now_s())
    yield from advice.of_cost(
        reply,
        took_s=first.took_s,
        document_bytes=len(found.canonical),
        interval_s=wanted.interval_s,
        conditional=conditional == "works",
    )
