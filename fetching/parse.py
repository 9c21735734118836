"""Text to a document. What JSON and XML may cost is bounded before and after."""

import re
from typing import Any, Literal
from xml.parsers import expat

import msgspec
import xmltodict

from contracts.canonical import number

type Format = Literal["json", "xml", "auto"]

DEPTH_MAX = 128
NODES_MAX = 500_000

_json = msgspec.json.Decoder(float_hook=number)
_CONTAINERS = frozenset({dict, list})
_HTML = re.compile(r"\s*(?:<!doctype\s+html|<html)", re.IGNORECASE)


class Unparsable(ValueError):
    """The text is not the document that it should be."""


class _Found(Exception):
    """Ends a look at an XML prolog; `args[0]` says whether a DOCTYPE is there."""


def format_of(text: str, wanted: Format) -> Literal["json", "xml"]:
    """
    Say as what a text is read.

    `auto` looks at the first character: `<` never begins JSON and always begins XML, whatever Content-Type claims.
    """
    if wanted == "auto":
        return "xml" if text.lstrip()[:1] == "<" else "json"
    return wanted


def parse(text: str, wanted: Format) -> Any:
    """
    Read a document.

    XML becomes what xmltodict makes of it; so an element that comes once is a value, one that repeats is a list.
    """
    if format_of(text, wanted) == "xml":
        document = _parse_xml(text)
    elif text.lstrip()[:1] == "<":
        raise Unparsable("the answer is XML or a web page, not JSON")
    else:
        document = _parse_json(text)
    _check_shape(document)
    return document


def _parse_json(text: str) -> Any:
    try:
        return _json.decode(text)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Unparsable(f"the answer is not JSON: {error}") from error
    except RecursionError as error:
        raise Unparsable(f"the document is nested deeper than {DEPTH_MAX}") from error


def _parse_xml(text: str) -> Any:
    if _HTML.match(text):
        raise Unparsable("the answer is a web page, not XML")
    # Each element and attribute costs one of these; a million empty elements would take seconds.
    if text.count("<") + text.count("=") > 2 * NODES_MAX:
        raise Unparsable(f"the document has more than {NODES_MAX} nodes")
    data = text.encode()
    if b"<!DOCTYPE" in data and _has_doctype(data):
        raise Unparsable("the XML has a DOCTYPE, which could define entities: it is not read")
    try:
        return xmltodict.parse(data, encoding="utf-8")
    except (expat.ExpatError, ValueError) as error:
        raise Unparsable(f"the answer is not XML: {error}") from error


def _has_doctype(data: bytes) -> bool:
    """Tell a DOCTYPE from the same letters in a text: look only as far as the first element."""
    parser = expat.ParserCreate("utf-8")
    parser.StartDoctypeDeclHandler = lambda *_: _stop(found=True)
    parser.StartElementHandler = lambda *_: _stop(found=False)
    try:
        parser.Parse(data, True)
    except _Found as found:
        return bool(found.args[0])
    except expat.ExpatError:
        return False  # the real parse says what is wrong
    return False


def _stop(*, found: bool) -> None:
    raise _Found(found)


def _check_shape(document: Any) -> None:
    """Bound depth and nodes level by level, without recursion; leaves are counted, not walked."""
    level, nodes = [document] if type(document) in _CONTAINERS else [], 1
    for _ in range(DEPTH_MAX):
        nodes += sum(map(len, level))
        if nodes > NODES_MAX:
            raise Unparsable(f"the document has more than {NODES_MAX} nodes")
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return
    raise Unparsable(f"the document is nested deeper than {DEPTH_MAX}")
