"""
A source's turns against real table semantics: what is committed, told and written, and what is refused.

Every test is a story of one source; owners are workers with memories of their own.
"""

import asyncio
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from contracts import steps
from contracts.clock import DAY_S
from contracts.messages import Kind
from contracts.source import State
from contracts.table import heads
from fetching.decode import RATIO_FROM_BYTES
from fetching.fetch import Ask
from fetching.outcome import Failed, Outcome, Reason, Reply, Validators
from monitor_fleet.commit import Committer
from monitor_fleet.errors import Ambiguous, StoreFailed, Throttled
from monitor_fleet.offload import TakesTooMuch
from monitor_fleet.poll import CONDITIONAL_FOR_MAX_MS
from monitor_fleet.room import Claim, Room
from tests.monitor_fleet.conftest import START_MS

CHANGE = "transact"


async def test_a_first_document_is_a_version_without_a_step(desk: Any):
    """There is nothing to patch yet; subscribers take a snapshot."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    head = desk.head()
    assert (head.version, head.notified, head.epoch, head.fence) == (1, 1, 1, 1)
    assert [change.step for change in desk.changes()] == [None]
    assert [(message.kind, message.version) for message in owner.sent] == [(Kind.CHANGE, 1), (Kind.STATUS, 1)]
    assert desk.source().status.state is State.HEALTHY


async def test_an_unchanged_poll_asks_aws_nothing(desk: Any):
    """At 833 polls a second every request would be a bill; each rung is tried."""
    owner, watched = desk.owner(), desk.watch()
    desk.web.etags = True
    await owner.poll(watched)
    owner.store.asked.clear()
    await owner.poll(watched)  # 304
    desk.web.etags = False
    await owner.poll(watched)  # the same bytes
    desk.web.body = b'{ "price": 1.0 }'
    await owner.poll(watched)  # the same document
    assert owner.store.asked == []
    assert owner.turns.counts == {"changed": 1, "304": 1, "wire_same": 1, "canonical_same": 1}


async def test_a_change_is_a_step_from_the_version_before(desk: Any):
    """Applied to what a subscriber has it gives what the source says now."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    desk.web.body = b'{"price":2,"at":"now"}'
    await owner.poll(watched)
    step = desk.changes()[1].step
    assert step is not None
    assert steps.apply(step, {"price": 1}) == {"price": 2, "at": "now"}
    assert desk.head().version == desk.head().notified == 2


async def test_a_new_owner_with_an_empty_memory_sees_no_change_where_there_is_none(desk: Any):
    """A restart compares with the stored hash; the old body is not even read."""
    await desk.owner().poll(desk.watch())
    owner, watched = desk.owner(), desk.watch(epoch=2)
    await owner.load(watched)
    owner.store.asked.clear()
    await owner.poll(watched)
    assert owner.store.asked == []
    assert desk.head().version == 1


async def test_a_new_owner_makes_the_step_from_the_stored_body(desk: Any):
    """What changed while nobody looked is a step like any other."""
    await desk.owner().poll(desk.watch())
    desk.web.body = b'{"price":9}'
    await desk.owner().poll(desk.watch(epoch=2))
    step = desk.changes()[1].step
    assert step is not None
    assert steps.apply(step, {"price": 1}) == {"price": 9}


async def test_stored_validators_are_sent_by_the_next_owner(desk: Any):
    """A fleet that restarts should cost its sources a 304 each."""
    desk.web.etags = True
    await desk.owner().poll(desk.watch())
    owner, watched = desk.owner(), desk.watch(epoch=2)
    await owner.poll(watched)
    assert owner.turns.counts == {"304": 1}


async def test_an_old_owners_late_commit_is_refused(desk: Any):
    """A paused worker wakes up with a document of its own; the newer owner's word stands."""
    old, late = desk.owner(), desk.watch(epoch=1)
    await old.poll(late)
    await desk.owner().poll(desk.watch(epoch=2))
    desk.web.body = b'{"price":7}'
    await old.poll(late)
    assert desk.head().version == 1
    assert late.head is None  # whatever it wants to write, it has to load first
    assert await old.poll(late) is None  # and that is refused too: the epoch is not its own any more
    assert desk.head().epoch == 2
    assert len(old.sent) == 2


