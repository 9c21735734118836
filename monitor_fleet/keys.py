"""
The API keys of sources, out of Secrets Manager: cached for a while, bound to an origin, never logged.

A key is sent to the origin that it was registered for and nowhere else, so that editing a url cannot carry it away.
"""

import json
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from contracts.clock import SECOND_MS, NowMs
from monitor_fleet.errors import StoreFailed
from monitor_fleet.store import ask

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

AGE_MAX_MS = 300 * SECOND_MS
#: A key that was just read is not read again for a 401: the answer would be the same.
AGE_MIN_MS = 10 * SECOND_MS
CACHED_MAX = 10_000
_GONE = frozenset({"InvalidRequestException", "ResourceNotFoundException"})


class KeyMissing(Exception):
    """There is no such key any more, or it is not one of ours: somebody has to register it again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key and the only origin it may be sent to."""

    value: str = field(repr=False)
    origin: str


class KeyRing(Protocol):
    """Where polls get keys."""

    async def get(self, secret_id: str) -> Key:
        """Give a key, read not long ago."""
        ...

    def forget(self, secret_id: str) -> bool:
        """Have a key read again; False if that was just done."""
        ...


class Keys:
    """Reads secrets through a boto3 client and keeps them for `AGE_MAX_MS`."""

    def __init__(self, client: "SecretsManagerClient", threads: Executor, *, prefix: str, now_ms: NowMs) -> None:
        self._read: Callable[..., Any] = client.get_secret_value
        self._threads = threads
        self._prefix = prefix
        self._now_ms = now_ms
        self._cache: OrderedDict[str, tuple[int, Key]] = OrderedDict()

    async def get(self, secret_id: str) -> Key:
        """Give a key; raises KeyMissing, or a StoreError if Secrets Manager does not answer."""
        read_at_ms, key = self._cache.get(secret_id, (0, None))
        if key is None or self._now_ms() - read_at_ms > AGE_MAX_MS:
            key = await self._fetch(secret_id)
            self._cache[secret_id] = (self._now_ms(), key)
            self._cache.move_to_end(secret_id)
            while len(self._cache) > CACHED_MAX:
                self._cache.popitem(last=False)
        return key

    def forget(self, secret_id: str) -> bool:
        """Drop a key that was refused, unless it was read just now."""
        read_at_ms, _ = self._cache.get(secret_id, (0, None))
        if self._now_ms() - read_at_ms < AGE_MIN_MS:
            return False
        return self._cache.pop(secret_id, None) is not None

    async def _fetch(self, secret_id: str) -> Key:
        if not secret_id.startswith(self._prefix):
            raise KeyMissing("the key of this source is not one of this deployment's")
        try:
            answer = await ask(self._threads, self._read, {"SecretId": secret_id})
        except StoreFailed as error:
            response = getattr(error.__cause__, "response", {})
            if response.get("Error", {}).get("Code") in _GONE:
                raise KeyMissing("the key of this source was deleted: register it again") from error
            raise
        return _parse(answer["SecretString"])


def _parse(secret: str) -> Key:
    try:
        fields = json.loads(secret)
        return Key(value=str(fields["apiKey"]), origin=str(fields["origin"]))
    except (KeyError, TypeError, ValueError):
        # The cause is left out on purpose: its text may hold the secret.
        raise KeyMissing("the key of this source cannot be read: register it again") from None
