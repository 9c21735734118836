"""A step leads from one document to the next, exactly."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import narrow, toil
from contracts.canonical import canonical
from contracts.steps import StepFailed, apply, between, make, replace_whole

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


@given(documents, documents)
def test_a_step_between_canonical_forms_leads_from_one_to_the_other(old: Any, new: Any):
    """Whatever is in them, however little they have in common."""
    before, after = canonical(old), canonical(new)

    assert canonical(apply(between(before, after), json.loads(before))) == after


@pytest.mark.parametrize(
    ("changed", "is_whole"),
    [
        (lambda rows: [-each for each in rows], True),
        (lambda rows: sorted(rows, key=str), True),
        (lambda rows: [each for each in rows if each % 3], True),
        (lambda rows: [*rows[5_000:], *range(-5_000, 0)], True),
        (lambda rows: [*rows[100:], *range(-100, 0)], False),
        (lambda rows: [-1, *rows, -2], False),
        (lambda rows: rows[: toil.LENGTH_SAFE], False),
    ],
    ids=["all new", "sorted", "thinned", "rolled far", "rolled", "grown", "cut short"],
)
def test_long_lists_that_have_little_in_common_are_replaced(changed: Any, is_whole: bool):
    """To compare 500,000 elements with as many others would take a process minutes, at every change."""
    numbers = list(range(toil.LENGTH_SAFE + 200))
    old, new = ({"of": [1, {"series": [{"id": each} for each in ids]}]} for ids in (numbers, changed(numbers)))

    step = between(canonical(old), canonical(new))

    assert (step == replace_whole(new)) is is_whole
    assert canonical(apply(step, old)) == canonical(new)


@given(st.data(), documents)
def test_a_few_values_that_differ_are_found_among_many(data: st.DataObject, cell: Any):
    """What has a step of its own for that takes it, and finds what comparing the documents whole does."""
    rows = [{"id": number, "name": f"item {number}", "cell": cell} for number in range(40)]
    changed = [dict(row) for row in rows]
    for number in data.draw(st.lists(st.integers(0, 39), max_size=5)):
        changed[number]["name"] = data.draw(st.text(max_size=3)) + f" {number} anew"
    for old, new in (
        (rows, changed),
        ({"rows": rows}, {"rows": changed}),
        ({"a/b": {"~": rows}}, {"a/b": {"~": changed}}),
    ):
        before, after = canonical(old), canonical(new)
        assert narrow.step(before, after) == make(json.loads(before), json.loads(after))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1}, {"b": 1}), ([1, 2], [1]), ([1, 2, 3], [3, 2, 1]), ({"a": [1, 2]}, {"a": [2, 1]}),
        ([[n] for n in range(100)], [[n + 100] for n in range(100)]),
    ],
)  # fmt: skip
def test_what_may_have_moved_or_is_mostly_new_is_compared_whole(old: Any, new: Any):
    """A move is one operation, and a whole document decoded at once is quicker than in pieces."""
    with pytest.raises(narrow.TooWide):
        narrow.step(canonical(old), canonical(new))
    assert between(canonical(old), canonical(new)) == make(old, new)


def test_numbers_and_truth_are_told_apart_as_bytes():
    """To Python `1 == True == 1.0`."""
    for old, new in ((1, True), (0, False), ("1", 1), (None, "")):
        assert between(canonical({"a": old}), canonical({"a": new})) == [{"op": "replace", "path": "/a", "value": new}]


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
