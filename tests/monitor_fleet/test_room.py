"""Room for large answers, in virtual time: who waits, who never does, and that somebody always goes on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetching.fetch import ReadAgain
from monitor_fleet.room import GIVES_BACK_AFTER_S, LOG_EVERY_S, SMALL_BYTES_MAX, Claim, Room, weight
from tests.simulation.virtual import Deadlock, run

MIB = 1_024 * 1_024


class Answers:
    """Answers that grow in steps, each after a while; what became of each stands in `ended`."""

    def __init__(self, *, mib: int) -> None:
        self.room = Room(bytes_max=mib * MIB)
        self.ended: list[str] = []
        self.most = 0

    def begin(self, name: str, *mib: float, step_s: float = 1.0, fails: bool = False) -> asyncio.Task[None]:
        """Begin to read an answer that is so large after each step."""
        return asyncio.get_running_loop().create_task(self._read(name, mib, step_s, fails=fails))

    async def _read(self, name: str, mib: tuple[float, ...], step_s: float, *, fails: bool) -> None:
        with self.room.claim() as claim:
            for size in mib:
                await claim.grow(int(size * MIB))
                self.most = max(self.most, self.room.taken_bytes)
                await asyncio.sleep(step_s)
            if fails:
                raise ConnectionError(name)
        self.ended.append(name)


def in_virtual_time(story: Callable[[], Awaitable[Any]]) -> Any:
    """Run a story on a loop that fails when everybody waits."""

    async def tell() -> Any:
        return await story()

    return run(tell())


def test_small_answers_never_wait():
    """Most are small, and none of them may be late because others are not."""

    async def story() -> None:
        answers = Answers(mib=10)
        hog = answers.begin("hog", 10, step_s=3_600)
        waiting = answers.begin("waits", 1)
        await asyncio.sleep(1)
        with answers.room.claim() as small:
            assert await small.grow(SMALL_BYTES_MAX) is False
            small.settle(SMALL_BYTES_MAX)
            assert answers.room.taken_bytes == 10 * MIB  # and they take none either
        assert asyncio.get_running_loop().time() == 1
        await asyncio.gather(hog, waiting)

    in_virtual_time(story)


def test_a_large_answer_waits_until_there_is_room():
    """It is neither refused nor lost: it comes when another one has ended."""

    async def story() -> None:
        answers = Answers(mib=10)
        await asyncio.gather(answers.begin("first", 8, step_s=5), answers.begin("second", 8))
        assert answers.ended == ["first", "second"]
        assert (answers.most, answers.room.waits, answers.room.taken_bytes) == (8 * MIB, 1, 0)

    in_virtual_time(story)


def test_two_half_read_answers_do_not_wait_for_each_other():
    """Neither could end, both hold what the other needs: who began to take first goes on all the same."""

    async def story() -> None:
        answers = Answers(mib=10)
        await asyncio.gather(answers.begin("older", 5, 10), answers.begin("younger", 5, 10))
        assert answers.ended == ["older", "younger"]
        assert answers.most == 15 * MIB  # the bound, and what one answer takes

    in_virtual_time(story)


def test_without_the_eldest_going_on_they_would_wait_for_ever(monkeypatch: pytest.MonkeyPatch):
    """The loop of these tests does find a deadlock: this is what the rule is there for."""

    async def story() -> None:
        answers = Answers(mib=10)
        await asyncio.gather(answers.begin("older", 5, 10), answers.begin("younger", 5, 10))

    def within_the_bound(room: Any, _: Claim, more: int) -> bool:
        return bool(room.taken_bytes + more <= 10 * MIB)

    monkeypatch.setattr(Room, "_may_grow", within_the_bound)
    with pytest.raises(Deadlock):
        in_virtual_time(story)


def test_an_answer_larger_than_all_the_room_comes_alone():
    """A bound that nobody could keep would be an answer that never comes."""

    async def story() -> None:
        answers = Answers(mib=4)
        await asyncio.gather(answers.begin("whale", 1, 9), answers.begin("other", 4))
        assert answers.ended == ["whale", "other"]

    in_virtual_time(story)


def test_who_has_room_already_goes_before_who_has_none():
    """What is half read can give its room back soon; what has not begun only takes more."""

    async def story() -> None:
        answers = Answers(mib=10)
        reads = [answers.begin("eldest", 4, 4, step_s=2), answers.begin("half", 3, 7, step_s=1.5)]
        await asyncio.sleep(1)
        reads += [answers.begin("new", 4), answers.begin("newer", 1)]
        await asyncio.gather(*reads)
        # `newer` would have fitted at once: but where small ones pass, a larger one might wait for long.
        assert answers.ended == ["eldest", "half", "new", "newer"]
        assert answers.room.waits == 3

    in_virtual_time(story)


@pytest.mark.parametrize("end", ["error", "time-out", "cancelled", "cancelled while it waits"])
def test_room_comes_back_however_a_poll_ends(end: str):
    """Room that is lost is lost until the worker's end."""

    async def story() -> None:
        answers = Answers(mib=10)
        first = answers.begin("first", 8, step_s=5, fails=end == "error")
        second, third = answers.begin("second", 8), answers.begin("third", 8)
        await asyncio.sleep(1)
        if end == "time-out":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(first, 1)
        elif end == "cancelled":
            first.cancel()
        elif end == "cancelled while it waits":
            second.cancel()
        await asyncio.gather(first, second, third, return_exceptions=True)
        gone = "second" if end == "cancelled while it waits" else "first"
        assert answers.ended == [name for name in ("first", "second", "third") if name != gone]
        assert answers.room.taken_bytes == 0

    in_virtual_time(story)


