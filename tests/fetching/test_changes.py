"""What counts as a change, and what must not: a corpus of pairs, and the rules behind it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import steps
from contracts.canonical import canonical, number
from fetching.document import Document, Reading, read
from fetching.lists import asked_for, steady
from fetching.tolerance import settled
from fetching.unordered import ordered
from tests.fetching.pairs import DIFFERENT, SAME, XML, Pair


def document(data: bytes, how: Reading, content_type: str = XML, last: Document | None = None) -> Document:
    """Read an answer as a poll does."""
    found = read(data, content_type, how, last.canonical if last else None, last.untold if last else ())
    assert isinstance(found, Document), found
    return found


def both(one: Pair) -> tuple[Document, Document]:
    """Read a pair, the second against the first."""
    given: dict[str, Any] = {name: tuple(at) if isinstance(at, list) else at for name, at in one.how.items()}
    how = Reading(**given)
    old = document(one.old, how, one.old_type)
    return old, document(one.new, how, one.new_type or one.old_type, old)


@pytest.mark.parametrize("one", SAME, ids=lambda one: one.name)
def test_what_is_no_change_is_none(one: Pair):
    """Users of every poller complain of false changes before anything else."""
    old, new = both(one)
    assert old == new


@pytest.mark.parametrize("one", DIFFERENT, ids=lambda one: one.name)
def test_what_is_a_change_is_seen_and_its_step_leads_there(one: Pair):
    """A change that is missed is never told; and the step must give the very bytes of the new document."""
    old, new = both(one)
    assert old.hash != new.hash
    was, now = (json.loads(each.canonical, parse_float=number) for each in (old, new))
    assert canonical(steps.apply(steps.make(was, now), was)) == new.canonical


def test_the_corpus_is_large_enough():
    """The bar is 200 pairs that are no change."""
    assert len(SAME) >= 200
    assert len({one.name for one in SAME}) == len(SAME)


def texts(document: Document) -> Any:
    """Show a document."""
    return json.loads(document.canonical)


def test_an_element_that_repeated_once_stays_a_list():
    """Many, one, none, one, many: no step but that of the items, and the same for a worker that comes later."""
    how, last = Reading(), None
    seen = []
    for items in ("<i>1</i><i>2</i>", "<i>1</i>", "", "<i>3</i>", "<i>3</i><i>4</i>"):
        last = document(f"<r>{items}</r>".encode(), how, last=last)
        seen.append(texts(last))
    assert seen == [{"r": {"i": list(items)}} for items in ("12", "1", "", "3", "34")]


def test_rows_have_one_form():
    """If one row has two tags, a tag is a list in every row: readers need no second case."""
    data = b"<r><i><t>1</t><t>2</t></i><i><t>3</t></i><i/><i><o>4</o></i></r>"
    rows = [{"t": ["1", "2"]}, {"t": ["3"], "o": []}]
    assert texts(document(data, Reading()))["r"]["i"] == [rows[0], {"t": ["3"]}, {"t": []}, {"o": "4", "t": []}]


def test_one_item_is_what_the_selector_takes_many_of():
    """With a single item the selector would find nothing, or a value where it found a list."""
    how = Reading(selector="r.i[].n")
    assert texts(document(b"<r><i><n>1</n></i></r>", how)) == ["1"]
    assert texts(document(b"<r><i><n>1</n></i><i><n>2</n></i></r>", how)) == ["1", "2"]


def test_what_a_selector_took_as_a_list_stays_one():
    """The selector need not say that it is one: the last document does."""
    how = Reading(selector="r.i")
    many = document(b"<r><i>1</i><i>2</i></r>", how)
    assert texts(document(b"<r><i>1</i></r>", how, last=many)) == ["1"]


@pytest.mark.parametrize(
    ("selector", "places"),
    [
        ("", set()), ("a.b", set()), ("a.b[]", {("a", "b")}), ("a.b[].c", {("a", "b")}), ("a.b[*].c", {("a", "b")}),
        ("a.b[0].c", {("a", "b")}), ("a.b[-1]", {("a", "b")}), ("a.b[1:3].c", {("a", "b")}),
        ("a[?x>`1`].y[0]", {("a",), ("a", "*", "y")}), ("a.b[].c[].d", {("a", "b"), ("a", "b", "*", "c")}),
        ("a | b[0]", {("a", "b")}), ("a | [0]", {("a",)}), ("{x: a.l, y: a.l[0]}", {("a", "l")}),
        ("[a[], b[0]]", {("a",), ("b",)}), ("sort_by(a.b, &c)", {("a", "b")}),
        ("max_by(a, &b[0])", {("a",), ("a", "*", "b")}),
        ("length(a.b)", set()), ("sum(a.n)", {("a", "n")}), ("a.*.b[]", set()), ("a[][]", {("a",)}), ("[0]", set()),
        ("a.b[?c] || d[]", {("a", "b"), ("d",)}), ("!a[0]", {("a",)}), ("a && `[1]`[0]", set()),
    ],
)  # fmt: skip
def test_a_selector_says_what_it_takes_as_lists(selector: str, places: set[tuple[str, ...]]):
    """By index, slice, filter, flattening, projection, or a function of lists."""
    assert asked_for(selector) == places


nodes = st.recursive(
    st.none() | st.sampled_from(["", "1", "x"]),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.lists(inner, min_size=2, max_size=3), max_size=3),
    max_leaves=12,
)


@given(nodes)
def test_the_same_answer_again_is_no_change(value: Any):
    """What was learned of a document must not change that very document."""
    first, _ = steady(value, None)
    assert canonical(steady(value, first)[0]) == canonical(first)


@given(nodes, nodes)
def test_what_is_a_list_stays_one_and_nothing_is_lost(old: Any, new: Any):
    """Every text of the answer is in the document, and learning twice learns nothing new."""
    last, _ = steady(old, None)
    now, untold = steady(new, last)
    assert leaves(now) == leaves(new)
    assert canonical(steady(new, now, untold)[0]) == canonical(now)


@given(st.lists(nodes, min_size=2, max_size=5))
def test_what_was_a_list_is_one_after_any_absence(answers: list[Any]):
    """Of itself, or of all that it is in: the last document and what that cannot tell say as much as all before."""
    last: Any = None
    untold: tuple[str, ...] = ()
    lists = set[str]()
    for each in answers:
        last, untold = steady(each, last, untold)
        lists |= {place for place, value in places(last) if isinstance(value, list)}
    assert not {place for place, value in places(last) if place in lists and not isinstance(value, list)}


def test_a_list_whose_parent_was_away_is_still_one():
    """One item that comes back must not be a value where several were a list: the head remembers for the document."""
    both = document(b"<r><a><b>1</b><b>2</b></a></r>", Reading())
    gone = document(b"<r><c>3</c></r>", Reading(), last=both)
    assert gone.untold == ("r/a/b",)
    back = document(b"<r><a><b>1</b></a></r>", Reading(), last=gone)
    assert json.loads(back.canonical) == {"r": {"a": {"b": ["1"]}}}
    assert back.untold == ()


def places(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Give every member and where it is, lists left out of the way."""
    if isinstance(value, list):
        for item in value:
            yield from places(item, at)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield f"{at}/{name}", member
            yield from places(member, f"{at}/{name}")


