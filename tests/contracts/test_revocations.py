"""Ending what a principal was given."""

from contracts.table import revocations
from contracts.table.revocations import LATE_MS, Revocation
from contracts.table.values import read_item


def test_a_revocation_ends_what_was_given_until_then_and_what_was_under_way():
    """A ticket drawn before it may be used for another minute; who comes later came with something else."""
    revocation = Revocation.read(revocations.revoke("connections", "ada", now_ms=1_000_000)["Item"])

    assert revocation == Revocation(principal="ada", at_ms=1_000_000)
    assert revocation.ends(999_999)
    assert revocation.ends(1_000_000 + LATE_MS)
    assert not revocation.ends(1_000_001 + LATE_MS)


def test_a_revocation_outlives_every_connection_that_it_ends():
    """Nobody who was in at that moment is still in when its row goes."""
    row = read_item(revocations.revoke("connections", "ada", now_ms=1_000_000)["Item"])

    assert row["ttl"] * 1_000 >= 1_000_000 + LATE_MS + 2 * 3_600_000
