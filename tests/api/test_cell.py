"""What a step says of one place is what the document holds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cell import UNKNOWN, UNTOUCHED, effect, touching
from contracts import pointer, steps
from contracts.pointer import NOT_THERE, Cell

KEYS = st.sampled_from(["a", "b", "0", "1", "-", "", "~/"])
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.integers(0, 3) | st.none() | st.text("x1", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
PATHS = st.lists(KEYS | st.sampled_from(["2", "3"]), max_size=4).map(tuple)


@given(old=DOCUMENTS, new=DOCUMENTS, path=PATHS)
def test_what_operations_say_of_a_place_is_so(old: Any, new: Any, path: pointer.Path):
    """Untouched is unchanged, and a cell that is told is the document's; where in doubt nothing is told."""
    did = effect(steps.make(old, new), path)
    if not did.touched:
        assert pointer.find(new, path) == pointer.find(old, path)
    elif did.cell is not None:
        assert did.cell == pointer.find(new, path)


@pytest.mark.parametrize(
    ("operation", "path", "did"),
    [
        ({"op": "replace", "path": "/a/0/n", "value": 2}, "/a/0/n", Cell(exists=True, value=2)),
        ({"op": "replace", "path": "/a", "value": [{"n": 3}]}, "/a/0/n", Cell(exists=True, value=3)),
        ({"op": "replace", "path": "", "value": {}}, "/a/0/n", NOT_THERE),
        ({"op": "remove", "path": "/a"}, "/a/0/n", NOT_THERE),
        ({"op": "replace", "path": "/a/1/n", "value": 2}, "/a/0/n", UNTOUCHED),
        ({"op": "add", "path": "/a/7", "value": 2}, "/a/0/n", UNTOUCHED),
        ({"op": "test", "path": "/a/0/n", "value": 2}, "/a/0/n", UNTOUCHED),
        ({"op": "copy", "from": "/a/0", "path": "/b"}, "/a/0/n", UNTOUCHED),
        ({"op": "add", "path": "/a/0", "value": {"n": 9}}, "/a/1/n", UNKNOWN),
        ({"op": "remove", "path": "/a/0"}, "/a/0/n", UNKNOWN),
        ({"op": "remove", "path": "/a/1"}, "/a/0/n", UNTOUCHED),
        ({"op": "move", "from": "/a/0", "path": "/a/3"}, "/a/1/n", UNKNOWN),
        ({"op": "copy", "from": "/b", "path": "/a/0/n"}, "/a/0/n", UNKNOWN),
        ({"op": "replace", "path": "/a/0/n/x", "value": 1}, "/a/0/n", UNKNOWN),
        ({"op": "add", "path": "/a/-", "value": 1}, "/a/0/n", UNKNOWN),
        ({"op": "remove", "path": "/a/0/n/x"}, "/a/0/n", UNKNOWN),
    ],
)
def test_an_operation_touches_what_it_is_at_above_below_or_before_in_an_array(
    operation: dict[str, Any], path: str, did: Any
):
    """And says what is there only where it cannot be anything else."""
    got = effect([operation], pointer.split(path))
    assert (got.cell if isinstance(did, Cell) else got) == did
    assert list(touching([operation], pointer.split(path))) == ([operation] if got.touched else [])


def test_the_last_operation_has_the_last_word():
    """A step is applied in order."""
    gone = {"op": "remove", "path": "/a/0"}
    back = {"op": "replace", "path": "/a/0/n", "value": 5}
    assert effect([gone, back], ("a", "0", "n")).cell == Cell(exists=True, value=5)
    assert effect([back, gone], ("a", "0", "n")) == UNKNOWN
