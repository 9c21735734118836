"""Text to a document. What JSON and XML may cost is bounded before and after."""

import re
from collections.abc import Sequence
from typing import Any, Literal
from xml.parsers import expat

import msgspec
import xmltodict

from contracts.canonical import number
from fetching.lists import Path, forced

type Format = Literal["json", "xml", "auto"]

DEPTH_MAX = 128
NODES_MAX = 500_000

_json = msgspec.json.Decoder(float_hook=number)
_plain_json = msgspec.json.Decoder()
_ZERO_FRACTION = re.compile(r"\.0+(?![0-9])")
_DIGITS_ALIKE = str.maketrans("123456789", "000000000")
_BYTES_ALIKE = bytes.maketrans(b"123456789", b"000000000")
#: So many digits may be more than a double holds.
_LONG_NUMBER = "0" * 300
_CONTAINERS = frozenset({dict, list})
#: Fits from any quote on, also where the text has no end: a search that failed would begin anew at each further quote.
_JSON_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_BYTE = re.compile(r"\(byte (\d+)\)")
_CONSTANT = re.compile(r"-?(NaN|Infinity)")
_HTML = re.compile(r"\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)


class Unparsable(ValueError):
    """The text is not the document that it should be."""


def format_of(text: str, wanted: Format) -> Literal["json", "xml"]:
    """
    Say as what a text is read.

    `auto` looks at the first character: `<` never begins JSON and always begins XML, whatever Content-Type claims.
    """
    if wanted == "auto":
        return "xml" if text.lstrip()[:1] == "<" else "json"
    return wanted


def parse(text: str, wanted: Format, *, lists: frozenset[Path] = frozenset()) -> Any:
    """
    Read a document.

    XML becomes what xmltodict makes of it: an element that comes once is a value, one that repeats is a list, and so
    is one at a place of `lists`.
    """
    if format_of(text, wanted) == "xml":
        document = _parse_xml(text, lists)
    elif text.lstrip()[:1] == "<":
        raise Unparsable("the answer is XML or a web page, not JSON")
    else:
        document = _parse_json(text)
    _check_shape(document)
    return document


def _parse_json(text: str) -> Any:
    _check_count(text)
    try:
        return (_json if _may_be_integral(text) else _plain_json).decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Unparsable(f"the answer is not JSON: {_why(text, error)}") from error
    except RecursionError as error:
        raise _too_deep() from error


def _may_be_integral(text: str) -> bool:
    """Tell whether a number may need a second look: `1.0` and `1e2` are integers, `1e400` is none that JSON can say."""
    if _ZERO_FRACTION.search(text):
        return True
    alike = text.translate(_DIGITS_ALIKE) if not text.isascii() else text.encode().translate(_BYTES_ALIKE).decode()
    return "0e" in alike or "0E" in alike or _LONG_NUMBER in alike


def _check_count(text: str) -> None:
    """
    Count the values of a JSON text before anything is made of them: two bytes can stand for an object of 64.

    Commas and brackets are at least as many as values; where these are too many, those inside of strings are left out.
    """
    if text.count(",") + text.count("[") + text.count("{") < NODES_MAX:
        return
    bare = _JSON_STRING.sub("", text)
    if bare.count(",") + bare.count("[") + bare.count("{") >= NODES_MAX:
        raise _too_many()


def _why(text: str, error: Exception) -> str:
    """Say what is wrong where the decoder's own words would mislead."""
    said = str(error)
    if not text.strip():
        return "it is empty"
    if _LONE_SURROGATE.search(text) and ("surrogate" in said or "truncated" in said):
        return "a text holds half of a surrogate pair, which is no character (RFC 8259 8.2)"
    at = _BYTE.search(said)
    constant = _CONSTANT.match(text.encode()[int(at[1]) :].decode(errors="replace")) if at else None
    if constant:
        return f"{constant[1]} is no number of JSON (RFC 8259 6)"
    return "an integer has more than 4,300 digits" if "out of range" in said else said


def _parse_xml(text: str, lists: frozenset[Path]) -> Any:
    if _HTML.match(text):
        raise Unparsable("the answer is a web page, not XML")
    data = text.encode()
    try:
        _Counter().look(data)
        return xmltodict.parse(data, encoding="utf-8", force_list=forced(lists) if lists else None)
    except (expat.ExpatError, ValueError) as error:
        raise Unparsable(f"the answer is not XML: {error}") from error


class _Counter:
    """
    Looks through an XML text once before anything is built of it: nodes, depth, and that there is no DOCTYPE.

    Elements and attributes are the nodes. A DOCTYPE could define entities: bombs, or files of this machine.
    """

    def __init__(self) -> None:
        self._nodes = self._depth = 0

    def look(self, data: bytes) -> None:
        """Raise Unparsable for the first thing that is too much."""
        parser = expat.ParserCreate("utf-8")
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._began
        parser.EndElementHandler = self._ended
        parser.Parse(data, True)

    def _began(self, _: str, attributes: Sequence[str]) -> None:
        self._nodes += 1 + len(attributes) // 2
        self._depth += 1
        if self._nodes > NODES_MAX:
            raise _too_many()
        if self._depth > DEPTH_MAX:
            raise _too_deep()

    def _ended(self, _: str) -> None:
        self._depth -= 1


def _refuse_doctype(*_: object) -> None:
    raise Unparsable("the XML has a DOCTYPE, which could define entities: it is not read")


def _too_many() -> Unparsable:
    return Unparsable(f"the document has more than {NODES_MAX} nodes: select less, or watch a smaller part")


def _too_deep() -> Unparsable:
    return Unparsable(f"the document is nested deeper than {DEPTH_MAX}")


def _check_shape(document: Any) -> None:
    """Bound depth and nodes level by level, without recursion; leaves are counted, not walked."""
    level, nodes = [document] if type(document) in _CONTAINERS else [], 1
    for _ in range(DEPTH_MAX):
        nodes += sum(map(len, level))
        if nodes > NODES_MAX:
            raise _too_many()
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return
    raise _too_deep()
