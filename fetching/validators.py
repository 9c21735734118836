"""What a server gives to be asked again with: only what will be another once the document is."""

from collections.abc import Mapping

from fetching.outcome import Validators
from fetching.server_time import date_s


def validators_of(url: str, given: Mapping[str, str]) -> Validators:
    """
    Take them out of an answer's headers, verbatim.

    A document that was modified in the very second in which it was sent may be modified again in that second, and keep
    its Last-Modified (RFC 9110 8.8.2.2) and an ETag that is made of it (nginx: time and size). What is left out then
    comes with the next answer.
    """
    etag, modified = _sendable(given.get("ETag", "")), _sendable(given.get("Last-Modified", ""))
    modified_s, sent_s = date_s(modified), date_s(given.get("Date", ""))
    if modified_s is not None and sent_s is not None and modified_s >= sent_s:
        modified = ""
        etag = "" if f"{int(modified_s):x}" in etag else etag
    return Validators(url=url, etag=etag, last_modified=modified)


def text_of_header(value: str) -> str:
    """Give a header as text: bytes that are none, which aiohttp keeps as halves of surrogate pairs, become `?`."""
    return value.encode(errors="replace").decode()


def _sendable(value: str) -> str:
    """Give a validator; nothing where it is no text: it could neither be written down nor be sent as it came."""
    return value if text_of_header(value) == value else ""
