"""Rules of tables: what cells become, so that a subscriber never sees data shifted, lost or made up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.sheet_address import read_range
from contracts.steps import make
from fetching.sheets.table import KeyColumnMissing, Shape, document_of, letters

HEADED = Shape()
KEYED = Shape(key_column="Name")
BARE = Shape(header=False)


def test_the_first_row_names_the_columns():
    """Rows become objects keyed by it, and the names keep their order beside them."""
    cells: list[list[Any]] = [["Name", "Price"], ["Amber", 1.5], ["Basalt", 2]]
    assert document_of([cells], HEADED) == {
        "columns": ["Name", "Price"],
        "rows": [{"Name": "Amber", "Price": 1.5}, {"Name": "Basalt", "Price": 2}],
    }


def test_ragged_rows_are_padded_and_blank_cells_are_null():
    """Google leaves out what is empty at an end and writes `""` before others."""
    cells = [["Name", "Price", "Note"], ["Amber"], [], ["Basalt", "", "x"]]
    assert document_of([cells], HEADED)["rows"] == [
        {"Name": "Amber", "Price": None, "Note": None},
        {"Name": None, "Price": None, "Note": None},
        {"Name": "Basalt", "Price": None, "Note": "x"},
    ]


def test_cells_beyond_the_header_have_their_columns_letter():
    """Nothing is lost because nobody named it."""
    assert document_of([[["Name"], ["Amber", 1, 2]]], HEADED)["rows"] == [{"Name": "Amber", "B": 1, "C": 2}]


def test_names_that_stand_twice_are_numbered_and_blank_ones_lettered():
    """Two columns of one name must not overwrite each other."""
    cells: list[list[Any]] = [["x", "", "x", 7.0, True, "x (2)"], [1, 2, 3, 4, 5, 6]]
    assert document_of([cells], HEADED) == {
        "columns": ["x", "B", "x (2)", "7", "TRUE", "x (2)'"],
        "rows": [{"x": 1, "B": 2, "x (2)": 3, "7": 4, "TRUE": 5, "x (2)'": 6}],
    }


def test_an_empty_range_is_an_empty_table():
    """An emptied sheet is a state, not a failure."""
    assert document_of([[]], HEADED) == {"columns": [], "rows": []}
    assert document_of([[]], BARE) == {"rows": []}


def test_without_a_header_rows_are_lists():
    """A block of numbers has no names."""
    assert document_of([[[1, 2], [3]]], BARE) == {"rows": [[1, 2], [3, None]]}


def test_rows_with_a_key_are_matched_by_it():
    """A sheet that is sorted anew, or gets a row on top, changes nothing else."""
    before = document_of([[["Name", "Price"], ["Amber", 1], ["Basalt", 2]]], KEYED)
    after = document_of([[["Name", "Price"], ["Cedar", 3], ["Basalt", 2], ["Amber", 1]]], KEYED)
    assert make(before, after) == [{"op": "add", "path": "/rows/Cedar", "value": {"Name": "Cedar", "Price": 3}}]


def test_rows_of_one_key_are_all_kept():
    """Which of them is meant is not ours to say; a row without a key is named after its place."""
    cells: list[list[Any]] = [["Name", "Price"], ["Amber", 1], ["Amber", 2], ["", 3], [], [7, 4], [7.0, 5]]
    assert {key: row["Price"] for key, row in document_of([cells], KEYED)["rows"].items()} == {
        "Amber": 1,
        "Amber (2)": 2,
        "#4": 3,
        "7": 4,
        "7 (2)": 5,
    }


def test_a_key_column_that_is_gone_is_said_with_the_columns_there_are():
    """Falling back to places would tell every row as changed."""
    with pytest.raises(KeyColumnMissing, match=r"no column 'Name'.*'Title', 'Price'"):
        document_of([[["Title", "Price"], ["Amber", 1]]], KEYED)


def test_a_reordered_header_is_a_change_of_the_columns_alone():
    """Columns that change places must not look like data that moved."""
    before = document_of([[["Name", "Price"], ["Amber", 1]]], HEADED)
    after = document_of([[["Price", "Name"], [1, "Amber"]]], HEADED)
    assert before["rows"] == after["rows"]
    assert {step["path"].split("/")[1] for step in make(before, after)} == {"columns"}


def test_a_renamed_header_is_a_change_of_the_columns_and_of_that_member():
    """No other column's values are touched."""
    before = document_of([[["Name", "Price"], ["Amber", 1]]], HEADED)
    after = document_of([[["Name", "Cost"], ["Amber", 1]]], HEADED)
    touched = {step[where] for step in make(before, after) for where in ("path", "from") if where in step}
    assert touched == {"/columns/1", "/rows/0/Price", "/rows/0/Cost"}


def test_several_ranges_are_tables_by_their_names():
    """As the person wrote them."""
    names = ("Prices!A1:B", "Weather")
    shape = Shape(ranges=tuple(map(read_range, names)), names=names)
    assert document_of([[["a"], [1]], [["b"], [2]]], shape) == {
        "Prices!A1:B": {"columns": ["a"], "rows": [{"a": 1}]},
        "Weather": {"columns": ["b"], "rows": [{"b": 2}]},
    }


CELLS = st.one_of(st.just(""), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3))


@given(st.lists(st.lists(CELLS, max_size=5), max_size=6))
def test_no_cell_is_lost_and_every_row_is_as_wide_as_the_table(cells: list[list[Any]]):
    """Whatever stands in a sheet."""
    table = document_of([cells], HEADED)
    given_cells = [cell for row in cells[1:] for cell in row if cell != ""]
    assert [cell for row in table["rows"] for cell in row.values() if cell is not None] == given_cells
    assert all(list(row) == table["columns"] for row in table["rows"])


@pytest.mark.parametrize(("at", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (18_277, "ZZZ")])
def test_columns_are_lettered_as_in_a_sheet(at: int, name: str):
    """People know a column by its letters."""
    assert letters(at) == name