async def test_a_commit_of_the_same_owner_from_before_a_load_is_refused(desk: Any):
    """The epoch alone does not tell an earlier try of one owner from its next: the fence does."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    stale = watched.head
    watched.head = None
    desk.web.body = b'{"price":2}'
    await owner.poll(watched)
    watched.head = stale
    desk.web.body = b'{"price":3}'
    await owner.poll(watched)
    assert desk.head().version == 2


@pytest.mark.parametrize("landed", [True, False])
async def test_after_an_ambiguous_commit_the_head_is_fenced_again(desk: Any, landed: bool):
    """Landed or not: the next load says which, and a late copy cannot land after it."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    desk.web.body = b'{"price":2}'
    owner.store.fail[CHANGE] = (Ambiguous("time-out"), landed)
    assert await owner.poll(watched) is not None  # tried again soon
    assert watched.head is None
    await owner.poll(watched)
    head = desk.head()
    assert (head.version, head.notified, head.fence) == (2, 2, 2)
    assert [message.version for message in owner.sent if message.kind is Kind.CHANGE] == [1, 2]
    assert json.loads(desk.client.get_item(**heads.get("SheetsData", head.ref.id))["Item"]["data"]["S"]) == {"price": 2}


@pytest.mark.parametrize("error", [Throttled("busy"), StoreFailed("no"), Ambiguous("?")])
@pytest.mark.parametrize("verb", ["put", "transact", "update", "get"])
async def test_our_own_trouble_is_tried_again_and_loses_nothing(desk: Any, verb: str, error: Exception):
    """The source is healthy, and after the trouble its newest state is known and told."""
    owner, watched = desk.owner(), desk.watch()
    owner.store.fail[verb] = (error, False)
    await owner.poll(watched)
    await owner.poll(watched)
    await owner.poll(watched)
    assert (desk.head().version, desk.head().notified) == (1, 1)
    assert desk.source().status.state is State.HEALTHY
    assert watched.failures == 0


@pytest.mark.parametrize(("interval_s", "longest_s"), [(1, 5), (30, 30), (86_400, 60)])
async def test_our_own_trouble_does_not_have_a_source_asked_far_more_often(
    desk: Any, interval_s: int, longest_s: float
):
    """An hour without the bucket is not the server's fault: each try takes its whole answer."""
    desk.register(pollingInterval=interval_s)
    owner, watched = desk.owner(), desk.watch()
    waits_ms = []
    for _ in range(12):
        owner.store.fail["put"] = (Throttled("busy"), False)
        waits_ms.append(await owner.poll(watched))
    assert waits_ms[0] <= 400
    assert 500 * longest_s <= waits_ms[-1] <= 1_000 * longest_s
    await owner.poll(watched)
    assert desk.head().version == 1


async def test_a_crash_between_commit_and_queue_is_healed_by_the_next_owner(desk: Any):
    """State first, queue second: what is committed and not told is told by whoever loads next."""
    owner = desk.owner()
    await owner.poll(desk.watch(), announce=False)
    assert (desk.head().version, desk.head().notified, owner.sent) == (1, 0, [])
    healer = desk.owner()
    await healer.load(desk.watch(epoch=2))
    assert [(message.kind, message.version) for message in healer.sent] == [(Kind.CHANGE, 1)]
    assert desk.head().notified == 1


async def test_a_crash_between_queue_and_notified_tells_twice(desk: Any):
    """A duplicate is harmless, a gap would not be."""
    owner = desk.owner()
    watched = desk.watch()
    await owner.load(watched)
    owner.store.fail["update"] = (Ambiguous("?"), False)
    await owner.poll(watched)
    assert [message.kind for message in owner.sent].count(Kind.CHANGE) >= 1
    assert desk.head().notified == 1


async def test_the_queue_is_asked_until_it_hears(desk: Any):
    """The living owner does not wait for a crash to heal what it owes."""
    owner, watched = desk.owner(), desk.watch()
    owner.publish_fails = 3
    await owner.poll(watched)
    assert desk.head().notified == 1
    assert len(owner.slept) == 3
    assert owner.slept[0] < owner.slept[2]


