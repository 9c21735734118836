"""The Lambda dies in the middle of a pass, or the gateway does not answer; the record comes again, as SQS does it."""

import time
from collections.abc import Sequence

import pytest

from contracts.steps import apply
from local.gateway.hub import HANGS
from tests.ws.far_end import far_end, poster
from tests.ws.service import SOURCE, Service
from ws.post import Letter, Outcome, Post, Tally

#: `stack/sockets.py` gives the Lambda so long; the stack's program is not imported here.
INVOCATION_S = 15
#: Small, or it would be a test of moto's speed; still more than are told without a place in the budget.
HANDFUL = 8
CLIENTS = 2 * HANDFUL + 3


class Killed(BaseException):
    """The process is gone: no handler of ours runs."""


class DyingPost:
    """Posts, and dies after so many letters."""

    def __init__(self, inner: Post, letters: int) -> None:
        self._inner, self._left = inner, letters

    def deliver(self, letters: Sequence[Letter], within_s: float) -> list[Outcome]:
        """Deliver letter by letter, as far as it comes."""
        return [self._one(letter, within_s) for letter in letters]

    def close(self, connection_ids: Sequence[str], within_s: float) -> list[Outcome]:
        """Cut connections."""
        return self._inner.close(connection_ids, within_s)

    def tally(self) -> Tally:
        """Say what was posted."""
        return self._inner.tally()

    def _one(self, letter: Letter, within_s: float) -> Outcome:
        if not self._left:
            raise Killed
        self._left -= 1
        return self._inner.deliver([letter], within_s)[0]


@pytest.mark.parametrize("letters", [0, HANDFUL, HANDFUL + 1, CLIENTS])
def test_a_lambda_killed_in_a_pass_leaves_everyone_right(service: Service, letters: int):
    """The cursor moves at the end only, so the record that comes again serves all; a second copy is dropped."""
    service.world.budget.lease_max = HANDFUL
    service.register()
    service.consume(service.commit({"n": 0}))
    names = [service.subscriber(f"c{i:03d}") for i in range(CLIENTS)]
    held = dict.fromkeys(names, 1)
    documents = {name: {"n": 0} for name in names}
    message = service.commit({"n": 1})

    post = service.post
    service.with_world(post=DyingPost(post, letters))
    if letters < CLIENTS:
        with pytest.raises(Killed):
            service.consume(message)
    service.with_world(post=post)
    newer = service.commit({"n": 2})  # the source goes on meanwhile; its message waits behind the killed one
    assert service.consume(message, newer) == []
    service.drain()

    for name in names:
        for frame in post.take(name):
            assert frame["base"] <= held[name], "a gap"
            for version, step in frame["steps"]:
                if version > held[name]:
                    documents[name], held[name] = apply(step, documents[name]), version
    assert set(held.values()) == {3}
    assert all(document == {"n": 2} for document in documents.values())
    assert service.cursor()["version"] == 3


def test_a_connection_that_hangs_and_cannot_be_cut_holds_nobody(service: Service):
    """With the time-outs of production: its record is done within an invocation; the minute tries to cut it again."""
    service.register()
    for name in ("a", "b", "stuck"):
        service.subscriber(name)
    with far_end() as end, poster(end.gateway.post_url) as post:
        end.open("a", "b", "stuck")
        end.always("stuck", HANGS)
        end.always("stuck", HANGS, "DELETE")
        service.with_world(post=post)
        began = time.monotonic()
        first = service.consume(service.commit({"n": 1}))
        took_s = time.monotonic() - began
        second = service.consume(service.commit({"n": 2}))  # nobody waits for it any more
        still_stuck = service.sweep()["stuck"]
        end.hub.faults.clear()
        cut = service.sweep()["cut"]
        opened = end.opened()

    assert (first, second, still_stuck, cut) == ([], [], 1, 1)
    assert took_s < INVOCATION_S / 2
    assert [len(end.take(name)) for name in ("a", "b")] == [2, 2]
    assert opened == {"a", "b"}
    assert service.subscribers() == [(f"{SOURCE}#0", name) for name in ("a", "b")]