def leaves(value: Any) -> list[str]:
    """Give all texts, sorted."""
    if isinstance(value, dict):
        return sorted(leaf for member in value.values() for leaf in leaves(member))
    if isinstance(value, list):
        return sorted(leaf for member in value for leaf in leaves(member))
    return [] if value is None else [value]


def test_a_drift_is_reported_once_it_has_gone_that_far():
    """Against the last reported value, not the last seen one: small steps add up."""
    how, last, seen = Reading(tolerance=0.5), None, []
    for value in (1.0, 1.2, 1.4, 1.5, 1.6, 1.8, 2.1, 2.2, 1.6, 1.5):
        last = document(json.dumps({"p": value}).encode(), how, last=last)
        seen.append(texts(last)["p"])
    assert seen == [1, 1, 1, 1, 1.6, 1.6, 1.6, 2.2, 1.6, 1.6]


def test_a_change_reports_only_what_moved_far_enough():
    """What wobbles beside it keeps its reported value, so the step names one field."""
    how = Reading(tolerance=0.5)
    old = document(b'{"a":1,"b":[5,{"c":7}]}', how)
    new = document(b'{"a":1.3,"b":[5.2,{"c":9}]}', how, last=old)
    assert texts(new) == {"a": 1, "b": [5, {"c": 9}]}


def test_items_of_an_unordered_array_are_compared_as_wholes():
    """Each with the one that it wobbles from, wherever both stand now."""
    how = Reading(tolerance=0.5, unordered=("/l",))
    old = document(b'{"l":[{"i":"a","p":1},{"i":"b","p":5},{"i":"c","p":9}]}', how)
    new = document(b'{"l":[{"i":"c","p":9.4},{"i":"b","p":7},{"i":"a","p":0.6}]}', how, last=old)
    assert texts(new) == {"l": [{"i": "a", "p": 1}, {"i": "b", "p": 7}, {"i": "c", "p": 9}]}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.integers(2**70, 2**70 + 3) | st.just("a"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=15,
)  # fmt: skip


@given(values, values, st.sampled_from([0.1, 0.5, 2]), st.booleans())
def test_a_document_is_never_further_from_the_source_than_the_tolerance(old: Any, new: Any, by: float, unordered: bool):
    """And settling what is settled changes nothing, so the same answer again is no change."""
    places = ["", "/a", "/*"] if unordered else []
    last, truth = (json.loads(canonical(ordered(clone(one), places)), parse_float=number) for one in (old, new))
    got = settled(clone(truth), last, by, unordered=places)
    again = settled(clone(truth), clone(got), by, unordered=places)
    assert canonical(again) == canonical(got)
    if not unordered:
        assert near(got, truth, by)


def clone(value: Any) -> Any:
    """Copy it."""
    return json.loads(canonical(value), parse_float=number)


def near(got: Any, truth: Any, by: float) -> bool:
    """Tell whether two documents differ in numbers only, and by no more than that."""
    if isinstance(got, dict) and isinstance(truth, dict):
        return got.keys() == truth.keys() and all(near(got[name], truth[name], by) for name in got)
    if isinstance(got, list) and isinstance(truth, list):
        return len(got) == len(truth) and all(map(near, got, truth, [by] * len(got)))
    if isinstance(got, bool) or isinstance(truth, bool) or not isinstance(got, int | float):
        return type(got) is type(truth) and got == truth
    return isinstance(truth, int | float) and abs(got - truth) <= by * (1 + 1e-9)
