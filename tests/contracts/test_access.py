"""Tokens and tickets: made from chance, kept as hashes, compared in constant time."""

import random

from contracts.access import READ, WRITE, Right, new_token, put_ticket, token_id, token_matches, token_row

RIGHT = Right(principal="ops", scopes=frozenset({READ}), expires_ms=1_000)


def test_a_token_opens_only_its_own_row():
    """The id finds the row, the hash decides."""
    chance = random.Random(1)
    mine, other = new_token(chance), new_token(chance)
    row = token_row(mine, RIGHT, name="laptop", created_at="now")

    assert token_matches(mine, row)
    assert not token_matches(other, row)
    assert not token_matches(mine + "0", row)


def test_no_secret_is_kept():
    """Who reads the table learns nothing that opens a door."""
    token = new_token(random.Random(1))
    secret = token.rsplit("_", 1)[1]

    assert secret not in str(token_row(token, RIGHT, name="laptop", created_at="now"))
    assert "abc123" not in str(put_ticket("Access", "abc123", RIGHT, now_ms=0))


def test_what_is_not_a_token_names_no_row():
    """Strangers' strings must not become keys."""
    assert [token_id(text) for text in ("", "smf", "smf__x", "smf_x_", "Bearer x", "xyz_1_2")] == [None] * 6


def test_a_right_ends_when_it_says():
    """At the very millisecond."""
    assert RIGHT.allows(READ, 999)
    assert not RIGHT.allows(READ, 1_000)


def test_write_covers_read_and_read_does_not_cover_write():
    """A dashboard that may edit may also look."""
    writer = Right(principal="ops", scopes=frozenset({WRITE}))

    assert writer.allows(READ, 0)
    assert not Right(principal="ops", scopes=frozenset({READ})).allows(WRITE, 0)
