"""Where a list goes on: the last id of a page, opaque to callers."""

import base64
import binascii

from api.problem import bad_parameter
from api.rows import SOURCE_ID


def write(source_id: str) -> str:
    """Make the cursor of the page after this source."""
    return base64.urlsafe_b64encode(source_id.encode()).decode().rstrip("=")


def read(cursor: str) -> str:
    """Give the id a cursor was made of."""
    try:
        source_id = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise bad_parameter("cursor", "not a cursor of ours") from error
    if not SOURCE_ID.fullmatch(source_id):
        raise bad_parameter("cursor", "not a cursor of ours")
    return source_id
