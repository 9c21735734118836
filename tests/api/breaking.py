"""
A client that breaks at one call: before AWS saw it, or after, so that only the answer is lost.

Or that is overtaken before one call, by whatever somebody else does then.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ConnectionClosedError


class Calls:
    """Counts the calls of all clients that share it, and breaks one of them."""

    def __init__(
        self,
        *,
        breaks_at: int | None = None,
        lands: bool = False,
        for_good: bool = False,
        overtaken_at: int | None = None,
        by: Callable[[], object] = lambda: None,
    ) -> None:
        self.count = 0
        self._overtaken_at, self._by = overtaken_at, by
        self.names: list[str] = []
        self._breaks_at, self._lands, self._for_good = breaks_at, lands, for_good

    def client(self, real: Any) -> Any:
        """Wrap a client."""
        return _Client(real, self)

    def make(self, name: str, call: Callable[..., Any], request: dict[str, Any]) -> Any:
        """Make a call, or break it."""
        self.count += 1
        self.names.append(name)
        if self.count == self._overtaken_at:
            self._by()
        if self._breaks_at is None or self.count < self._breaks_at:
            return call(**request)
        if self.count > self._breaks_at and not self._for_good:
            return call(**request)
        if self._lands and self.count == self._breaks_at:
            call(**request)
        raise ConnectionClosedError(endpoint_url="https://aws.example.com")


class _Client:
    def __init__(self, real: Any, calls: Calls) -> None:
        self._real, self._calls = real, calls

    def __getattr__(self, name: str) -> Any:
        return lambda **request: self._calls.make(name, getattr(self._real, name), request)