async def test_a_status_that_is_written_while_the_last_is_told_is_told_too(desk: Any):
    """Polls go on meanwhile, and whoever got the first message may have read the row before."""
    owner, watched = desk.owner(), desk.watch()
    inner = owner.turns.announcer.publish

    async def slow(message: Any) -> None:
        await inner(message)
        if message.kind is Kind.STATUS and watched.health.state is State.HEALTHY:
            desk.web.instead = [Failed(reason=Reason.NOT_FOUND, why="gone")]
            await owner.turns.take(watched, owner._spawn)

    object.__setattr__(owner.turns.announcer, "publish", slow)
    await owner.poll(watched)

    assert watched.health.state is State.FAILING
    assert [message.kind for message in owner.sent] == [Kind.CHANGE, Kind.STATUS, Kind.STATUS]


async def test_what_is_owed_is_told_when_the_right_is_back(desk: Any):
    """Not at the next poll: that may be a day away."""
    owner, watched = desk.owner(), desk.watch()
    owner.publish_fails = 1
    slept: list[float] = []

    async def lapse(seconds: float) -> None:
        slept.append(seconds)
        owner.may_act = len(slept) > 20

    object.__setattr__(owner.turns.announcer, "sleep", lapse)
    await owner.poll(watched)

    assert len(slept) == 21
    assert desk.head().notified == 1
    assert [message.kind for message in owner.sent] == [Kind.CHANGE, Kind.STATUS]


async def test_nothing_is_told_of_a_source_that_went_meanwhile(desk: Any):
    """Without the right it may be another's by now: then that one tells."""
    owner, watched = desk.owner(), desk.watch()

    async def lose(_: float) -> None:
        watched.current = False

    object.__setattr__(owner.turns.announcer, "sleep", lose)
    await owner.turns.take(watched, owner._spawn)
    owner.may_act = False
    await owner.settle()

    assert owner.sent == []


async def test_an_edit_during_a_poll_drops_what_was_fetched_by_old_rules(desk: Any):
    """The catalog ends the old watch; its result must not be committed as the new rules' document."""
    owner, watched = desk.owner(), desk.watch()
    await owner.load(watched)
    inner = desk.web.fetch

    async def edited_meanwhile(ask: Any) -> Any:
        watched.current = False
        return await inner(ask)

    object.__setattr__(owner.turns.poller, "fetch", edited_meanwhile)
    await owner.poll(watched)
    assert desk.head().version == 0


async def test_an_edit_that_this_worker_has_not_read_yet_stops_its_commits(desk: Any):
    """The edit bumps the fence; loading again finds another revision and goes no further."""
    owner, watched = desk.owner(), desk.watch()
    await owner.load(watched)
    desk.register(revision=2, selector="price")
    desk.client.update_item(**heads.fence("SheetsData", watched.target.id, epoch=1))
    await owner.poll(watched)
    await owner.poll(watched)
    assert desk.head().version == 0
    await desk.owner().poll(desk.watch())
    assert desk.head().version == 1


@pytest.mark.parametrize(
    "fields", [{"selector": "price"}, {"headers": {"X-View": "b"}}, {"url": "https://feed.example/other"}]
)
async def test_an_edit_asks_for_the_whole_answer(desk: Any, fields: dict[str, Any]):
    """Validators belong to the request that gave them: a 304 would hide what the new rules make of the same answer."""
    desk.web.etags = True
    owner = desk.owner()
    await owner.poll(desk.watch())
    desk.register(revision=2, **fields)
    desk.client.update_item(**heads.close_door("SheetsData", desk.source().id))
    await owner.poll(desk.watch())
    assert desk.web.asked[-1].validators is None
    assert desk.head().version == (2 if "selector" in fields else 1)


async def test_a_deleted_source_is_dropped_quietly(desk: Any):
    """Between deletion and its notice a poll ends: nothing may come back to life."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    desk.client.delete_item(**heads.delete("SheetsData", watched.target.id))
    desk.client.delete_item(TableName="DataSources", Key={"id": {"S": watched.target.id}})
    desk.web.body = b"[]"
    assert await owner.poll(watched) is None
    assert await owner.poll(watched) is None
    assert desk.head_item() is None
    assert "Item" not in desk.client.get_item(TableName="DataSources", Key={"id": {"S": watched.target.id}})


async def test_nothing_is_written_once_the_right_has_lapsed(desk: Any):
    """A worker that cannot renew may be robbed at any moment."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    owner.may_act = False
    owner.store.asked.clear()
    desk.web.body = b'{"price":2}'
    await owner.poll(watched)
    assert owner.store.asked == []
    assert desk.head().version == 1


