"""Rules of settling: a cell that is only being computed is no news, and no value is put where it does not belong."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fetching.sheets.settle import HELD_POLLS_MAX, Place, has_volatile, settle
from fetching.sheets.table import Shape, document_of

LOADING = "Loading..."


def keyed(*rows: list[Any]) -> Any:
    """Make a table whose rows are known by their name."""
    return document_of([[["Name", "Price"], *rows]], Shape(key_column="Name"))


def placed(*rows: list[Any]) -> Any:
    """Make a table whose rows are known by their place."""
    return document_of([[["Name", "Price"], *rows]], Shape())


def test_a_cell_that_loads_keeps_its_last_value():
    """GOOGLEFINANCE read cold says Loading... for a poll or two."""
    for made in (keyed, placed):
        known = made(["Amber", 1], ["Basalt", 2])
        settled, held = settle(made(["Amber", LOADING], ["Basalt", 2]), known, {})
        assert settled == known
        assert list(held.values()) == [1]


def test_it_is_told_as_it_stands_when_it_stays_so():
    """A formula that is broken must not look well for ever."""
    known, now = keyed(["Amber", 1]), keyed(["Amber", "#N/A"])
    held: dict[Place, int] = {}
    for _ in range(HELD_POLLS_MAX):
        settled, held = settle(now, known, held)
        assert settled == known
    assert settle(now, known, held)[0] == now


def test_other_changes_of_the_row_are_told_at_once_where_it_has_a_key():
    """Only the cell is held, not the news beside it."""
    known = document_of([[["Name", "Price", "Stock"], ["Amber", 1, 5]]], Shape(key_column="Name"))
    now = document_of([[["Name", "Price", "Stock"], ["Amber", LOADING, 4]]], Shape(key_column="Name"))
    assert settle(now, known, {})[0]["rows"] == {"Amber": {"Name": "Amber", "Price": 1, "Stock": 4}}


def test_a_row_that_may_be_another_one_is_told_as_it_stands():
    """A row inserted on top moves all others by one: the old value would be another row's."""
    known = placed(["Amber", 1], ["Basalt", 2])
    now = placed(["Cedar", 3], ["Amber", LOADING], ["Basalt", 2])
    assert settle(now, known, {})[0] == now


def test_a_changed_header_is_told_as_it_stands():
    """What the columns are is not sure."""
    known, now = placed(["Amber", 1]), document_of([[["Name", "Cost"], ["Amber", LOADING]]], Shape())
    assert settle(now, known, {})[0] == now


def test_the_first_document_is_told_as_it_stands():
    """There is nothing to hold on to."""
    assert settle(placed(["Amber", LOADING]), None, {})[0] == placed(["Amber", LOADING])


def test_tables_of_several_ranges_settle_each_by_itself():
    """One of them may be new."""
    known = {"a": placed(["Amber", 1])}
    now = {"a": placed(["Amber", LOADING]), "b": placed(["Amber", LOADING])}
    assert settle(now, known, {})[0] == {"a": placed(["Amber", 1]), "b": placed(["Amber", LOADING])}


CELLS = st.sampled_from([None, 1, 2, 1.0, True, "x", LOADING, "#N/A"])
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=4)


@given(ROWS, ROWS, st.booleans())
def test_only_cells_that_load_are_ever_replaced(before: list[list[Any]], after: list[list[Any]], by_key: bool):
    """Whatever the last document was: every settled cell is the one read, unless that was being computed."""
    made = keyed if by_key else placed
    now = made(*after)
    settled, held = settle(now, made(*before), {})
    assert has_volatile(now) or (settled == now and not held)
    rows = settled["rows"].items() if by_key else enumerate(settled["rows"])
    for key, row in rows:
        for column, cell in row.items():
            read = now["rows"][key][column]
            assert cell is read or read in (LOADING, "#N/A")
