"""What a poll makes of an answer may depend on the last document: also for a worker that has just come."""

import gzip
import json
from typing import Any

import pytest

from contracts import steps
from contracts.steps import Summary
from fetching.outcome import Failed
from monitor_fleet import step


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


def test_a_summary_survives_its_row():
    """The table gives back lists for tuples."""
    summary = Summary(added=1, removed=2, changed=3, paths=("/a",))
    assert Summary.from_row(summary.row()) == summary
