"""Times as servers write them."""

from datetime import UTC
from email.utils import parsedate_to_datetime


def date_s(text: str) -> float | None:
    """Read a date of HTTP, in seconds since the epoch; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # a zone of a million hours is beyond what a timedelta holds
        return None
