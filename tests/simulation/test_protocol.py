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

#: Bugs that show soon, and among which seeds: where the protocol or the simulation changes, others may.
QUICK = {
    "claim-from-the-living": ("short", range(5)),
    "claim-ignores-the-epoch": ("restless", range(14, 18)),
    "commit-without-fence": ("short", range(20, 26)),
    "dead-hold-on": ("restless", range(6, 10)),
    "delete-on-release": ("restless", range(4)),
    "edit-leaves-the-fence": ("short", range(20, 26)),
    "epoch-not-bumped": ("short", range(5)),
    "eventual-roster-read": ("short", range(34, 40)),
    "fence-without-counter": ("long", range(3)),
    "hand-off-unconditional": ("restless", range(3)),
    "joining-grants-the-right": ("short", range(6, 10)),
    "lost-reply-is-a-lost-lease": ("short", range(8, 16)),
    "mark-dead-whatever-moved": ("restless", range(220, 223)),
    "no-brown-out-rules": ("restless", range(3)),
    "no-gap-rule": ("restless", range(3, 6)),
    "observer-impatient": ("short", range(6)),
    "old-rows-undo-moves": ("restless", range(237, 240)),
    "plain-load": ("long", range(3)),
    "release-starts-epochs-again": ("restless", range(4)),
    "renew-the-dead": ("short", range(12, 20)),
    "reread-after-a-doubtful-commit": ("long", range(4, 6)),
    "right-not-asked": ("short", range(5)),
    "right-outlasts-observer": ("short", range(5)),
    "validity-stamped-after-the-reply": ("restless", range(60, 64)),
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
