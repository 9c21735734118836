"""What a person should know of a source before registering it, from how its server answered."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.clock import DAY_S
from fetching.certificates import warning
from fetching.outcome import Reply

#: A source that answers more slowly than this is said to be slow.
SLOW_S = 2.0
#: From here on every change costs its subscribers a download instead of a frame (docs/protocol.md).
LARGE_BYTES = 128 * 1_024
#: What a day of full answers may amount to before it is mentioned.
TRAFFIC_BYTES_PER_DAY = 1_000_000_000

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NUMBER = re.compile(r"\s*(\d{1,12})")
#: A reset above this is a moment since the epoch, below it a number of seconds from now.
_EPOCH_FROM = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Warned:
    """One thing to know: a code for programs, a sentence for a person."""

    code: str
    message: str


def of_server(reply: Reply, *, interval_s: int, now_s: float) -> Iterator[Warned]:
    """Say what the server's headers tell about polling it that often."""
    allowed = _allowance(reply.headers, now_s)
    if allowed and allowed[1] / interval_s > allowed[0]:
        left, window_s = allowed
        yield Warned(
            code="quota",
            message=f"the server allows {left} more requests in the next {window_s:.0f} s; every {interval_s} s is "
            f"{window_s / interval_s:.0f}",
        )
    fresh_s = _fresh_s(reply.headers)
    if fresh_s > interval_s:
        yield Warned(
            code="fresh_longer",
            message=f"the server calls an answer fresh for {fresh_s} s: every {interval_s} s may see nothing new",
        )


def of_cost(
    reply: Reply, *, took_s: float, document_bytes: int, interval_s: int, conditional: bool
) -> Iterator[Warned]:
    """Say what polling it costs."""
    if took_s > min(SLOW_S, interval_s):
        yield Warned(code="slow", message=f"it took {took_s:.1f} s to answer")
    yield from of_size(document_bytes)
    per_day = len(reply.wire) * DAY_S // interval_s
    if not conditional and per_day > TRAFFIC_BYTES_PER_DAY:
        yield Warned(
            code="traffic",
            message=f"every {interval_s} s in full is about {per_day / 1e9:.1f} GB a day: poll less often",
        )


def of_size(document_bytes: int) -> Iterator[Warned]:
    """Say what a large document means for who follows it."""
    if document_bytes > LARGE_BYTES:
        yield Warned(
            code="large",
            message=f"the document has {document_bytes} bytes: subscribers get patches, but a snapshot is a download; "
            "a selector makes it smaller",
        )


def certificate_ends(place: str, days_left: int) -> Warned:
    """Say that every poll will fail soon unless somebody acts."""
    return Warned(code="certificate", message=warning(place, days_left))


def no_validators() -> Warned:
    """Say that the server cannot be asked whether anything changed."""
    message = "the server gives neither ETag nor Last-Modified: every poll transfers the whole answer"
    return Warned(code="no_validators", message=message)


def validators_ignored() -> Warned:
    """Say that the server sends all of it again although nothing changed."""
    message = "the server gives an ETag or Last-Modified, but sends the same answer again when asked with it"
    return Warned(code="validators_ignored", message=message)


def changes_by_itself(places: int, *, seconds: float) -> Warned:
    """Say that something changed while nobody waited for it."""
    message = f"{places} places changed within {seconds:.0f} s: ignore what you do not watch, or every poll is a change"
    return Warned(code="volatile", message=message)


def redirected(url: str, *, elsewhere: bool) -> Warned:
    """Say that another url answered."""
    lost = "; another origin gets none of the source's headers and no key" if elsewhere else ""
    return Warned(code="redirected", message=f"answered after a redirect, by {url}: register that one{lost}")


def unencrypted_key() -> Warned:
    """Say that anybody between here and there reads the key."""
    return Warned(code="unencrypted_key", message="the key travels over http: anybody on the way can read it")


def second_failed(why: str) -> Warned:
    """Say that the first answer may have been luck."""
    return Warned(code="second_failed", message=f"asked again a moment later, it failed: {why}")


def _allowance(headers: Mapping[str, str], now_s: float) -> tuple[int, float] | None:
    """Read how many requests are left, and for how many seconds, as GitHub and the IETF drafts up to 07 say it."""
    for prefix in ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-"):
        left, reset = (_NUMBER.match(headers.get(prefix + name, "")) for name in ("Remaining", "Reset"))
        if left and reset:
            until = int(reset[1])
            window_s = until - now_s if until >= _EPOCH_FROM else float(until)
            return (int(left[1]), window_s) if window_s > 0 else None
    return None


def _fresh_s(headers: Mapping[str, str]) -> int:
    """Read for how long the answer is fresh (RFC 9111 4.2: max-age less Age)."""
    found, age = _MAX_AGE.search(headers.get("Cache-Control", "")), _NUMBER.match(headers.get("Age", ""))
    return max(0, int(found[1]) - (int(age[1]) if age else 0)) if found else 0
