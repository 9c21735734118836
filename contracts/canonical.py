"""
The canonical form of a document: what decides whether two states are the same.

JSON after RFC 8785 (keys in UTF-16 order, ECMAScript numbers) with one widening: integers beyond 2^53 keep every
digit. So `1` and `1.0` are one number, `1` and `true` are not, and two ids that differ in their last digit differ.
The vectors in `tests/protocol/canonical.json` hold this module and the dashboard's to the same bytes.
"""

import hashlib
import json
import math
import re
from decimal import Decimal
from typing import Any

import msgspec

#: From here on ECMAScript writes a number with an exponent (ECMA-262, Number::toString).
EXPONENT_FROM = 1e21
EXPONENT_BELOW = 1e-6

HASH_LENGTH = 16

_encode_sorted = msgspec.json.Encoder(order="sorted").encode

# What msgspec may write differently from RFC 8785: exponents, integral floats and minus zero. A hit inside a string
# only costs the slow path.
_UNSURE_NUMBER = re.compile(rb"(?:\A|[:,\[])(?:-0(?:[,\]}]|\Z)|-?\d+(?:\.0(?:[,\]}]|\Z)|(?:\.\d+)?[eE]))")
# The same, coarser and ten times as fast: digits and ends made alike, then plain searches.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_DIGITS_AND_SIGNS = bytes.maketrans(b"123456789+-", b"00000000000")
_EXPONENT = b"0e0"
_ENDS_AND_SIGNS = bytes.maketrans(b"]}-", b",,.")
_ZERO = b".0,"
# The order of UTF-16 differs from that of UTF-8 only between code points beyond the BMP and U+E000 to U+FFFF.
_BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
_END_OF_BMP = re.compile(rb"[\xee\xef]")
# 16 digits may be more than 2^53; a hit inside a string, or a smaller number of 16 digits, only costs its reader time.
_LONG_INTEGER = re.compile(rb"(?:\A|[:,\[])-?\d{16}")
_LONG = b"0" * 16
#: Up to here every integral double is the integer that it is written as.
_EXACT_BELOW = 2.0**53


class NotCanonical(ValueError):
    """The value has no JSON form."""


def number(text: str) -> int | float:
    """
    Read a JSON number that has a fraction or an exponent, so that equal numbers become equal values.

    `1.0` and `1e2` come back as integers, so that comparing and patching need no second rule for them.
    """
    value = float(text)
    if value % 1 > 0:  # most of them; NaN, which infinity gives, is not
        return value
    if not math.isfinite(value):
        raise NotCanonical(f"the number {text[:40]} is outside the range of a double")
    return integral(value) if value.is_integer() and abs(value) < EXPONENT_FROM else value


def integral(value: float) -> int:
    """Turn an integral double below 1e21 into the integer ECMAScript writes for it (its shortest digits)."""
    return int(value) if abs(value) < _EXACT_BELOW else int(Decimal(repr(value)))


def canonical(document: Any) -> bytes:
    """Write a document in canonical form, as UTF-8. Its numbers are finite: no JSON text decodes to anything else."""
    try:
        quick = _encode_sorted(document)
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError) as error:
        raise NotCanonical(f"no canonical form: {error}") from error
    return _write(document).encode() if _unsure(quick) else quick


def digest(canonical_bytes: bytes) -> str:
    """Hash canonical bytes: 16 hex digits of SHA-256."""
    return hashlib.sha256(canonical_bytes).hexdigest()[:HASH_LENGTH]


def may_have_big_integer(canonical_bytes: bytes) -> bool:
    """Tell whether a reader that knows only doubles might round one of the integers (never wrongly no)."""
    return _LONG in canonical_bytes.translate(_DIGITS) and _LONG_INTEGER.search(canonical_bytes) is not None


def _unsure(quick: bytes) -> bool:
    if _may_be_unsure(quick) and _UNSURE_NUMBER.search(quick):
        return True
    if quick.isascii():
        return False
    return _BEYOND_BMP.search(quick) is not None and _END_OF_BMP.search(quick) is not None


def _may_be_unsure(quick: bytes) -> bool:
    if _EXPONENT in quick.translate(_DIGITS_AND_SIGNS):
        return True
    return _ZERO in quick.translate(_ENDS_AND_SIGNS) or quick.endswith((b".0", b"-0"))


def _write(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_text(key)}:{_write(item)}" for key, item in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, float):
        return _float(value)
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _float(value: float) -> str:
    """Write a double as ECMAScript does."""
    if value.is_integer() and abs(value) < EXPONENT_FROM:
        return str(integral(value))
    if abs(value) >= EXPONENT_FROM or abs(value) < EXPONENT_BELOW:
        mantissa, exponent = f"{Decimal(repr(value)).normalize():e}".split("e")
        return f"{mantissa}e{int(exponent):+d}"
    return f"{Decimal(repr(value)):f}"
