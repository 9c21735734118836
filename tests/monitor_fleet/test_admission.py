"""Who may be polled now. Pure, so the clock is a number."""

import random
from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_fleet.admission import LINGER_MAX_FACTOR, SLOW_AFTER_MS, Admission, HostCap

NOW_MS = 1_795_000_000_123


@dataclass(eq=False)
class Poll:
    """Wants in."""

    host: str
    slow: bool = False
    began_ms: int = 0


def an_admission(in_flight_max: int = 3, slow_max: int = 3, **cap: int) -> Admission[Poll]:
    """Give one with few places."""
    return Admission(in_flight_max=in_flight_max, slow_max=slow_max, cap=HostCap(**{"at_once_max": 2} | cap))


def test_a_host_at_its_cap_makes_only_its_own_sources_wait():
    """One host that hangs must not starve the others."""
    admission = an_admission()
    a, b, c = (Poll("slow") for _ in range(3))
    d, e = Poll("other"), Poll("third")
    assert [admission.enter(poll, NOW_MS) for poll in (a, b, c, d, e)] == [True, True, False, True, False]
    assert set(admission.turns_waiting()) == {c, e}
    assert admission.leave(d, NOW_MS, took_ms=1) == [e]  # slow is at its cap
    assert admission.leave(a, NOW_MS, took_ms=1) == [c]
    assert admission.leave(e, NOW_MS, took_ms=1) == []
    assert admission.in_flight == 2


def test_polls_that_hang_give_their_places_up():
    """They go on in the slow lane, and the hosts that hung wait there for each other from then on."""
    admission = an_admission(slow_max=1)
    hung = [Poll(f"hung-{number}") for number in range(3)]
    assert all(admission.enter(poll, NOW_MS) for poll in hung)
    healthy = [Poll(f"well-{number}") for number in range(3)]
    assert not any(admission.enter(poll, NOW_MS) for poll in healthy)
    let_in = [one for poll in hung for one in admission.linger(poll, NOW_MS)]
    assert let_in == healthy
    assert (admission.in_flight, admission.in_flight_slow) == (6, 3)
    assert admission.linger(hung[0], NOW_MS) == []  # once is enough
    for poll in healthy:
        admission.leave(poll, NOW_MS, took_ms=5)
    again = Poll("hung-0")
    assert not admission.enter(again, NOW_MS)  # though the fast lane is empty
    assert admission.enter(Poll("well-0"), NOW_MS)
    assert [admission.leave(poll, NOW_MS, took_ms=9_000) for poll in hung] == [[], [], [again]]
    admission.leave(again, NOW_MS, took_ms=SLOW_AFTER_MS - 1)
    back = Poll("hung-0")
    admission.enter(back, NOW_MS)
    assert not back.slow  # one quick answer


def test_even_what_lingers_is_bounded():
    """Each holds a socket: beyond the bound they keep their places, and the rest of the lane waits."""
    admission = an_admission(in_flight_max=1, slow_max=1)
    for number in range(LINGER_MAX_FACTOR + 5):
        poll = Poll(str(number))
        if admission.enter(poll, NOW_MS):
            admission.linger(poll, NOW_MS)
    assert admission.in_flight_slow == LINGER_MAX_FACTOR
    assert admission.in_flight == LINGER_MAX_FACTOR + 1


def test_polls_of_one_host_keep_their_distance():
    """A gap from one beginning to the next, whoever waits; other hosts do not notice."""
    admission = an_admission(in_flight_max=9, at_once_max=9, gap_ms=100)
    first, second, third = Poll("a"), Poll("a"), Poll("a")
    assert [admission.enter(poll, NOW_MS) for poll in (first, second, third, Poll("b"))] == [True, False, False, True]
    assert admission.next_ms() == NOW_MS + 100
    assert admission.wake(NOW_MS + 99) == []
    assert admission.wake(NOW_MS + 100) == [second]
    assert admission.leave(first, NOW_MS + 150, took_ms=1) == []
    assert admission.wake(NOW_MS + 200) == [third]


def test_a_worker_has_its_share_of_what_a_host_bears():
    """The caps are the fleet's: with a quarter of the shards a quarter of the requests, but never none."""
    cap = HostCap(at_once_max=8, gap_ms=10)
    assert cap.share(1) == cap
    assert cap.share(0.25) == HostCap(at_once_max=2, gap_ms=40)
    assert cap.share(1 / 1_024) == HostCap(at_once_max=1, gap_ms=10_240)


class Crowd:
    """Random arrivals, ends and lingering; checks the caps at each moment."""

    def __init__(self, chance: random.Random, gap_ms: int) -> None:
        self.admission = an_admission(in_flight_max=4, slow_max=2, gap_ms=gap_ms)
        self.inside: list[Poll] = []
        self._chance = chance
        self._gap_ms = gap_ms
        self._now_ms = NOW_MS
        self._began: dict[str, int] = {}

    def arrive(self) -> None:
        """One more wants in."""
        poll = Poll(self._chance.choice("abcdefgh"))
        self._let_in([poll] if self.admission.enter(poll, self._now_ms) else [])

    def go_on(self, *, ending: float = 0.6, lingering: float = 0.2) -> None:
        """Let time pass."""
        self._now_ms += 1 + self._chance.randrange(2)
        self._let_in(self.admission.wake(self._now_ms))
        if self.inside and self._chance.random() < ending:
            poll = self.inside.pop(self._chance.randrange(len(self.inside)))
            took_ms = self._chance.choice([1, SLOW_AFTER_MS])
            self._let_in(self.admission.leave(poll, self._now_ms, took_ms=took_ms))
        if self.inside and self._chance.random() < lingering:
            self._let_in(self.admission.linger(self._chance.choice(self.inside), self._now_ms))

    def _let_in(self, polls: list[Poll]) -> None:
        for poll in polls:
            assert self._now_ms - self._began.get(poll.host, 0) >= self._gap_ms
            self._began[poll.host] = self._now_ms
            self.inside.append(poll)
        assert len(self.inside) == self.admission.in_flight
        assert sum(not poll.slow for poll in self.inside) <= 4
        assert max(Counter(poll.host for poll in self.inside).values(), default=0) <= 2


@settings(deadline=None, max_examples=30)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_everybody_who_waits_comes_in(chance: random.Random, gap_ms: int):
    """Caps hold at each moment, and in the end nobody is left."""
    crowd = Crowd(chance, gap_ms)
    for _ in range(60):
        crowd.arrive()
        crowd.go_on()
    for _ in range(300):
        crowd.go_on(ending=1, lingering=0)
    assert (crowd.inside, list(crowd.admission.turns_waiting())) == ([], [])