async def test_a_missing_body_is_stored_again_without_a_new_version(desk: Any):
    """Its time to live passed while nobody polled: the document is asked for without conditions and put back."""
    desk.web.etags = True
    await desk.owner().poll(desk.watch())
    head = desk.head()
    desk.client.delete_item(**heads.delete("SheetsData", head.ref.id))
    desk.now[0] += 8 * 86_400_000
    owner, watched = desk.owner(), desk.watch(epoch=2)
    await owner.poll(watched)
    await owner.poll(watched)
    assert owner.turns.counts["canonical_same"] == 1
    assert "Item" in desk.client.get_item(**heads.get("SheetsData", head.ref.id))
    assert desk.head().version == 1
    assert desk.head().body_until_ms > desk.now[0]


async def test_a_body_is_renewed_before_it_expires(desk: Any):
    """A source that never changes must stay readable for ever."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    before_ms = desk.head().body_until_ms
    desk.now[0] += 6 * 86_400_000 + 3_600_000
    await owner.poll(watched)
    assert desk.head().body_until_ms == before_ms + 6 * 86_400_000 + 3_600_000
    assert desk.head().version == 1


async def test_a_change_whose_base_is_gone_is_a_version_without_a_step(desk: Any):
    """Readers take a snapshot then."""
    await desk.owner().poll(desk.watch())
    desk.client.delete_item(**heads.delete("SheetsData", desk.head().ref.id))
    desk.web.body = b'{"price":2}'
    await desk.owner().poll(desk.watch(epoch=2))
    assert [change.step for change in desk.changes()] == [None, None]


async def test_a_large_document_goes_to_the_bucket_and_comes_back(desk: Any):
    """An item holds 400 KB; the next owner's step begins with what the bucket holds."""
    noise = [f"{number * 2_654_435_761 % 2**32:08x}{number:x}" for number in range(60_000)]
    desk.web.body = json.dumps(noise).encode()
    await desk.owner().poll(desk.watch())
    assert desk.head().ref.encoding == "bucket"
    desk.web.body = json.dumps(["first", *noise[1:]]).encode()
    await desk.owner().poll(desk.watch(epoch=2))
    assert desk.changes()[1].step == [{"op": "replace", "path": "/0", "value": "first"}]


async def starved(*_: Any, **__: Any) -> Any:
    """Have no memory for any work."""
    raise TakesTooMuch("it takes more than 1 MiB of memory")


async def test_an_answer_that_takes_too_much_memory_is_its_sources_failure(desk: Any):
    """Whoever registered it is told; tried again and again as a trouble of ours it would show nowhere."""
    desk.web.body = b"[" + b"1," * 100_000 + b"1]"
    owner, watched = desk.owner(), desk.watch()
    owner.turns = replace(owner.turns, poller=replace(owner.turns.poller, offload=starved))
    for _ in range(2):
        await owner.poll(watched)
    status = desk.source().status
    assert status.state is State.FAILING
    assert "1 MiB of memory" in status.why


@pytest.mark.parametrize(("times", "is_elsewhere"), [(1, False), (50, True)])
async def test_a_small_answer_that_its_selector_repeats_often_is_read_elsewhere(
    desk: Any, times: int, is_elsewhere: bool
):
    """The loop would wait for all that is made of it, and not for what came."""
    away: list[object] = []

    async def elsewhere(work: Any, *arguments: Any) -> Any:
        away.append(work)
        return work(*arguments)

    desk.register(selector="[" + ",".join(["@"] * times) + "]")
    desk.web.body = b"[" + b"1," * 5_000 + b"1]"
    owner = desk.owner()
    owner.turns = replace(owner.turns, poller=replace(owner.turns.poller, offload=elsewhere))
    await owner.poll(desk.watch())
    assert desk.head().version == 1
    assert bool(away) is is_elsewhere


