"""
Which addresses a request to a source may go to.

Pure: the gate asks this of every address at the socket, registration asks it of literals. `is_global` is not
enough: it lets NAT64, IPv4-compatible and multicast forms through, so disguises are taken off and lists are our own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

#: Where the web is served.
PORTS_ALLOWED = frozenset({80, 443, 8080, 8443})


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


#: Never, not even on the local stack: these hand out credentials (EC2 and ECS metadata) or reach no one host.
NEVER = _networks(
    "169.254.0.0/16",  # link-local; 169.254.169.254 and ECS's 169.254.170.2
    "fe80::/10",
    "fd00:ec2::/32",  # EC2 metadata over IPv6
    "64:ff9b:1::/48",  # NAT64 of somebody's own (RFC 8215): where in it the IPv4 address stands is his choice
    "168.63.129.16/32",  # the platform's own address on Azure
    "0.0.0.0/8",
    "224.0.0.0/4",
    "ff00::/8",
    "240.0.0.0/4",
)

#: Not on the internet: allowed only where `allow_private` says so.
PRIVATE = _networks(
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "fc00::/7",
    "fec0::/10",
    "100::/64",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
)

#: Whose last 32 bits are an IPv4 address: NAT64, compatible (RFC 4291), translated (RFC 2765).
_LOW_IS_IPV4 = _networks("64:ff9b::/96", "::/96", "::ffff:0:0:0/96")
#: The second half of an ISATAP address (RFC 5214), before its IPv4 address.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
_UNSPECIFIED = IPv6Address("::")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What this deployment refuses beyond the lists above."""

    allow_private: bool = False
    forbidden_networks: Sequence[Network] = ()
    #: Refused on loopback and private addresses: the ports of the local stack itself.
    forbidden_ports: frozenset[int] = frozenset()


def why_refused(address: Address, port: int, policy: Policy) -> str | None:
    """Say why no request may go there; None if one may."""
    return next(filter(None, (_why_refused(form, port, policy) for form in disguises(address))), None)


def read_networks(text: str) -> tuple[Network, ...]:
    """Read ranges in CIDR form, separated by commas; ValueError names the first that is none."""
    return _networks(*(part.strip() for part in text.split(",") if part.strip()))


def disguises(address: Address) -> Iterator[Address]:
    """Give the address and every IPv4 address that it may stand for (mapped, compatible, 6to4, Teredo, NAT64 …)."""
    yield address
    if isinstance(address, IPv4Address) or address in (_UNSPECIFIED, IPv6Address("::1")):
        return
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    isatap = int(address) >> 32 & 0xFFFF_FFFF in _ISATAP
    if address.ipv4_mapped or isatap or any(address in network for network in _LOW_IS_IPV4):
        yield low
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo


def literal(host: str) -> Address | None:
    """Read a host that is an address; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _why_refused(address: Address, port: int, policy: Policy) -> str | None:
    if address == _UNSPECIFIED or any(address in network for network in NEVER):
        return f"{address} is a link-local, metadata, multicast or reserved address"
    if any(address in network for network in policy.forbidden_networks):
        return f"{address} belongs to this deployment's own network"
    if any(address in network for network in PRIVATE):
        if not policy.allow_private:
            return f"{address} is not on the public internet"
        if port in policy.forbidden_ports:
            return f"port {port} of {address} belongs to the local stack itself"
    return None
