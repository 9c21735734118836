"""What a poll makes of an answer may depend on the last document: also for a worker that has just come."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import brotli  # type: ignore[import-untyped] # ships no types
import pytest
from hypothesis import strategies as st

from contracts import bodies, steps
from contracts.canonical import canonical
from contracts.steps import Summary
from contracts.table import heads
from fetching.outcome import Failed, Reply, Validators
from monitor_fleet import step

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("abé😀", max_size=3),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["", "a", "b", "/", "~"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


async def test_what_wobbles_is_no_version_on_any_worker(desk: Any):
    """The next owner holds it against the same reported value, which it finds in the stored body."""
    desk.register(tolerance=0.5)
    desk.web.body = b'{"price":1.0,"n":1}'
    await desk.owner().poll(desk.watch())
    for epoch, body in ((2, b'{"price":1.4,"n":1}'), (3, b'{"price":0.6,"n":1}')):
        desk.web.body = body
        await desk.owner().poll(desk.watch(epoch=epoch))
    assert desk.head().version == 1


async def test_a_tolerated_poll_asks_aws_nothing_once_the_document_is_at_hand(desk: Any):
    """A field that wobbles each time must not cost a read each time."""
    desk.register(tolerance=0.5)
    owner, watched = desk.owner(), desk.watch()
    await owner.poll(watched)
    owner.store.asked.clear()
    for price in (1.1, 1.2, 0.9):
        desk.web.body = json.dumps({"price": price}).encode()
        await owner.poll(watched)
    assert owner.store.asked == []
    assert owner.turns.counts["canonical_same"] == 3


async def test_a_drift_beyond_the_tolerance_is_a_step_from_what_was_reported(desk: Any):
    """Subscribers hold the reported values: the step must fit those."""
    desk.register(tolerance=0.5)
    owner, watched = desk.owner(), desk.watch()
    for price in (1, 1.4, 1.8):
        desk.web.body = json.dumps({"price": price, "other": price / 4}).encode()
        await owner.poll(watched)
    assert desk.changes()[1].step == [{"op": "replace", "path": "/price", "value": 1.8}]
    assert desk.head().version == 2


async def test_an_order_that_says_nothing_is_no_version(desk: Any):
    """And a real change in such a list is a small step."""
    desk.register(unordered=[""])
    owner, watched = desk.owner(), desk.watch()
    for body in (b'[{"i":1},{"i":2}]', b'[{"i":2},{"i":1}]', b'[{"i":3},{"i":2},{"i":1}]'):
        desk.web.body = body
        await owner.poll(watched)
    assert [change.version for change in desk.changes()] == [1, 2]
    assert steps.apply(desk.changes()[1].step or [], [{"i": 1}, {"i": 2}]) == [{"i": 1}, {"i": 2}, {"i": 3}]


async def test_one_item_or_many_of_xml_are_one_form_on_any_worker(desk: Any):
    """A takeover between many and one must not turn a list into a value."""
    desk.web.body = b"<r><i>1</i><i>2</i></r>"
    await desk.owner().poll(desk.watch())
    desk.web.body = b"<r><i>1</i></r>"
    await desk.owner().poll(desk.watch(epoch=2))
    assert desk.changes()[1].step == [{"op": "remove", "path": "/r/i/1"}]


async def test_a_change_is_summed_up(desk: Any):
    """A history that says only `something changed` has to be opened to be read."""
    owner, watched = desk.owner(), desk.watch()
    for body in (b'{"a":1,"b":2,"c":3}', b'{"a":9,"c":3,"d":4}'):
        desk.web.body = body
        assert not isinstance(await owner.poll(watched), Failed)
    first, second = desk.changes()
    assert first.summary is None
    assert second.summary is not None
    assert (second.summary.added, second.summary.removed, second.summary.changed) == (1, 1, 1)
    assert sorted(second.summary.paths) == ["/a", "/b", "/d"]


@pytest.mark.parametrize("size", [1, 10, 400])
def test_where_all_is_new_the_document_is_replaced_and_the_summary_still_counts(size: int):
    """A patch as large as the document helps nobody; what happened is worth knowing all the same."""
    old = json.dumps([f"{n:040x}" for n in range(size)]).encode()
    new = json.dumps([f"{n + 7777:040x}" for n in range(size)]).encode()
    made = step.make(old, new)
    assert made.summary.changed == size
    assert len(made.summary.paths) == min(size, 5)
    assert isinstance(made.packed, str | bytes)
    ops = json.loads(gzip.decompress(made.packed) if isinstance(made.packed, bytes) else made.packed)
    assert steps.apply(ops, json.loads(old)) == json.loads(new)
    assert (ops[0]["path"] == "") == (size == 400)
    assert made.bytes <= max(len(new), step.SMALL_BYTES)


LARGE = [{"id": n, "name": f"item {n:05d}", "price": n / 4} for n in range(6_000)]
CODINGS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.compress, "br": brotli.compress}


@pytest.mark.parametrize("coding", CODINGS)
async def test_a_large_change_is_a_step_made_in_one_visit_and_stored_whole(desk: Any, coding: str):
    """However it came packed: the step leads from the stored document to the one that the source has now."""
    owner, watched, visits = desk.owner(), desk.watch(), []

    async def away(work: Callable[..., Any], *args: Any, **named: Any) -> Any:
        visits.append(work)
        return work(*args, **named)

    object.__setattr__(owner.turns.poller, "offload", away)
    object.__setattr__(owner.turns.committer, "offload", away)
    changed = [*LARGE[:10], {"id": 10, "name": "renamed", "price": 1e2}, *LARGE[11:], {"id": -0.0}]
    for served in (LARGE, changed):
        wire = CODINGS[coding](json.dumps(served).encode())
        validators = Validators(url=str(watched.target.url))
        desk.web.instead = [Reply(wire=wire, coding=coding, content_type="application/json", validators=validators)]
        await owner.poll(watched)
    assert len(visits) == 2
    stored = await owner.turns.documents._stored(desk.head().ref)
    assert bodies.unpack(desk.head().ref.encoding, stored) == canonical(json.loads(json.dumps(changed)))
    step_made = desk.changes()[1].step
    assert steps.apply(step_made, LARGE) == changed
    assert len(step_made) <= 4


def test_a_summary_survives_its_row():
    """The table gives back lists for tuples."""
    summary = Summary(added=1, removed=2, changed=3, paths=("/a",))
    assert Summary.from_row(summary.row()) == summary


@pytest.mark.parametrize("is_edited", [False, True])
async def test_a_list_whose_parent_was_away_is_still_one_for_the_next_owner(desk: Any, is_edited: bool):
    """The head says what no document can: between the two the parent was not there. Also after an edit meanwhile."""
    desk.register(dataFormat="xml")
    owner, watched = desk.owner(), desk.watch()
    for body in (b"<r><a><b>1</b><b>2</b></a></r>", b"<r><c>3</c></r>"):
        desk.web.body = body
        await owner.poll(watched)
    assert desk.head().untold == ("r/a/b",)
    if is_edited:
        desk.register(dataFormat="xml", pollingInterval=20, revision=2)
        desk.client.update_item(**heads.close_door("SheetsData", desk.source().id))
    desk.web.body = b"<r><a><b>1</b></a></r>"
    later, again = desk.owner(), desk.watch(epoch=2)
    await later.load(again)
    await later.poll(again)
    stored = await later.turns.documents._stored(desk.head().ref)
    assert json.loads(bodies.unpack(desk.head().ref.encoding, stored)) == {"r": {"a": {"b": ["1"]}}}
    assert desk.head().untold == ()
