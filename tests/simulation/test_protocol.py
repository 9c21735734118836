"""The real leases, catalog, committer and announcer in virtual time, in a network and a fleet that go wrong."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.invariants import Violated
from tests.simulation.planted import PLANTED
from tests.simulation.scale import SCALES, SHORT
from tests.simulation.schedule import simulate
from tests.simulation.soak import first_violation
from tests.simulation.virtual import run

#: (scale, first seed, how many): some seconds each, so that cores share them. `make soak` runs a million.
CHUNKS = [
    *(("short", first, 100) for first in range(0, 2_000, 100)),
    *(("long", first, 10) for first in range(0, 50, 10)),
    *(("restless", first, 25) for first in range(0, 100, 25)),
    ("wide", 0, 3),
]

#: Bugs that show soon, and among which seeds.
QUICK = {
    "claim-from-the-living": ("short", range(5)),
    "claim-ignores-the-epoch": ("restless", range(30)),
    "commit-without-fence": ("short", range(10)),
    "dead-hold-on": ("long", range(20)),
    "delete-on-release": ("short", range(20)),
    "edit-leaves-the-fence": ("short", range(10)),
    "epoch-not-bumped": ("short", range(5)),
    "eventual-roster-read": ("long", range(60)),
    "fence-without-counter": ("long", range(20)),
    "joining-grants-the-right": ("restless", range(30)),
    "lost-reply-is-a-lost-lease": ("wide", range(5, 8)),
    "no-brown-out-rules": ("restless", range(5)),
    "observer-impatient": ("short", range(80)),
    "plain-load": ("long", range(20)),
    "release-starts-epochs-again": ("short", range(20)),
    "renew-the-dead": ("long", range(10)),
    "right-not-asked": ("short", range(10)),
    "right-outlasts-observer": ("short", range(10)),
    "validity-stamped-after-the-reply": ("restless", range(30)),
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep warnings out: a thousand planned troubles are no news."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("scale", "first", "count"), CHUNKS)
def test_every_invariant_holds(scale: str, first: int, count: int):
    """Whatever is killed, stopped, lost, late or doubled: nothing forbidden happens, and in calm all comes right."""
    for seed in range(first, first + count):
        try:
            run(simulate(seed, SCALES[scale]))
        except Violated as violated:
            pytest.fail(f"{violated}\nreplay: .venv/bin/python -m tests.simulation {seed} --scale {scale}")


def test_a_seed_replays_exactly():
    """Else no failure could be looked into."""
    assert run(simulate(7, SHORT)) == run(simulate(7, SHORT))
    assert run(simulate(7, SHORT)) != run(simulate(8, SHORT))
    assert run(simulate(7)) == run(simulate(7))


@pytest.mark.parametrize("bug", sorted(QUICK))
def test_a_planted_bug_is_caught(bug: str):
    """An invariant that never fails proves nothing. The bugs that take longer to show are hunted by `make soak`."""
    scale, seeds = QUICK[bug]

    assert first_violation(scale, seeds, bug=bug)[0]


def test_every_bug_is_hunted():
    """At least twelve, and those hunted here are among those hunted there."""
    assert len(PLANTED) >= 12
    assert QUICK.keys() <= PLANTED.keys()
