"""What to request of a source: its url and headers, its key where it belongs."""

from dataclasses import replace
from functools import lru_cache

from yarl import URL

from contracts.clock import SECOND_MS
from contracts.rules import sendable
from fetching.fetch import TOTAL_TIMEOUT_MAX_S, TOTAL_TIMEOUT_MIN_S, Ask, Grow
from fetching.keyed import with_key
from fetching.outcome import Validators
from monitor_fleet.keys import Key, KeyMissing
from monitor_fleet.watched import Target

#: Parsed urls that are kept: they are polled again and again, and parsing one costs a tenth of an unchanged poll.
URLS_KEPT = 4_096


def ask_for(target: Target, key: Key | None, validators: Validators | None, *, grow: Grow) -> Ask:
    """Say what to request; raises KeyMissing if the key must not or cannot be sent there."""
    headers = dict(target.headers)
    url = _parsed(target.url)
    if validators and validators.key_version != (key.version if key else ""):
        validators = None  # another key may see another document: a 304 would be about that one
    if key is not None:
        _check(key, target)
        url, headers = with_key(url, headers, key.value, target.auth)
        validators = _for(url, target, validators)
    return Ask(url=url, headers=headers, validators=validators, timeout_s=_timeout_s(target), grow=grow)


@lru_cache(maxsize=URLS_KEPT)
def _parsed(url: str) -> URL:
    return URL(url)


def _check(key: Key, target: Target) -> None:
    if key.origin != target.origin:
        raise KeyMissing(f"the key was registered for {key.origin} and is not sent to {target.origin}")
    if not sendable(key.value):
        raise KeyMissing("the key holds characters that cannot be sent: register it again")


def _for(url: URL, target: Target, validators: Validators | None) -> Validators | None:
    """Let validators of the source's url hold for it with its key in the query; they are kept without the key."""
    if validators is None or validators.url != target.url:
        return validators
    return replace(validators, url=str(url))


def without_key(ask: Ask, target: Target, validators: Validators, key: Key | None) -> Validators:
    """Undo `_for`: nothing that is kept holds a key, only which one it was."""
    url = target.url if validators.url == str(ask.url) else validators.url
    return replace(validators, url=url, key_version=key.version if key else "")


def _timeout_s(target: Target) -> float:
    """Give a source up to its own interval to answer, within bounds."""
    return min(TOTAL_TIMEOUT_MAX_S, max(TOTAL_TIMEOUT_MIN_S, target.interval_ms / SECOND_MS))
