"""What the gate says of a final address: the one rule of every request that leaves, whatever sends it."""

import socket
from dataclasses import dataclass
from typing import Any

from contracts.addresses import PORTS_ALLOWED, Policy, literal, why_refused

#: As `getaddrinfo` gives it: family, kind, protocol, canonical name, address.
type Found = tuple[int, int, int, str, tuple[Any, ...]]


class Forbidden(OSError):
    """No request may go there. An OSError, because that is what a connector lets through as a cause."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Says of final addresses whether a request may go there."""

    policy: Policy

    def check(self, host: str, port: int) -> None:
        """Refuse a final address, given as text, and its port."""
        address = literal(host)
        if address is None:
            raise Forbidden(f"{host} is not an address")
        if not self.policy.allow_private and port not in PORTS_ALLOWED:
            raise Forbidden(f"port {port} is not requested here")
        why = why_refused(address, port, self.policy)
        if why:
            raise Forbidden(why)

    def open(self, found: Found) -> socket.socket:
        """Make the socket for one final address; the last moment at which it can be refused."""
        family, kind, protocol, _, address = found
        self.check(str(address[0]), int(address[1]))
        return socket.socket(family=family, type=kind, proto=protocol)
