"""Which addresses a request may go to: disguises are taken off first."""

from ipaddress import ip_address

import pytest

from contracts.addresses import Policy, read_networks, why_refused

PUBLIC = Policy()
LOCAL = Policy(allow_private=True, forbidden_ports=frozenset({4566}))

METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "::ffff:169.254.169.254", "::169.254.170.2",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:aa02", "2002:a9fe:a9fe::1", "fd00:ec2::254", "fe80::1", "0.0.0.0", "::",
    "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "2001:0:a9fe:a9fe::1",
    "169.254.169.253", "169.254.170.23", "fd00:ec2::23", "168.63.129.16", "::ffff:0:169.254.169.254",
    "2600:1f00::5efe:169.254.169.254", "2600:1f00::200:5efe:a9fe:aa02", "2001:0:1:1::5601:5601", "239.255.255.250",
    "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "::ffff:224.0.0.1", "ff05::1", "febf::1",
]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1",
    "fc00::1", "fec0::1", "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "198.18.0.1",
    "192.0.2.1", "3fff::1", "5f00::1", "192.88.99.1",
    "100.127.255.254", "fdff::1", "::ffff:0:10.0.0.1", "2600:1f00::5efe:10.0.0.1",
    "2002:a00:1::", "192.0.0.170", "100::1", "2001:db8::1", "203.0.113.9", "198.51.100.9",
]  # fmt: skip


@pytest.mark.parametrize("address", METADATA + PRIVATE)
def test_nothing_but_the_public_internet_is_requested(address: str):
    """A source is a stranger's url: it must not reach what only this machine can."""
    assert why_refused(ip_address(address), 443, PUBLIC)


@pytest.mark.parametrize("address", METADATA)
def test_credentials_are_out_of_reach_even_on_the_local_stack(address: str):
    """169.254.170.2 hands out the task's role; no setting opens it."""
    assert why_refused(ip_address(address), 80, LOCAL)


@pytest.mark.parametrize("address", PRIVATE)
def test_the_local_stack_may_poll_private_addresses(address: str):
    """Feeds of a laptop live on loopback."""
    assert why_refused(ip_address(address), 8000, LOCAL) is None


def test_the_local_stacks_own_ports_stay_closed():
    """A source must not talk to the emulator that holds everybody's keys."""
    assert why_refused(ip_address("127.0.0.1"), 4566, LOCAL)
    assert why_refused(ip_address("::ffff:127.0.0.1"), 4566, LOCAL)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "2002:0101:0101::1", "64:ff9b::101:101"])
def test_public_addresses_are_open(address: str):
    """The predicate refuses what it must, not more."""
    assert why_refused(ip_address(address), 443, PUBLIC) is None


def test_a_deployments_own_network_is_refused():
    """The VPC's ranges may be public-looking; they are given by configuration."""
    policy = Policy(forbidden_networks=read_networks("10.1.0.0/16, 54.0.0.0/8,"))

    assert why_refused(ip_address("54.1.2.3"), 443, policy)
    assert why_refused(ip_address("55.1.2.3"), 443, policy) is None


def test_a_range_that_is_none_stops_the_start():
    """A mistyped range would leave a hole that nobody sees."""
    with pytest.raises(ValueError, match=r"10\.0"):
        read_networks("10.0")
