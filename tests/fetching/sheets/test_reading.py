"""Google's answer to a document: what it may come to, and what its numbers are."""

import json

import pytest

from fetching.document import Reading
from fetching.outcome import Failed, Reason
from fetching.parse import NODES_MAX
from fetching.sheets import reading
from fetching.sheets.reading import Sheet
from fetching.sheets.table import Shape


def read(*tables: bytes, names: tuple[str, ...] = ("",)) -> Sheet | Failed:
    """Read ranges without a header."""
    shape = Shape(names=names, header=False)
    return reading.read(tables, shape, Reading(), known=None, held={})


def test_equal_numbers_are_one_number():
    """However Google writes them: also among many that need no second look."""
    found = read(b"[[1.0, 1e2, -0, 0.5]]")
    assert isinstance(found, Sheet)
    assert json.loads(found.document.canonical) == {"rows": [[1, 100, 0, 0.5]]}
    assert found.document.canonical == b'{"rows":[[1,100,0,0.5]]}'


def test_more_cells_than_a_document_may_have_are_refused_before_they_are_made():
    """All ranges together: a megabyte of commas would be a hundred of objects."""
    half = b"[[" + b"1," * (NODES_MAX // 2) + b"1]]"
    found = read(half, half, names=("a", "b"))
    assert isinstance(found, Failed)
    assert (found.reason, str(NODES_MAX) in found.why) == (Reason.PARSE, True)
    assert isinstance(read(half), Sheet)


@pytest.mark.parametrize("broken", [b"[[1]", b'[["\xff"]]', b"[[1e400]]"])
def test_what_is_no_json_is_a_failure(broken: bytes):
    """Not a crash of the process that reads for others too."""
    found = read(broken)
    assert isinstance(found, Failed)
    assert found.reason is Reason.PARSE
