"""Bytes to a document: charsets, JSON, XML, selectors, pointers; and what is refused."""

import json
import tracemalloc
from typing import Any

import pytest

from fetching.document import Document, Reading, read
from fetching.outcome import Failed, Reason
from fetching.parse import DEPTH_MAX, NODES_MAX

JSON = "application/json"
XML = "application/xml"


def document(data: bytes, content_type: str = JSON, **how: Any) -> Any:
    """Read an answer that has a document."""
    found = read(data, content_type, Reading(**how))
    assert isinstance(found, Document), found
    return json.loads(found.canonical)


def failure(data: bytes, content_type: str = JSON, **how: Any) -> Failed:
    """Read an answer that has none."""
    found = read(data, content_type, Reading(**how))
    assert isinstance(found, Failed), found
    return found


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ('"é"'.encode(), JSON),
        (b"\xef\xbb\xbf" + '"é"'.encode(), JSON),
        ('"é"'.encode("utf-16"), JSON),
        (b"\xff\xfe" + '"é"'.encode("utf-16-le"), "application/json; charset=latin-1"),
        ('"é"'.encode("latin-1"), 'text/json; charset="ISO-8859-1"'),
        ('"é"'.encode("cp1252"), "text/json;charset=windows-1252"),
    ],
)
def test_a_bom_wins_over_the_charset_and_utf_8_is_the_rest(data: bytes, content_type: str):
    """The order of every browser."""
    assert document(data, content_type) == "é"


def test_xml_may_declare_its_encoding():
    """Where HTTP is silent the declaration speaks; where both speak HTTP wins."""
    told = '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'
    assert document(told.encode("latin-1"), XML) == {"a": "é"}
    assert document(told.encode(), "text/xml; charset=utf-8") == {"a": "é"}


@pytest.mark.parametrize("charset", ["zlib", "hex", "rot13", "idna", "punycode", "utf-7", "unicode_escape", "nonsense"])
def test_a_codec_that_is_no_charset_is_refused(charset: str):
    """Python would unpack "zlib" without any bound."""
    assert failure(b"x\x9c", f"text/plain; charset={charset}").reason is Reason.PARSE


def test_numbers_that_are_equal_are_the_same_document():
    """And big ones keep every digit: two ids that differ in the last one differ."""
    first = read(b'{"a": 1.0, "b": 1e2, "id": 12345678901234567890123}', JSON, Reading())
    again = read(b'{"id":12345678901234567890123,"b":100,"a":1}', JSON, Reading())
    other = read(b'{"id":12345678901234567890124,"b":100,"a":1}', JSON, Reading())
    assert first == again != other


@pytest.mark.parametrize("data", [b"", b"{", b"[1,]", b"NaN", b'{"a":1e999}', b'"\xff"', b"<a>", b'"\\ud800"', b"1 2"])
def test_what_is_not_a_document_is_a_failure(data: bytes):
    """A wrong answer is data about the source, never an exception."""
    assert failure(data).reason is Reason.PARSE


def test_a_web_page_is_told_from_a_document():
    """The most frequent mistake: the address of the page about the data."""
    page = b"<!DOCTYPE html><html><body>sign in</body></html>"
    assert "web page" in failure(page, "text/html").why
    assert "web page" in failure(page, "text/html", format="json").why


def test_auto_looks_at_the_answer_and_not_at_what_it_is_called():
    """Servers call JSON text/html and XML text/plain."""
    assert document(b" \n<a><b>1</b></a>", JSON) == {"a": {"b": "1"}}
    assert document(b'{"a": 1}', XML) == {"a": 1}


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<?xml version="1.0"?><!-- c --><!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<!DOCTYPE a><a/>",
    ],
)
def test_a_doctype_is_refused(xml: bytes):
    """It could define entities: bombs, or files of this machine."""
    assert "DOCTYPE" in failure(xml, XML).why


def test_the_letters_of_a_doctype_inside_a_text_are_no_doctype():
    """A feed about XML is a feed like any other."""
    assert document(b"<a><![CDATA[<!DOCTYPE html>]]></a>", XML) == {"a": "<!DOCTYPE html>"}


@pytest.mark.parametrize(
    "data",
    [
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1),
        b"<r>" + b"<a/>" * (NODES_MAX + 1) + b"</r>",
        b"[" + b"{}," * NODES_MAX + b"{}]",
    ],
    ids=["deep", "deeper", "deepest", "deep xml", "wide xml", "wide"],
)
def test_depth_and_nodes_are_bounded(data: bytes):
    """A few megabytes of brackets cost seconds and gigabytes."""
    assert failure(data, format="auto").reason is Reason.PARSE


def test_depth_at_the_bound_passes():
    """The bound is the last depth that passes."""
    assert document(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)


