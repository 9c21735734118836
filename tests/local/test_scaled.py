"""`make scale` says what happens, and when it is over."""

from collections import Counter
from collections.abc import Iterator

import pytest

from contracts.table.fleet import Move, Shard, Worker
from local.scale import NotRunningError
from local.scaled import LOOKS_MAX, QUIET_MS, Sight, follow

BEGAN_MS = 1_795_000_000_000


def sight(
    *owned: int, running: int | None = None, draining: int = 0, free: int = 0, quiet_ms: int = QUIET_MS, **moves: int
) -> Sight:
    """Make one; as many run as are up, unless it says otherwise."""
    runs = len(owned) if running is None else running
    return Sight(
        running=runs, up=len(owned), draining=draining, owned=owned, free=free, moves=Counter(moves), quiet_ms=quiet_ms
    )


def followed(*sights: Sight, count: int) -> None:
    """Follow a course of sights, the last of which stays; each look is a second after the one before."""
    looks: Iterator[Sight] = iter(sights)
    now = [0.0]

    def pause(_: float) -> None:
        now[0] += 1

    follow(lambda: next(looks, sights[-1]), count=count, elapsed_s=lambda: now[0], pause=pause)


def test_each_change_is_one_line_and_the_end_is_said(capsys: pytest.CaptureFixture[str]):
    """What an operator would else read off the dashboard and the logs."""
    followed(
        sight(64),
        sight(64, running=2),
        sight(64, running=2),
        sight(64, 0, running=2),
        sight(40, 24, quiet_ms=0, plan=24),
        sight(32, 32, quiet_ms=0, plan=32),
        sight(32, 32, plan=32),
        count=2,
    )

    assert capsys.readouterr().out.splitlines() == [
        "   0.0 s  1 run, 1 up; shards 64; moved none",
        "   1.0 s  2 run, 1 up; shards 64; moved none",
        "   3.0 s  2 run, 2 up; shards 64 0; moved none",
        "   4.0 s  2 run, 2 up; shards 40 24; moved 24 plan",
        "   5.0 s  2 run, 2 up; shards 32 32; moved 32 plan",
        "   6.0 s  done",
    ]


def test_what_is_not_over_after_a_while_is_an_error(capsys: pytest.CaptureFixture[str]):
    """A script that scales must not go on as if it had."""
    with pytest.raises(NotRunningError, match=f"not settled after {LOOKS_MAX} s: make logs"):
        followed(sight(40, 24), count=3)
    assert capsys.readouterr().out.count("\n") == 1


@pytest.mark.parametrize(
    ("seen", "count", "is_settled"),
    [
        (sight(22, 21, 21), 3, True),
        (sight(22, 21, 21, running=4), 3, False),
        (sight(22, 21, 21), 4, False),
        (sight(22, 21, 21, draining=1), 3, False),
        (sight(22, 21, 20, free=1), 3, False),
        (sight(40, 24, 0), 3, False),
        (sight(40, 12, 12), 3, True),
        (sight(22, 21, 21, quiet_ms=QUIET_MS - 1), 3, False),
        (sight(free=64), 0, True),
        (sight(free=64, draining=1), 0, False),
    ],
)
def test_it_is_over_when_the_count_is_met_and_everybody_has_shards(seen: Sight, count: int, is_settled: bool):
    """And none moves any more: how many each has follows from what they cost. Without workers nobody owns anything."""
    assert seen.is_settled(count) is is_settled


def test_shards_are_counted_by_their_own_rows_and_only_new_moves_are_told():
    """A worker's heartbeat lags behind; what moved before the count was changed is no news."""
    workers = [Worker(id="a"), Worker(id="b", state="DRAIN"), Worker(id="c", state="DEAD"), Worker(id="d")]
    rows = [
        Shard(number=0, owner="a", move=Move(at_ms=BEGAN_MS - 1, why="free", giver=None)),
        Shard(number=1, owner="a", move=Move(at_ms=BEGAN_MS, why="drain", giver="b")),
        Shard(number=2, owner="b"),
        Shard(number=3),
    ]

    assert Sight.of(3, workers, rows, since_ms=BEGAN_MS, now_ms=BEGAN_MS + 70) == Sight(
        running=3, up=2, draining=1, owned=(2, 0), free=1, moves=Counter(drain=1), quiet_ms=70
    )