async def test_a_step_that_takes_too_much_memory_is_a_version_without_one(desk: Any):
    """The document is there all the same."""
    desk.web.body = b"[" + b"1," * 100_000 + b"1]"
    await desk.owner().poll(desk.watch())
    desk.web.body = b"[" + b"2," * 100_000 + b"1]"
    owner = desk.owner()
    owner.turns = replace(owner.turns, committer=replace(owner.turns.committer, offload=starved))
    await owner.poll(desk.watch(epoch=2))
    assert [(change.version, change.step) for change in desk.changes()] == [(1, None), (2, None)]


LARGE = b"[" + b"1," * 200_000 + b"1]"


@dataclass(kw_only=True)
class Hoarder:
    """Notes what is held of the room when an answer is read, and when it is committed."""

    desk: Any
    held: list[int] = field(default_factory=list)
    hangs: asyncio.Event | None = None
    """Where reading is to hang: set when it does."""

    def owner(self, bytes_max: int = 10 * len(LARGE)) -> Any:
        """Give a worker with so much room for large answers."""
        owner, fetch = self.desk.owner(), self.desk.web.fetch

        async def growing(ask: Ask) -> Outcome:
            await ask.grow(len(self.desk.web.body))
            self._note(owner)
            if self.hangs:
                self.hangs.set()
                await asyncio.Event().wait()
            outcome: Outcome = await fetch(ask)
            return outcome

        async def elsewhere(work: Any, *arguments: Any, **named: Any) -> Any:
            self._note(owner)
            return work(*arguments, **named)

        poller = replace(owner.turns.poller, fetch=growing, offload=elsewhere)
        owner.turns = replace(owner.turns, poller=poller, room=Room(bytes_max=bytes_max))
        return owner

    def _note(self, owner: Any) -> None:
        self.held.append(owner.turns.room.taken_bytes)


@contextmanager
def room_while(owner: Any, name: str) -> Iterator[list[int]]:
    """Give what room is taken each time a method of the committer begins."""
    held: list[int] = []
    real = getattr(Committer, name)

    async def note(self: Committer, *given: Any) -> None:
        held.append(owner.turns.room.taken_bytes)
        await real(self, *given)

    with mock.patch.object(Committer, name, note):
        yield held


async def test_a_large_answer_takes_room_as_it_grows_and_for_what_it_becomes(desk: Any):
    """As it came, the document before it, and twice the new one; all of it until the change is committed."""
    hoarder = Hoarder(desk=desk)
    owner, watched = hoarder.owner(), desk.watch()
    desk.web.body = LARGE
    await owner.poll(watched)
    assert hoarder.held == [len(LARGE), 3 * len(LARGE)]
    desk.web.body = LARGE.replace(b"[1", b"[2")
    with room_while(owner, "commit") as held:
        await owner.poll(watched)
    assert hoarder.held[2:] == [len(LARGE), 4 * len(LARGE)]
    assert held == [4 * len(LARGE)]
    assert (owner.turns.room.taken_bytes, desk.head().version) == (0, 2)


async def test_packed_it_takes_room_for_what_it_may_unpack_to_until_that_is_known(desk: Any):
    """A few KiB can become ten MiB, of which the commit holds what there is."""
    hoarder = Hoarder(desk=desk)
    owner = hoarder.owner()
    wire = gzip.compress(LARGE)
    validators = Validators(url="https://feed.example/prices")
    desk.web.instead = [Reply(wire=wire, coding="gzip", content_type="application/json", validators=validators)]
    with room_while(owner, "commit") as held:
        await owner.poll(desk.watch())
    assert hoarder.held == [0, len(wire) + 2 * RATIO_FROM_BYTES]
    assert held == [len(wire) + 2 * len(LARGE)]


async def test_a_large_document_that_is_stored_again_takes_room_though_nothing_came(desk: Any):
    """Those that were registered together are stored again together: hundreds of documents, and no answer."""
    desk.web.etags, desk.web.body = True, LARGE
    owner, watched = Hoarder(desk=desk).owner(), desk.watch()
    await owner.poll(watched)
    desk.now[0] += 6 * 86_400_000 + 3_600_000
    with room_while(owner, "keep_body") as held:
        await owner.poll(watched)
    assert owner.turns.counts["304"] == 1
    assert held == [2 * len(LARGE)]
    assert owner.turns.room.taken_bytes == 0


