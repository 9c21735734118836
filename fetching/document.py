"""
An answer's bytes to a document in canonical form.

Pure and picklable, because large answers are read in another process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import msgspec

from contracts.canonical import NotCanonical, canonical, digest
from fetching.decode import TooLarge, Undecodable
from fetching.failures import too_large
from fetching.lists import asked_for, steady
from fetching.outcome import Failed, Reason
from fetching.parse import Format, Unparsable, format_of, parse
from fetching.select import SelectorFailed, ignore, select, unshared
from fetching.text import Unreadable, text_of
from fetching.tolerance import settled
from fetching.unordered import ordered

if TYPE_CHECKING:  # pydantic doubles the start of a Lambda
    from contracts.source import SourceFields

#: Numbers of a canonical text need no second look: its integers are written as such.
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a source's answers are to be read."""

    format: Format = "auto"
    selector: str = ""
    ignore: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    tolerance: float = 0

    @classmethod
    def of(cls, fields: "SourceFields") -> Self:
        """Take it from what a person set."""
        return cls(
            format=fields.data_format,
            selector=fields.selector,
            ignore=tuple(fields.ignore),
            unordered=tuple(fields.unordered),
            tolerance=fields.tolerance,
        )

    def wants_last(self, *, xml: bool) -> bool:
        """Tell whether what a document becomes depends on the last one."""
        return xml or self.tolerance > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One state of a source: its canonical bytes and their hash."""

    canonical: bytes
    hash: str
    #: Lists of XML that it cannot tell of, because their parents are gone (`fetching.lists`).
    untold: tuple[str, ...] = ()


def read(
    decoded: bytes, content_type: str, how: Reading, last: bytes | None = None, untold: Sequence[str] = ()
) -> Document | Failed:
    """
    Read an answer's decoded bytes; whatever is wrong with them comes back as a failure.

    `last` is the last reported document in canonical form, where there is one: numbers that wobble are held against
    it, and what is a list in it stays one, as do the lists that it could not tell of (`untold`).
    """
    try:
        text = text_of(decoded, content_type)
        xml = format_of(text, how.format) == "xml"
        value = parse(text, how.format, lists=asked_for(how.selector))
    except (Unreadable, Unparsable) as error:
        return Failed(reason=Reason.PARSE, why=str(error))
    except SelectorFailed as error:
        return Failed(reason=Reason.SELECTOR, why=str(error))
    return of_value(value, how, last, untold, xml=xml)


def of_value(
    value: Any, how: Reading, last: bytes | None, untold: Sequence[str] = (), *, xml: bool = False
) -> Document | Failed:
    """Make the document of what was parsed, however it came; for `last` and `untold` see `read`."""
    try:
        shaped, left = _shaped(value, how, last, untold, xml=xml)
        written = canonical(shaped)
    except NotCanonical as error:
        return Failed(reason=Reason.PARSE, why=str(error))
    except SelectorFailed as error:
        return Failed(reason=Reason.SELECTOR, why=str(error))
    return Document(canonical=written, hash=digest(written), untold=left)


def _shaped(
    value: Any, how: Reading, last: bytes | None, untold: Sequence[str], *, xml: bool
) -> tuple[Any, tuple[str, ...]]:
    """Select, make lists steady, ignore, put into order, and settle: each step sees what the one before made."""
    document = select(value, how.selector)
    if how.selector and (how.ignore or how.unordered or how.tolerance):
        document = unshared(document)
    before = _decode(last) if last is not None and how.wants_last(xml=xml) else None
    left: tuple[str, ...] = ()
    if xml:
        document, left = steady(document, before, untold)
    document = ordered(ignore(document, how.ignore), how.unordered)
    if not how.tolerance or last is None:
        return document, left
    return settled(document, before, how.tolerance, unordered=how.unordered, texts=xml), left


def undecodable(error: Undecodable | TooLarge) -> Failed:
    """Say what is wrong with a content coding."""
    if isinstance(error, TooLarge):
        return too_large(str(error))
    return Failed(reason=Reason.ENCODING, why=str(error))
