"""The canonical form decides what a change is."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.canonical import NotCanonical, _write, canonical, digest, may_have_big_integer, number

VECTORS = json.loads((Path(__file__).parent.parent / "protocol" / "canonical.json").read_text())

decode = msgspec.json.Decoder(float_hook=number).decode

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_has_its_canonical_form(vector: dict[str, Any]):
    """The dashboard reads the same file, so both sides hash the same bytes."""
    written = canonical(decode(vector["json"].encode()))

    assert vector["canonical"] == written.decode()
    assert vector["hash"] == digest(written)


@given(documents)
def test_the_quick_way_and_the_careful_way_agree(document: Any):
    """The encoder writes the common case; whatever it writes otherwise must be noticed."""
    assert _write(document).encode() == canonical(document)


@given(documents)
def test_canonical_bytes_are_their_own_canonical_form(document: Any):
    """Reading canonical bytes and writing them again changes nothing."""
    once = canonical(document)

    assert once == canonical(decode(once))


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, object()])
def test_what_json_cannot_say_is_refused(value: Any):
    """A hash of something that cannot be sent would promise what nobody can check."""
    with pytest.raises(NotCanonical):
        canonical(value)


def test_a_number_beyond_a_double_is_refused():
    """Infinity is not a JSON number, so a literal that overflows has no value."""
    with pytest.raises(NotCanonical, match="1e400"):
        number("1e400")


@given(st.integers(min_value=2**53, max_value=2**200))
def test_an_integer_that_doubles_would_round_is_never_missed(value: int):
    """A snapshot with such an integer is marked `exact` for readers that know only doubles."""
    assert may_have_big_integer(canonical({"id": [value]}))
    assert may_have_big_integer(canonical(-value))


def test_long_digits_in_a_string_do_not_mark_a_document():
    """Only numbers are rounded."""
    assert not may_have_big_integer(canonical({"id": "12345678901234567890", "n": 9_007_199}))
