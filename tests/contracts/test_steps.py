"""A step leads from one document to the next, exactly."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.canonical import canonical
from contracts.steps import StepFailed, apply, make, replace_whole

keys = st.sampled_from(["a", "b", "", "~", "/", "~1", "0", "-", "__proto__", "constructor", "é"]) | st.text(max_size=3)
documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.integers(2**60, 2**80)
    | st.text(max_size=3)
    | st.floats(0.1, 0.9),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=30,
)


@given(documents, documents)
def test_applying_the_step_gives_the_next_document(old: Any, new: Any):
    """`apply(make(old, new), old) == new` on canonical bytes, and the old document is left alone."""
    kept = copy.deepcopy(old)

    assert canonical(new) == canonical(apply(make(old, new), old))
    assert canonical(kept) == canonical(old)


@given(documents)
def test_equal_documents_need_no_operation(document: Any):
    """No change, no step."""
    assert make(document, copy.deepcopy(document)) == []


@given(documents, documents)
def test_a_whole_replacement_is_a_step_too(old: Any, new: Any):
    """Where a patch would not be smaller the step replaces everything."""
    assert canonical(new) == canonical(apply(replace_whole(new), old))


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "test", "path": "/list", "value": 2},
        {"op": "shrink", "path": "/list"},
        {"path": "/list"},
    ],
)
def test_an_operation_that_does_not_fit_fails_aloud(operation: dict[str, Any]):
    """A silent misfit would leave a wrong document on a screen for ever."""
    with pytest.raises(StepFailed):
        apply([operation], {"list": [1]})


def test_true_and_one_differ_and_one_and_one_point_zero_do_not():
    """Python's `==` hides the first; number() has removed the second before a step is made."""
    assert make({"a": [1]}, {"a": [True]})
    assert make({"a": [False, 0]}, {"a": [0, False]})