def test_a_selector_takes_a_part():
    """JMESPath, as registered."""
    assert document(b'{"items":[{"p":1},{"p":2}],"at":9}', selector="items[].p") == [1, 2]


def test_a_selector_that_finds_nothing_is_a_failure():
    """The usual sign that the document changed its shape."""
    assert failure(b'{"a":1}', selector="b.c").reason is Reason.SELECTOR
    assert failure(b'{"a":1}', selector="length(a)").reason is Reason.SELECTOR


@pytest.mark.parametrize("selector", [" | ".join(["{a: @, b: @}"] * 9), " | ".join(["[@, @]"] * 9)])
def test_what_a_selector_makes_is_bounded(selector: str):
    """Nine doublings of a small document are fine, of a large one they are a bomb made of one line."""
    assert document(b"[1]", selector=selector)
    assert "far more" in failure(b'["' + b"x" * 100_000 + b'"]', selector=selector).why


def test_a_selector_that_was_never_checked_is_a_failure():
    """It may come out of a backup of another release."""
    assert failure(b"[1]", selector="a[?").reason is Reason.SELECTOR


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"), (b" \n", "is empty"), (b"NaN", "NaN is no number"), (b'{"a":NaN}', "NaN is no number"),
        (b"[1,-Infinity]", "Infinity is no number"), (b'"\\ud800"', "surrogate"), (b'"a\\udc00b"', "surrogate"),
        (b'{"\\ud83d":1}', "surrogate"), (b'["\\ud83d\\ude00", "\\ud800"]', "surrogate"),
        (b"[" + b"1" * 5_000, "4,300 digits"),
        (b'"abc', "truncated"), (b"<a>", "XML or a web page"), (b"{'a':1}", "not JSON"),
        (b"1e400", "range of a double"),
    ],
)  # fmt: skip
def test_a_failure_says_what_is_wrong(data: bytes, said: str):
    """In words that lead to the mistake; the decoder calls half a surrogate pair "truncated"."""
    assert said in failure(data, format="json").why


def test_the_last_of_several_members_of_a_name_counts():
    """RFC 8259 leaves it open; browsers, Python and most others take the last."""
    assert document(b'{"a":1,"b":2,"a":3}') == {"a": 3, "b": 2}


def test_commas_and_brackets_inside_of_texts_are_no_nodes():
    """A long text of prose is one value."""
    text = '{"a": "' + '[,{\\"' * NODES_MAX + '"}'
    assert document(text.encode())["a"].startswith("[,{")


def test_a_text_without_an_end_costs_no_more_than_one_with_an_end():
    """Beside many commas its quotes are looked through: once, not once more from each of a million of them."""
    assert failure(b"[" + b"," * NODES_MAX + b'"' + b'\\"' * 1_000_000).reason is Reason.PARSE


def test_a_bomb_of_nodes_is_refused_before_anything_is_made_of_it():
    """Two bytes would become an object of 64: counted first, the text costs no more than itself."""
    for data in (
        b"[" + b"{}," * 3_000_000 + b"{}]",
        b"<r>" + b"<a/>" * 2_000_000 + b"</r>",
        b"<r>" + b"<a b='' />" * 900_000 + b"</r>",
    ):
        tracemalloc.start()
        assert "nodes" in failure(data).why
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 3 * len(data) + 1_000_000


@pytest.mark.parametrize(
    ("pointers", "left"),
    [
        (("/at",), {"items": [{"p": 1, "at": 5}, {"p": 2, "at": 6}]}),
        (("/items/*/at", "/at"), {"items": [{"p": 1}, {"p": 2}]}),
        (("/items/0",), {"items": [{"p": 2, "at": 6}], "at": 9}),
        (("/items/*",), {"items": [], "at": 9}),
        (("/none", "/items/7", "/items/p", "/at/x"), {"items": [{"p": 1, "at": 5}, {"p": 2, "at": 6}], "at": 9}),
        (("/*",), {}),
    ],
)
def test_ignored_parts_are_not_in_the_document(pointers: tuple[str, ...], left: Any):
    """What is not watched cannot be a change."""
    data = b'{"items":[{"p":1,"at":5},{"p":2,"at":6}],"at":9}'
    assert document(data, ignore=pointers) == left


def test_pointers_are_unescaped():
    """RFC 6901: ~1 is a slash and ~0 a tilde."""
    assert document(b'{"a/b":1,"c~d":2,"e":3}', ignore=("/a~1b", "/c~0d")) == {"e": 3}


def test_a_part_that_a_selector_took_twice_loses_an_item_in_each_place_once():
    """Both places hold the same list; removing by index must not hit it twice."""
    data = b'{"l":[1,2,3]}'
    assert document(data, selector="{x: l, y: l}", ignore=("/x/0", "/y/0")) == {"x": [2, 3], "y": [2, 3]}