def test_what_turns_out_smaller_lets_others_go_on_at_once():
    """An answer that may unpack to ten times its size mostly does not."""

    async def story() -> None:
        room = Room(bytes_max=10 * MIB)
        with room.claim() as guessed, room.claim() as other:
            await guessed.grow(10 * MIB)
            waiting = asyncio.create_task(other.grow(5 * MIB))
            await asyncio.sleep(1)
            assert not waiting.done()
            guessed.settle(1 * MIB)
            assert await waiting is True
            assert (room.taken_bytes, other.waited_s) == (6 * MIB, 1.0)

    in_virtual_time(story)


def test_what_turns_out_larger_is_counted_too():
    """It is there, so it cannot wait; whoever comes next does."""

    async def story() -> None:
        room = Room(bytes_max=10 * MIB)
        with room.claim() as small, room.claim() as other:
            await small.grow(SMALL_BYTES_MAX)
            small.settle(9 * MIB)
            assert room.taken_bytes == 9 * MIB
            waiting = asyncio.create_task(other.grow(5 * MIB))
            await asyncio.sleep(1)
            assert not waiting.done()
            waiting.cancel()

    in_virtual_time(story)


def test_who_waits_for_long_half_read_gives_back_what_it_has_and_begins_anew():
    """Its bytes are of no use to anybody while it cannot go on, and whoever is new may be quicker."""

    async def story() -> None:
        room, loop = Room(bytes_max=10 * MIB), asyncio.get_running_loop()
        with room.claim() as eldest, room.claim() as half, room.claim() as new:
            await eldest.read_on(5 * MIB)
            await half.read_on(5 * MIB)
            reading = asyncio.create_task(half.read_on(6 * MIB))
            quick = asyncio.create_task(new.read_on(3 * MIB))
            with pytest.raises(ReadAgain):
                await reading
            assert await quick is True
            assert (loop.time(), room.taken_bytes) == (GIVES_BACK_AFTER_S, 8 * MIB)
            again = asyncio.create_task(half.read_on(6 * MIB))
            await asyncio.sleep(10 * GIVES_BACK_AFTER_S)
            assert not again.done()  # it has nothing to give back, so it waits
            room.end(eldest)
            assert await again is True

    in_virtual_time(story)


def test_answers_that_drip_do_not_go_on_one_after_the_other():
    """Were each to keep what it has while it waits, the last of a hundred would come after an hour."""

    async def drip(room: Room) -> None:
        with room.claim() as claim:
            read = wanted = 0
            while read < 10 * MIB:
                try:
                    await claim.read_on(wanted)
                    read += MIB // 4
                    wanted = max(read, SMALL_BYTES_MAX)
                    await claim.read_on(wanted)
                    await asyncio.sleep(0.7)
                except ReadAgain:
                    read = 0

    async def story() -> None:
        room, loop = Room(), asyncio.get_running_loop()
        dripping = [asyncio.create_task(drip(room)) for _ in range(100)]
        await asyncio.sleep(20)
        with room.claim() as quick:
            await quick.read_on(MIB)
        assert 0 < loop.time() - 20 < 40
        await asyncio.gather(*dripping)
        assert loop.time() < 600
        assert room.taken_bytes == 0

    in_virtual_time(story)


def test_waiting_is_said_at_once_and_then_now_and_then(caplog: pytest.LogCaptureFixture):
    """Polls that come late for want of room must not look like slow servers; nor fill the log."""

    async def story() -> None:
        answers = Answers(mib=10)
        step_s = LOG_EVERY_S / 4
        await asyncio.gather(*(answers.begin(f"{n}", 10, step_s=step_s) for n in range(3)))
        assert [line.getMessage() for line in caplog.records] == ["large_answers_wait"]
        await asyncio.sleep(LOG_EVERY_S)
        await asyncio.gather(*(answers.begin(f"{n}", 10, step_s=step_s) for n in range(2)))

    caplog.set_level(logging.WARNING)
    in_virtual_time(story)
    said = [(line.__dict__["waiting"], line.__dict__["waits"]) for line in caplog.records]
    assert said == [(1, 1), (1, 3)]


def test_a_poll_weighs_what_it_holds_at_once():
    """The answer as it came, the document before it, and the new one twice: itself and what is stored of it."""
    assert weight(answer=2, last=30, document=100) == 2 + 30 + 200


@st.composite
def _answer(draw: st.DrawFn) -> tuple[list[float], float, str]:
    sizes = sorted(draw(st.lists(st.floats(0.05, 12), min_size=1, max_size=5)))
    return sizes, draw(st.sampled_from([0.1, 1.0, 7.0])), draw(st.sampled_from(["ends", "fails", "is cut"]))


@settings(max_examples=300, deadline=None)
@given(st.lists(_answer(), min_size=2, max_size=20), st.integers(1, 30))
def test_whatever_comes_together_all_of_it_ends(coming: list[tuple[list[float], float, str]], mib: int):
    """No order of sizes, paces, failures and cancellations leaves anybody waiting, nor room taken."""

    async def story() -> None:
        answers = Answers(mib=mib)
        reads = []
        for number, (sizes, step_s, end) in enumerate(coming):
            reads.append(answers.begin(f"{number}", *sizes, step_s=step_s, fails=end == "fails"))
            if end == "is cut":
                asyncio.get_running_loop().call_later(number * 0.9, reads[-1].cancel)
            await asyncio.sleep(step_s / 3)
        await asyncio.gather(*reads, return_exceptions=True)
        assert all(f"{n}" in answers.ended for n, (*_, end) in enumerate(coming) if end == "ends")
        assert answers.room.taken_bytes == 0
        assert answers.most <= (mib + max(sizes[-1] for sizes, *_ in coming)) * MIB

    in_virtual_time(story)