async def test_a_small_answer_after_a_large_one_takes_room_for_that(desk: Any):
    """The step between them begins with the large one, which is read from where it is stored."""
    desk.web.body = LARGE
    owner, watched = Hoarder(desk=desk).owner(), desk.watch()
    await owner.poll(watched)
    desk.web.body = b'{"n":1}'
    with room_while(owner, "commit") as held:
        await owner.poll(watched)
    assert held == [len(LARGE)]
    assert (owner.turns.room.taken_bytes, desk.head().version) == (0, 2)


@pytest.mark.parametrize("ends", ["unchanged", "broken", "server error", "trouble of ours", "cancelled", "edited"])
async def test_room_is_given_back_at_the_end_of_every_turn(desk: Any, ends: str):
    """Whatever the end is."""
    hoarder = Hoarder(desk=desk)
    owner, watched = hoarder.owner(), desk.watch()
    desk.web.body = LARGE
    await owner.load(watched)
    match ends:
        case "unchanged":
            await owner.poll(watched)
        case "broken":
            desk.web.body = LARGE[:-1]
        case "server error":
            desk.web.instead = [Failed(reason=Reason.SERVER_ERROR, why="503")]
        case "trouble of ours":
            owner.store.fail[CHANGE] = (StoreFailed("no"), False)
        case "edited":
            watched.current = False
    if ends == "cancelled":
        hoarder.hangs = asyncio.Event()
        polling = asyncio.create_task(owner.poll(watched))
        await hoarder.hangs.wait()
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
    else:
        await owner.poll(watched)
    assert hoarder.held[0] > 0
    assert owner.turns.room.taken_bytes == 0


async def test_a_small_answer_is_polled_while_large_ones_hold_all_the_room(desk: Any):
    """It asks for none, on no way through a turn."""
    hoarder = Hoarder(desk=desk)
    owner = hoarder.owner(bytes_max=len(LARGE))
    with owner.turns.room.claim() as hog:
        await hog.grow(len(LARGE))
        await owner.poll(desk.watch())
    assert (desk.head().version, owner.turns.room.waits) == (1, 0)


async def test_how_long_an_answer_waited_is_known_to_who_counts_overload(desk: Any):
    """Due times that pass meanwhile passed for want of room, not because the source was slow."""
    owner, watched = Hoarder(desk=desk).owner(), desk.watch()
    desk.web.body = LARGE

    async def wait(claim: Claim, _: int) -> bool:
        claim.waited_s = 2.5
        return True

    with mock.patch.object(Claim, "grow", wait):
        await owner.poll(watched)
    assert watched.waited_ms == 2_500
    await owner.poll(watched)
    assert watched.waited_ms == 0


async def test_failures_are_states_written_on_transitions_and_then_counted(desk: Any):
    """Degraded at the first, failing at the third, healthy at once; subscribers hear of transitions alone."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    down = Failed(reason=Reason.SERVER_ERROR, why="the server answers 500")
    seen = []
    for _ in range(5):
        desk.web.instead = [down]
        owner.store.asked.clear()
        desk.now[0] += 1_000
        assert await owner.poll(watched) >= watched.target.interval_ms
        seen.append((desk.source().status.state, len(owner.store.asked)))
    assert [state for state, _ in seen] == [State.DEGRADED, State.DEGRADED, State.FAILING, State.FAILING, State.FAILING]
    assert [asked for _, asked in seen] == [1, 0, 1, 1, 1]
    status = desk.source().status
    assert (status.why, status.since, status.failures) == (down.why, desk.now[0] - 4_000, 5)
    desk.now[0] += 86_400_000
    desk.web.instead = [down]
    await owner.poll(watched)
    assert desk.source().status.state is State.DORMANT
    assert await owner.poll(watched) is None
    status = desk.source().status
    assert (status.state, status.why) == (State.HEALTHY, "recovered after 24 h")
    kinds = [message.kind for message in owner.sent]
    assert kinds == [Kind.CHANGE, *[Kind.STATUS] * 5]


async def test_a_new_reason_is_told_though_not_at_every_poll(desk: Any):
    """A person would mend the old one; a source that fails in turns does not have its row written each time."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    for why, reason, times in [("the server answers 500", Reason.SERVER_ERROR, 12), ("no such name", Reason.DNS, 4)]:
        for _ in range(times):
            desk.web.instead = [Failed(reason=reason, why=why)]
            await owner.poll(watched)
    assert (desk.source().status.why, desk.source().status.failures) == ("the server answers 500", 10)
    began_ms = desk.source().status.since
    desk.now[0] += 60_000
    desk.web.instead = [Failed(reason=Reason.DNS, why="no such name")]
    await owner.poll(watched)
    assert (desk.source().status.why, desk.source().status.since) == ("no such name", began_ms)


