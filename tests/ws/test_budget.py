"""What posts may take of the account's quota, by any number of processes at once."""

import heapq
import random
from collections import Counter
from typing import Any

from contracts.table.values import read_item
from local.memory import NAMES, Memory
from tests.ws.service import NOW_MS
from ws.budget import BURST_S, FREE_POSTS_MAX, LARGE_SHARE, LEASE_POSTS_MAX, OWED_MAX, SHARE, Budget

QUOTA = 10_000
PER_S = int(QUOTA * SHARE)


class Counting(Memory):
    """Counts writes."""

    writes = 0

    def update_item(self, **request: Any) -> Any:
        """Update an item."""
        self.writes += 1
        return super().update_item(**request)


class Clock:
    """Virtual time of one process."""

    def __init__(self, at_ms: float = NOW_MS) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        """Tell the time."""
        return int(self.at_ms)

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.at_ms += seconds * 1_000


def budget(memory: Memory, clock: Clock, quota: int = QUOTA) -> Budget:
    """Make one process's view."""
    client: Any = memory
    return Budget(dynamodb=client, table=NAMES.budget, quota_per_s=quota, now_ms=clock.now_ms, sleep=clock.sleep)


def used(memory: Memory) -> Counter[str]:
    """Say how much of each second is given out."""
    found = map(read_item, memory.scan(TableName=NAMES.budget)["Items"])
    return Counter({item["id"]: item["used"] for item in found})


def run(memory: Memory, *, processes: int, posts: int, quota: int = QUOTA) -> list[tuple[float, int]]:
    """Let processes post that number each, as fast as they may; gives when how many went out (virtual time)."""
    clocks = [Clock(NOW_MS + random.Random(7).random() * 20) for _ in range(processes)]
    budgets = [budget(memory, clock, quota) for clock in clocks]
    left, sent = [posts] * processes, list[tuple[float, int]]()
    turns = [(clock.at_ms, i) for i, clock in enumerate(clocks)]
    heapq.heapify(turns)
    while turns:
        _, i = heapq.heappop(turns)
        lease = min(left[i], budgets[i].lease_max)
        assert budgets[i].wait(lease, large=True, patience_ms=60_000)
        sent.append((clocks[i].at_ms, lease))
        left[i] -= lease
        clocks[i].at_ms += lease / 5  # some 5,000 posts a second each
        if left[i]:
            heapq.heappush(turns, (clocks[i].at_ms, i))
    return sent


def test_forty_processes_use_nearly_all_of_the_budget_and_never_more():
    """100,000 subscribers at the default quota: at least 92 % of it, so at most 13 s."""
    memory = Memory()

    sent = run(memory, processes=40, posts=2_500)

    seconds = used(memory)
    whole = sorted(seconds)[:-1]
    assert all(taken <= PER_S * LARGE_SHARE for taken in seconds.values())
    assert sum(seconds[each] for each in whole) / len(whole) >= 0.92 * PER_S
    assert max(at for at, _ in sent) - NOW_MS <= 13_000


def test_what_goes_out_never_exceeds_what_the_gateways_own_bucket_holds():
    """It holds half a second's quota: whoever takes a lease waits for its place in the second."""
    sent = sorted(run(Memory(), processes=40, posts=2_500))

    held, before = QUOTA / 2, float(NOW_MS)
    for at, posts in sent:
        held = min(QUOTA / 2, held + (at - before) * QUOTA / 1_000) - posts
        before = at
        assert held >= 1_000, "nothing would be left for the HTTP API"


def test_a_second_half_over_gives_only_what_is_left_of_it_and_a_little():
    """The part that nobody used is lost, or all of it would go out at once."""
    memory, clock = Memory(), Clock(NOW_MS + 900)
    asked = budget(memory, clock)

    while clock.now_ms() < NOW_MS + 1_000:
        asked.wait(LEASE_POSTS_MAX, large=False, patience_ms=60_000)

    first = used(memory)[f"posts#{NOW_MS // 1_000}"] - int(PER_S * (0.9 - BURST_S))
    assert first <= PER_S * (0.1 + BURST_S)


def test_small_audiences_find_room_where_large_ones_must_wait():
    """Nobody's five subscribers wait for somebody's hundred thousand."""
    memory, clock = Memory(), Clock()
    large = budget(memory, clock)
    while clock.now_ms() < NOW_MS + 1_000:
        large.wait(large.lease_max, large=True, patience_ms=60_000)
    clock.at_ms = float(NOW_MS + 500)

    small = budget(memory, clock)
    assert small.wait(100, large=False, patience_ms=60_000)
    assert clock.now_ms() < NOW_MS + 1_000


def test_who_cannot_wait_is_told_so():
    """The pass then saves its place: what an invocation waits for it pays for."""
    memory, clock = Memory(), Clock()
    asked = budget(memory, clock, quota=100)
    for _ in range(10):
        asked.wait(asked.lease_max, large=True, patience_ms=60_000)
    other_clock = Clock()

    assert not budget(memory, other_clock, quota=100).wait(50, large=True, patience_ms=3_000)
    assert other_clock.now_ms() == NOW_MS


def test_a_small_quota_makes_small_leases():
    """A lease that no second can hold would never be given."""
    sent = run(Memory(), processes=3, posts=100, quota=60)

    assert sum(posts for _, posts in sent) == 300


def test_few_posts_are_written_down_together():
    """A thousand changes a second to five subscribers each would else be a thousand writes a second to one row."""
    memory, clock = Counting(), Clock()
    asked = budget(memory, clock)

    for _ in range(1_000):
        asked.count(5)
    asked.count(5)
    clock.at_ms += 1_000
    asked.count(FREE_POSTS_MAX)

    assert sum(used(memory).values()) == 5_015
    assert memory.writes == 5_000 // OWED_MAX + 1
