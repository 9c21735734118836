"""Google's answer to a document in canonical form. Pure and picklable, because large sheets are read elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fetching.document import Document, Reading, of_value
from fetching.outcome import Failed, Reason
from fetching.parse import Unparsable, parse
from fetching.sheets.settle import VOLATILE, Place, settle
from fetching.sheets.table import KeyColumnMissing, Shape, document_of

#: Numbers of a canonical text need no second look.
_decode = msgspec.json.Decoder().decode
_VOLATILE_BYTES = tuple(f'"{text}"'.encode() for text in VOLATILE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet as it was read: its document, and which of its cells are held at their last value, for how long."""

    document: Document
    held: Mapping[Place, int] = field(default_factory=dict)


def may_be_volatile(tables: Sequence[bytes]) -> bool:
    """Say, at a glance, whether a cell may only be being computed: only then the last document is needed."""
    return any(text in table for table in tables for text in _VOLATILE_BYTES)


def read(
    tables: Sequence[bytes], shape: Shape, how: Reading, *, known: bytes | None, held: Mapping[Place, int]
) -> Sheet | Failed:
    """Read the rows of each range (JSON); `known` is the last document told, where one is wanted."""
    try:
        cells = parse(b"".join((b"[", b",".join(tables), b"]")).decode(), "json")
        value: Any = document_of(cells, shape)
    except (Unparsable, UnicodeDecodeError) as error:
        return Failed(reason=Reason.PARSE, why=str(error))
    except KeyColumnMissing as error:
        return Failed(reason=Reason.SELECTOR, why=str(error))
    now_held: Mapping[Place, int] = {}
    if known is not None and may_be_volatile(tables):
        value, now_held = settle(value, _decode(known), held)
    found = of_value(value, how, known)
    return found if isinstance(found, Failed) else Sheet(document=found, held=now_held)
