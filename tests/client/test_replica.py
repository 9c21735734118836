"""A replica over a network that does everything a network may do, and worse."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from client.replica import HELD_MAX, Phase, Replica
from contracts import frames
from tests.client.world import SOURCE, NoWait, World

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "é", "/~"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "~1", ""]), inner, max_size=4)
    ),
    max_leaves=8,
)
EVENTS = st.one_of(
    st.tuples(st.just("commit"), DOCUMENTS, st.integers(1, 5)),
    st.tuples(st.just("deliver"), st.integers(0, 9)),
    st.tuples(st.just("double"), st.integers(0, 9)),
    st.tuples(st.just("lose"), st.integers(0, 9)),
    st.tuples(st.just("wait"), st.sampled_from([1, 1_000, 20_000])),
    st.tuples(st.just("open")),
    st.tuples(st.just("restart"), DOCUMENTS),
)


def let_happen(world: World, event: Any) -> None:
    """Let one event happen to a world."""
    match event:
        case "commit", document, patch_from:
            world.commit(document, patch_from=patch_from)
        case "deliver", which:
            world.deliver(which)
        case "double", which:
            world.deliver(which, again=True)
        case "lose", which:
            world.lose(which)
        case "wait", wait_ms:
            world.wait(wait_ms)
        case ("open",):
            world.open()
        case "restart", document:
            world.source.restart()
            world.commit(document)


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=60))
def test_no_network_makes_a_wrong_document(events: list[Any]):
    """What is shown was the source's, whatever got lost or doubled; after a quiet reconnect it is the newest."""
    world = World()
    world.open()

    for event in events:
        let_happen(world, event)
    world.settle()

    assert world.replica.holds == (world.source.position[1] > 0)
    if world.replica.holds:
        assert world.replica.position == world.source.position


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(DOCUMENTS, st.booleans()), min_size=2, max_size=40))
def test_a_lost_frame_is_healed_by_the_next_one(changes: list[tuple[Any, bool]]):
    """No reconnect needed: the next frame shows the gap."""
    world = World()
    world.open()
    for document, is_lost in changes:
        world.commit(document)
        if is_lost:
            world.lose(-1)
    world.commit("the last")

    for _ in range(8):
        while world.under_way:
            world.deliver(0)
        world.wait(20_000)

    assert world.replica.document == "the last"


def test_no_more_than_256_frames_are_held():
    """The oldest 256 are let go together: they show as a gap and are asked for."""
    replica = Replica(SOURCE, chance=NoWait())
    replica.opened()
    for version in range(2, HELD_MAX + 3):
        step = (version, [{"op": "replace", "path": "", "value": version}])
        replica.receive(frames.patch(SOURCE, ("one", version), base=version - 1, steps=[step], at_ms=0))

    replica.receive(frames.snapshot(SOURCE, ("one", 1), document_hash="", data=1, exact=False))

    assert replica.document == 1
    assert len(replica._held) == 1


def test_an_error_that_is_temporary_is_asked_again_and_any_other_ends_it():
    """The service says which it is."""
    replica = Replica(SOURCE, chance=NoWait())
    replica.opened()
    assert replica.take(0)
    refused = frames.FrameRefused("unavailable", "try again", source_id=SOURCE)

    replica.receive(frames.error(refused, temporary=True))
    assert replica.take(999) is None
    assert replica.take(1_000)
    replica.receive(frames.error(frames.FrameRefused("unknown_source", "none", source_id=SOURCE)))

    assert replica.phase is Phase.REFUSED
    assert replica.take(1e9) is None