@pytest.mark.parametrize("etags", [False, True])
async def test_a_state_seen_before_an_unanswered_commit_is_a_change_after_it(desk: Any, etags: bool):
    """What was remembered of answers belongs to the head before: going back to it is a change."""
    owner, watched = desk.owner(), desk.watch()
    desk.web.etags = etags
    desk.web.body = b'{"p":1}'
    await owner.poll(watched)
    desk.web.body = b'{"p":2}'
    owner.store.fail["transact"] = (Ambiguous("no answer"), True)
    await owner.poll(watched)
    desk.web.body = b'{"p":1}'
    for _ in range(3):
        await owner.poll(watched)
    assert desk.head().version == desk.head().notified == 3
    assert desk.changes()[2].step == [{"op": "replace", "path": "/p", "value": 1}]


async def test_a_server_that_says_when_is_left_alone_until_then(desk: Any):
    """Retry-After is obeyed even beyond our own longest wait."""
    owner, watched = desk.owner(), desk.watch()
    desk.web.instead = [Failed(reason=Reason.RATE_LIMITED, why="429", retry_after_s=7_200)]
    wait_ms = await owner.poll(watched)
    assert 7_200_000 <= wait_ms <= 7_200_000 + watched.target.interval_ms
    # Two hours is more than people should have to guess at.
    assert desk.source().status.state is State.DEGRADED
    desk.now[0] += 3_600_000
    asked = len(desk.web.asked)
    await owner.poll(watched)  # somebody wants it polled now; another source of the host would be held back as well
    assert len(desk.web.asked) == asked


