"""
The store as one process sees it: every request takes time, and may be lost, refused, answered late, or arrive twice.

A request that was sent is on its own: it lands even if its sender is dead by then. A read that does not ask to be
strong may be answered from what the table was a while ago.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from local.memory import Memory
from monitor_fleet.errors import Ambiguous, StoreError, Throttled
from monitor_fleet.store import Request, Store, in_our_words

#: The client's own time-out: whoever waits longer than it hears that nobody knows.
GIVE_UP_S = 3.0
LATE_MAX_S = 20.0

type Sent = Callable[[Callable[..., Any], Request], None]
type Landed = Callable[[float, Callable[..., Any], Request], Any]

READS = frozenset({"get_item", "query", "batch_get_item"})


@dataclass(kw_only=True)
class Network:
    """What the network does to requests: delays (s) and shares of what goes wrong; `away` means that nothing passes."""

    chance: Random
    delay_s: float = 0.01
    slow_share: float = 0.0
    lost_share: float = 0.0
    unanswered_share: float = 0.0
    twice_share: float = 0.0
    #: Of writes: lands long after its sender gave up.
    late_share: float = 0.0
    throttled_share: float = 0.0
    #: Nothing passes; `deaf`: reads pass, writes do not.
    away: bool = False
    deaf: bool = False
    #: Store calls so far.
    calls: int = 0

    def calm(self) -> None:
        """Let everything pass from now on."""
        self.slow_share = self.lost_share = self.unanswered_share = self.twice_share = self.late_share = 0.0
        self.throttled_share = 0.0
        self.away = self.deaf = False

    def takes_s(self) -> float:
        """Draw how long one way takes."""
        factor = 40 if self.chance.random() < self.slow_share else 1
        return self.delay_s * factor * self.chance.uniform(0.2, 1.8)

    def happens(self, share: float) -> bool:
        """Draw whether something of this share happens."""
        return share > 0 and self.chance.random() < share


class FarStore(Store):
    """The verbs over the network. `on_send` and `landed` (which is also told when it was sent) are for invariants."""

    def __init__(
        self, memory: Memory, network: Network, *, on_send: Sent, landed: Landed,
        awake: Callable[[], asyncio.Event],
    ) -> None:  # fmt: skip
        super().__init__(self._ask_far)
        self._memory = memory
        self._network = network
        self._on_send = on_send
        self._landed = landed
        self._awake = awake

    async def _ask_far(self, operation: str, request: Request) -> Any:
        call = getattr(self._memory, xform_name(operation))
        self._on_send(call, request)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._send(call, request, answer)
        gives_up = asyncio.get_running_loop().call_later(GIVE_UP_S, _give_up, answer)
        try:
            return await answer
        finally:
            gives_up.cancel()
            if not self._awake().is_set():
                await self._awake().wait()  # a process that is stopped hears nothing

    def _send(self, call: Callable[..., Any], request: Request, answer: asyncio.Future[Any]) -> None:
        network = self._network
        network.calls += 1
        land = partial(self._land, asyncio.get_running_loop().time(), call, request)
        is_deaf = network.deaf and call.__name__ not in READS
        if network.away or is_deaf or network.happens(network.lost_share):
            return
        if network.happens(network.throttled_share):
            self._answer(answer, Throttled("throttled"))
            return
        if call.__name__ not in READS and network.happens(network.late_share):  # a late read does nothing to anybody
            self._later(network.chance.uniform(1, LATE_MAX_S), partial(land, None))
            return
        back = None if network.happens(network.unanswered_share) else answer
        first_s = network.takes_s()
        if network.happens(network.twice_share):  # the client's first try was answered, but not heard
            self._later(first_s, partial(land, None))
            first_s += network.takes_s()
        self._later(first_s, partial(land, back))
        if network.happens(network.twice_share):  # a copy that took another way
            self._later(network.chance.uniform(0, LATE_MAX_S), partial(land, None))

    def _land(
        self, sent_s: float, call: Callable[..., Any], request: Request, answer: asyncio.Future[Any] | None
    ) -> None:
        try:
            result = self._landed(sent_s, call, request)
        except ClientError as error:
            self._answer(answer, in_our_words(error))
        else:
            self._answer(answer, result)

    def _answer(self, answer: asyncio.Future[Any] | None, result: Any) -> None:
        if answer is None:
            return

        def arrive() -> None:
            if answer.done():
                return
            if isinstance(result, StoreError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self._later(self._network.takes_s(), arrive)

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_s, act)


def _give_up(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(Ambiguous("no answer"))
