"""
An answer's bytes to a document in canonical form.

Pure and picklable, because large answers are read in another process.
"""

from dataclasses import dataclass
from typing import Self

from contracts.canonical import NotCanonical, canonical, digest
from contracts.source import SourceFields
from fetching.decode import TooLarge, Undecodable
from fetching.failures import too_large
from fetching.outcome import Failed, Reason
from fetching.parse import Format, Unparsable, parse
from fetching.select import SelectorFailed, ignore, select, unshared
from fetching.text import Unreadable, text_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a source's answers are to be read."""

    format: Format = "auto"
    selector: str = ""
    ignore: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: SourceFields) -> Self:
        """Take it from what a person set."""
        return cls(format=fields.data_format, selector=fields.selector, ignore=tuple(fields.ignore))


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One state of a source: its canonical bytes and their hash."""

    canonical: bytes
    hash: str


def read(decoded: bytes, content_type: str, how: Reading) -> Document | Failed:
    """Read an answer's decoded bytes; whatever is wrong with them comes back as a failure."""
    try:
        document = select(parse(text_of(decoded, content_type), how.format), how.selector)
        if how.selector and how.ignore:
            document = unshared(document)
        written = canonical(ignore(document, how.ignore))
    except (Unreadable, Unparsable, NotCanonical) as error:
        return Failed(reason=Reason.PARSE, why=str(error))
    except SelectorFailed as error:
        return Failed(reason=Reason.SELECTOR, why=str(error))
    return Document(canonical=written, hash=digest(written))


def undecodable(error: Undecodable | TooLarge) -> Failed:
    """Say what is wrong with a content coding."""
    if isinstance(error, TooLarge):
        return too_large(str(error))
    return Failed(reason=Reason.ENCODING, why=str(error))
