"""JSON Pointers: RFC 6901's own examples, and what is none."""

import pytest

from contracts.pointer import NOT_THERE, Cell, find, split

DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, " ": 7, "m~n": 8, "0": {"1": "x"}}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/0/1", "x"),
    ],
)
def test_a_pointer_finds_its_place(pointer: str, value: object):
    """RFC 6901, section 5; digits may name a member as well."""
    assert find(DOCUMENT, split(pointer)) == Cell(exists=True, value=value)


@pytest.mark.parametrize("pointer", ["/foo/2", "/foo/-", "/foo/01", "/foo/bar", "/nobody", "/foo/0/x", "/foo/-1"])
def test_what_is_not_there_is_not_found(pointer: str):
    """Not an error: places come and go."""
    assert find(DOCUMENT, split(pointer)) == NOT_THERE


@pytest.mark.parametrize("pointer", ["foo", "/~", "/~2", "#/foo"])
def test_what_is_no_pointer_is_refused(pointer: str):
    """A `~` stands for itself only as ~0."""
    with pytest.raises(ValueError, match="not a JSON Pointer"):
        split(pointer)
