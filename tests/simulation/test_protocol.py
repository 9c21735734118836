"""The real leases, catalog and committer in virtual time, in a network and a fleet that go wrong."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.invariants import Violated
from tests.simulation.planted import PLANTED, planted
from tests.simulation.schedule import simulate
from tests.simulation.virtual import run

SEEDS = 60
#: A planted bug must show within so many seeds; most show within five.
SEEDS_UNTIL_CAUGHT_MAX = 100


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep warnings out: a thousand planned troubles are no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_every_invariant_holds(first: int):
    """Whatever is killed, stopped, lost, late or doubled: nothing forbidden happens, and in calm all comes right."""
    for seed in range(first, first + 10):
        try:
            run(simulate(seed))
        except Violated as violated:
            pytest.fail(f"{violated}\nreplay: .venv/bin/python -m tests.simulation {seed}")


def test_a_seed_replays_exactly():
    """Else no failure could be looked into."""
    assert run(simulate(7)) == run(simulate(7))
    assert run(simulate(7)) != run(simulate(8))


@pytest.mark.parametrize("bug", sorted(PLANTED))
def test_a_planted_bug_is_caught(bug: str):
    """An invariant that never fails proves nothing."""
    with planted(bug):
        assert any(_is_caught(seed) for seed in range(SEEDS_UNTIL_CAUGHT_MAX))


def _is_caught(seed: int) -> bool:
    try:
        run(simulate(seed))
    except Violated:
        return True
    return False
