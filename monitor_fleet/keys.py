"""
The API keys of sources, out of Secrets Manager: cached for a while, bound to an origin, never logged.

A key is sent to the origin that it was registered for and nowhere else, so that editing a url cannot carry it away.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from contracts.clock import SECOND_MS, NowMs
from monitor_fleet.errors import StoreError, StoreFailed
from monitor_fleet.store import ask

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

log = logging.getLogger(__name__)

AGE_MAX_MS = 300 * SECOND_MS
#: While Secrets Manager does not answer, a key is good for this long.
AGE_STALE_MAX_MS = 3_600 * SECOND_MS
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
    #: Of its secret: names the key without telling it. A new version with the same key is no other key.
    version: str = field(default="", compare=False)


class KeyRing(Protocol):
    """Where polls get keys."""

    async def get(self, secret_id: str) -> Key:
        """Give a key, read not long ago."""
        ...

    async def renew(self, secret_id: str, *, refused: Key) -> Key | None:
        """Give the key that there is instead of one that a server refused; None if there is no other."""
        ...


class Keys:
    """Reads secrets through a boto3 client and keeps them for `AGE_MAX_MS`."""

    def __init__(self, client: "SecretsManagerClient", threads: Executor, *, prefix: str, now_ms: NowMs) -> None:
        self._read: Callable[..., Any] = client.get_secret_value
        self._threads = threads
        self._prefix = prefix
        self._now_ms = now_ms
        self._cache: OrderedDict[str, tuple[int, Key]] = OrderedDict()
        self._reading: dict[str, asyncio.Task[Key]] = {}

    async def get(self, secret_id: str) -> Key:
        """Give a key; raises KeyMissing, or a StoreError if Secrets Manager does not answer."""
        read_at_ms, key = self._cache.get(secret_id, (0, None))
        age_ms = self._now_ms() - read_at_ms
        if key is not None and age_ms <= AGE_MAX_MS:
            return key
        try:
            return await self._read_anew(secret_id)
        except StoreError:
            if key is None or age_ms > AGE_STALE_MAX_MS:
                raise
            log.warning("key_not_read", extra={"secret": secret_id, "age_ms": age_ms})
            return key

    async def renew(self, secret_id: str, *, refused: Key) -> Key | None:
        """Read a key anew after a refusal, unless that was done just now; None if it is still the refused one."""
        read_at_ms, key = self._cache.get(secret_id, (0, None))
        if key == refused and self._now_ms() - read_at_ms >= AGE_MIN_MS:
            key = await self._read_anew(secret_id)
        return None if key == refused else key

    async def _read_anew(self, secret_id: str) -> Key:
        """Read a key; those who want it at the same time wait for one reading."""
        reading = self._reading.get(secret_id)
        if reading is None:
            reading = self._reading[secret_id] = asyncio.create_task(self._fetch(secret_id))
            reading.add_done_callback(lambda _: self._reading.pop(secret_id))
        key = await asyncio.shield(reading)
        self._cache[secret_id] = (self._now_ms(), key)
        self._cache.move_to_end(secret_id)
        while len(self._cache) > CACHED_MAX:
            self._cache.popitem(last=False)
        return key

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
        return _parse(answer["SecretString"], answer["VersionId"])


def _parse(secret: str, version: str) -> Key:
    try:
        fields = json.loads(secret)
        return Key(value=str(fields["apiKey"]), origin=str(fields["origin"]), version=version)
    except (KeyError, TypeError, ValueError):
        # The cause is left out on purpose: its text may hold the secret.
        raise KeyMissing("the key of this source cannot be read: register it again") from None
