"""Rules of addresses and ranges of sheets: whatever people paste is understood, or refused with what to paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.sheet_address import Range, SheetAddress, quoted, read_address, read_range

SHEET = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"


@pytest.mark.parametrize(
    ("text", "gid"),
    [
        (SHEET, None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}", None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/", None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit", None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=0", 0),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit?gid=5#gid=7", 7),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit?usp=sharing", None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit?gid=12", 12),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#gid=3&range=A1:B2", 3),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/edit#range=A1&gid=3", 3),
        (f"https://docs.google.com/spreadsheets/u/0/d/{SHEET}/edit", None),
        (f"https://docs.google.com/a/example.com/spreadsheets/d/{SHEET}/edit", None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/pubhtml?gid=4&single=true", 4),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/export?format=csv&gid=9", 9),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/gviz/tq?tqx=out:csv", None),
        (f"https://docs.google.com/spreadsheets/d/{SHEET}/htmlview", None),
        (f"https://docs.google.com/spreadsheet/ccc?key={SHEET}#gid=2", 2),
        (f"https://spreadsheets.google.com/ccc?key={SHEET}", None),
        (f"https://drive.google.com/open?id={SHEET}", None),
        (f"https://drive.google.com/file/d/{SHEET}/view?usp=sharing", None),
        (f"http://docs.google.com/spreadsheets/d/{SHEET}/edit", None),
    ],
)
def test_any_form_that_people_paste_is_understood(text: str, gid: int | None):
    """A browser shows half a dozen forms of one address, and older documents hold older ones."""
    assert read_address(text) == SheetAddress(spreadsheet_id=SHEET, gid=gid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my sheet",
        "https://docs.google.com/",
        "https://docs.google.com/document/d/",
        f"https://example.com/spreadsheets/d/{SHEET}",
        f"https://docs.google.com.example.com/spreadsheets/d/{SHEET}",
        f"ftp://docs.google.com/spreadsheets/d/{SHEET}",
        "https://docs.google.com/spreadsheets/d/short/edit",
        "https://[",
    ],
)
def test_what_names_no_sheet_is_refused(text: str):
    """Polling would only fail later, where nobody looks."""
    with pytest.raises(ValueError, match="not a Google Sheets address"):
        read_address(text)


def test_a_published_copy_is_refused_with_what_to_paste():
    """Its address holds an id that Google's API does not know."""
    with pytest.raises(ValueError, match="paste the address of the sheet itself"):
        read_address(f"https://docs.google.com/spreadsheets/d/e/2PACX-{SHEET}/pubhtml?gid=0")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("A1:D9", Range(cells="A1:D9")),
        ("A2:D", Range(cells="A2:D")),
        ("A:C", Range(cells="A:C")),
        ("1:3", Range(cells="1:3")),
        ("$A$1:$B$2", Range(cells="$A$1:$B$2")),
        ("B7", Range(cells="B7")),
        ("Prices", Range(tab="Prices")),
        ("Prices!A1:B", Range(tab="Prices", cells="A1:B")),
        ("'My tab'!A:C", Range(tab="My tab", cells="A:C")),
        ("'Jon''s'!A1", Range(tab="Jon's", cells="A1")),
        ("My tab!A1", Range(tab="My tab", cells="A1")),
        ("'A1'", Range(tab="A1")),
        ("'a!b'!A1", Range(tab="a!b", cells="A1")),
        ("ABCD", Range(tab="ABCD")),
    ],
)
def test_a_range_is_a_tab_cells_or_both(text: str, read: Range):
    """Cells without a tab are looked up in the tab of the address; a lone name may be a named range."""
    assert read_range(text) == read


@pytest.mark.parametrize(
    "text", ["", "!A1", "Prices!", "Prices!A1:", "Prices!hello", "'a'b'!A1", "'a!A1", "a\nb", "x" * 257]
)
def test_what_is_no_range_is_refused_at_registration(text: str):
    """Google would only say that it cannot parse it, at the first poll."""
    with pytest.raises(ValueError, match=r".+"):
        read_range(text)


@given(st.text(min_size=1, max_size=50).filter(lambda name: not any(ord(c) < 32 or ord(c) == 127 for c in name)))
def test_a_quoted_tab_is_read_back_whatever_its_name(tab: str):
    """Tabs are named in any language, with quotes and exclamation marks."""
    assert read_range(f"{quoted(tab)}!A1:B2") == Range(tab=tab, cells="A1:B2")
    assert read_range(quoted(tab)).tab == tab


def test_a_range_is_written_with_the_tab_of_the_address_where_it_names_none():
    """`#gid=` says which tab the person looked at."""
    assert Range(cells="A1:B").a1("Jon's") == "'Jon''s'!A1:B"
    assert Range(tab="Prices", cells="A1:B").a1("Other") == "'Prices'!A1:B"
    assert Range(cells="A1:B").a1() == "A1:B"
    assert Range().a1("Prices") == "'Prices'"