async def test_a_server_that_wants_fewer_requests_is_not_broken_at_first(desk: Any):
    """Three answers of that kind are patience; the fourth is a failure, and none of them hides a real one."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    seen = []
    for _ in range(4):
        desk.web.instead = [Failed(reason=Reason.RATE_LIMITED, why="429", retry_after_s=1)]
        wait_ms = await owner.poll(watched)
        seen.append((watched.failures, desk.source().status.state, wait_ms is None or wait_ms <= 30_000))
        desk.now[0] += 30_000
    assert seen == [(0, State.HEALTHY, True)] * 3 + [(1, State.DEGRADED, True)]
    await owner.poll(watched)
    assert (watched.put_off, desk.source().status.state) == (0, State.HEALTHY)


@pytest.mark.parametrize(
    ("reason", "states"),
    [
        (Reason.TIMEOUT, [State.DEGRADED, State.DEGRADED, State.FAILING]),
        (Reason.UNAUTHORIZED, [State.FAILING] * 3),
        (Reason.CERTIFICATE, [State.FAILING] * 3),
        (Reason.NOT_FOUND, [State.FAILING] * 3),
        (Reason.REFUSED, [State.FAILING] * 3),
        (Reason.PARSE, [State.DEGRADED, State.FAILING, State.FAILING]),
        (Reason.SELECTOR, [State.DEGRADED, State.DEGRADED, State.FAILING]),
    ],
)
async def test_what_a_person_must_mend_is_told_at_once_and_a_blip_is_not(
    desk: Any, reason: Reason, states: list[State]
):
    """How many failures in a row are failing depends on what they are."""
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    seen = []
    for _ in states:
        desk.web.instead = [Failed(reason=reason, why="so")]
        desk.now[0] += 60_000
        await owner.poll(watched)
        seen.append(desk.source().status.state)
    assert seen == states


async def test_a_selector_that_finds_nothing_is_asked_on_by_the_schedule(desk: Any):
    """The server is well, and its next document may hold what is selected."""
    owner, watched = desk.owner(), desk.watch()
    for _ in range(10):
        desk.web.instead = [Failed(reason=Reason.SELECTOR, why="nothing")]
        assert await owner.poll(watched) is None


async def test_a_whole_answer_is_asked_for_every_six_hours_and_a_liar_is_found_out(desk: Any):
    """A server that goes on saying 304 costs at most that long, and is not asked with conditions again."""
    owner, watched = desk.owner(), desk.watch()
    desk.web.etags = True
    await owner.poll(watched)
    stale = watched.validators
    await owner.poll(watched)
    desk.now[0] += CONDITIONAL_FOR_MAX_MS + 1
    desk.web.instead = [
        Reply(wire=b'{"price":7}', coding="", content_type="application/json", validators=stale)
    ]  # another document under the same ETag
    await owner.poll(watched)
    assert (desk.web.asked[-1].validators, desk.head().version) == (None, 2)
    await owner.poll(watched)
    assert desk.web.asked[-1].validators is None


async def test_sources_with_one_request_are_given_one_answer(desk: Any):
    """A hundred watchers of one url are one visitor to its server; each has its own rules and its own versions."""
    owner, first = desk.owner(), desk.watch()
    other = desk.watch(epoch=1)
    once = owner.turns.once()
    await owner.turns.take(first, owner._spawn, once)
    await owner.turns.take(other, owner._spawn, once)
    await owner.settle()
    assert len(desk.web.asked) == 1
    assert owner.turns.counts == {"changed": 1, "canonical_same": 1}


async def test_a_host_at_which_all_fail_is_asked_by_one_source_at_a_time(desk: Any):
    """The others are told what the one was told, at no cost; the first good answer lets all of them ask again."""
    owner = desk.owner()
    watched = [desk.watch() for _ in range(8)]
    for number, one in enumerate(watched):
        one.target = replace(one.target, request=number)
        await owner.load(one)
    circuits = owner.turns.circuits
    for number in range(5):
        circuits.failed(
            watched[0].target.host, f"s{number}", 100 + number, Failed(reason=Reason.TIMEOUT, why="late"), desk.now[0]
        )
    wait_ms = await owner.poll(watched[0])
    assert desk.web.asked == []
    assert (watched[0].failures, desk.source().status.why) == (1, "late")
    desk.now[0] += wait_ms
    watched[1].head = None  # all of them stand for one row here: the others have fenced it since
    assert await owner.poll(watched[1]) is None
    assert (len(desk.web.asked), circuits.open) == (1, 0)


async def test_each_change_is_one_line_that_names_it(desk: Any, caplog: pytest.LogCaptureFixture):
    """By these two an operator follows it through queue and frame; polls that change nothing say nothing."""
    caplog.set_level("INFO", logger="monitor_fleet")
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    await owner.poll(watched)
    desk.web.body = b'{"price":2}'
    await owner.poll(watched)

    named = [(one.source, one.version) for one in caplog.records if one.message == "changed"]  # type: ignore[attr-defined] # fields of `extra`
    assert named == [(watched.target.id, 1), (watched.target.id, 2)]


async def test_a_certificate_that_ends_soon_is_told_at_each_step_and_not_at_each_poll(desk: Any):
    """The row says it while all is well, a new owner does not write it again, and a renewed one ends it."""
    owner, watched = desk.owner(), desk.watch()

    def ends_in(days: float) -> None:
        at = datetime.fromtimestamp(START_MS / 1_000 + days * DAY_S, UTC)
        told = {"notAfter": at.strftime("%b %d %H:%M:%S %Y GMT")}
        owner.turns.certificates.note(watched.target.host, told)

    ends_in(60)
    await owner.poll(watched)
    assert desk.source().status.why == ""
    ends_in(10.5)
    await owner.poll(watched)
    status = desk.source().status
    assert (status.state, status.certificate_days) == (State.HEALTHY, 14)
    assert status.why.startswith("the certificate of feed.example:443 ends in 10 days")
    assert owner.sent[-1].kind is Kind.STATUS
    owner.store.asked.clear()
    ends_in(9.5)
    await owner.poll(watched)
    assert owner.store.asked == []
    watched = desk.watch(epoch=2)
    await owner.load(watched)
    owner.store.asked.clear()
    await owner.poll(watched)
    assert owner.store.asked == []
    ends_in(6.5)
    await owner.poll(watched)
    assert (desk.source().status.certificate_days, owner.store.asked) == (7, ["update"])
    ends_in(90)
    await owner.poll(watched)
    assert (desk.source().status.certificate_days, desk.source().status.why) == (None, "")
