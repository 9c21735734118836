"""Where a list goes on: the last id or version of a page, opaque to callers."""

import base64
import binascii
import re

from api.problem import Problem, bad_parameter
from api.rows import SOURCE_ID

_VERSION = re.compile(r"[1-9][0-9]{0,15}")


def write(source_id: str) -> str:
    """Make the cursor of the page after this source."""
    return _write(source_id)


def read(cursor: str) -> str:
    """Give the id a cursor was made of."""
    source_id = _read(cursor)
    if not SOURCE_ID.fullmatch(source_id):
        raise _not_ours()
    return source_id


def write_version(version: int) -> str:
    """Make the cursor of the page below this version."""
    return _write(str(version))


def read_version(cursor: str) -> int:
    """Give the version a cursor was made of."""
    version = _read(cursor)
    if not _VERSION.fullmatch(version):
        raise _not_ours()
    return int(version)


def _write(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _not_ours() from error


def _not_ours() -> Problem:
    return bad_parameter("cursor", "not a cursor of ours")
