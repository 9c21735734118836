"""
The gate: every connection of every request passes it, at the socket.

A check before the request is not enough: names resolve anew (rebinding), redirects lead elsewhere, and aiohttp does
not ask a resolver about literal addresses. So the resolver refuses a name with any forbidden answer, and the socket
factory looks at each final address before there is a socket.
"""

import socket
import ssl

from aiohttp import TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from contracts.addresses import Policy
from fetching.certificates import Certificates
from fetching.connections import Connector
from fetching.gate import Gate

#: Below the 350 s after which a NAT gateway forgets a connection, above a poll each minute.
KEEPALIVE_S = 75
DNS_TTL_S = 60


class GuardedResolver(AbstractResolver):
    """Fails if any answer is forbidden: a name that mixes good and bad addresses is up to something."""

    def __init__(self, gate: Gate, inner: AbstractResolver) -> None:
        self._gate = gate
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name to addresses that may all be asked."""
        found = await self._inner.resolve(host, port, family)
        for answer in found:
            self._gate.check(answer["host"], port)
        return found

    async def close(self) -> None:
        """Close what resolves."""
        await self._inner.close()


def connector(
    policy: Policy,
    *,
    resolver: AbstractResolver | None = None,
    trust: ssl.SSLContext | None = None,
    certificates: Certificates | None = None,
) -> TCPConnector:
    """
    Make the one connector that requests to sources use; call it inside the loop.

    `trust` is the system's if None; when the certificates that it meets end is noted in `certificates`.
    """
    gate = Gate(policy=policy)
    return Connector(
        certificates=certificates or Certificates(),
        resolver=GuardedResolver(gate, resolver or ThreadedResolver()),
        socket_factory=gate.open,
        ssl=trust or True,
        limit=0,  # bounded by the worker's admission, which knows hosts and shards
        keepalive_timeout=KEEPALIVE_S,
        ttl_dns_cache=DNS_TTL_S,
    )
