"""A failing source in words that a person can act on. Texts of libraries are not passed on: they hold whole urls."""

import socket
from collections.abc import Mapping

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientPayloadError,
    InvalidURL,
    ServerDisconnectedError,
)
from yarl import URL

from contracts.clock import DAY_S
from fetching.gate import Forbidden
from fetching.outcome import Failed, Reason
from fetching.server_time import date_s

RETRY_AFTER_MAX_S = DAY_S

_STATUSES: Mapping[int, tuple[Reason, str]] = {
    401: (Reason.UNAUTHORIZED, "the server answers 401: its key is missing or wrong"),
    403: (Reason.UNAUTHORIZED, "the server answers 403: the key may not read this, or the poller is not welcome"),
    408: (Reason.SERVER_ERROR, "the server answers 408: it waited too long for the request"),
    425: (Reason.SERVER_ERROR, "the server answers 425: it wants to be asked again"),
    404: (Reason.NOT_FOUND, "the server answers 404: nothing is at this address"),
    410: (Reason.NOT_FOUND, "the server answers 410: what was at this address is gone for good"),
    413: (Reason.RATE_LIMITED, "the server answers 413: it asks to come back later"),
    429: (Reason.RATE_LIMITED, "the server answers 429: it wants fewer requests"),
}
_SERVER_ERRORS = 500


def failed_status(status: int, headers: Mapping[str, str]) -> Failed:
    """Say what a status means, and when the server wants to be asked again."""
    known = _STATUSES.get(status)
    if known:
        reason, why = known
    elif status >= _SERVER_ERRORS:
        reason, why = Reason.SERVER_ERROR, f"the server answers {status}: the trouble is on its side"
    else:
        reason, why = Reason.STATUS, f"the server answers {status}, not 200 with a document"
    return Failed(reason=reason, why=why, retry_after_s=retry_after_s(headers), status=status)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in both of its forms (RFC 9110 10.2.3); a date is taken by the server's own clock."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(min(int(asked[:9]), RETRY_AFTER_MAX_S))
    until, now = date_s(asked), date_s(headers.get("Date", ""))
    return None if until is None or now is None else min(max(until - now, 0.0), RETRY_AFTER_MAX_S)


def failed_to_reach(error: Exception, url: URL) -> Failed:
    """Say why there was no answer, or no whole one."""
    return _failed_to_reach(error, f"{url.host}:{url.port}")


def refused(why: str) -> Failed:
    """Say that the gate does not let a request through."""
    return Failed(reason=Reason.REFUSED, why=f"not requested: {why}")


def too_large(why: str) -> Failed:
    """Say that there is more than anyone should send."""
    return Failed(reason=Reason.TOO_LARGE, why=f"{why}: watch a smaller part of it")


def stray_not_modified() -> Failed:
    """Say that a 304 came to a question that did not ask for it."""
    return Failed(reason=Reason.STATUS, why="the server answers 304 (not modified) although it was not asked that")


def _failed_to_reach(error: Exception, where: str) -> Failed:  # noqa: PLR0911 - one return for each way to fail
    match error:
        case TimeoutError():
            return Failed(reason=Reason.TIMEOUT, why=f"{where} did not answer in time")
        case ClientConnectorError(os_error=Forbidden() as cause):
            return refused(str(cause))
        case Forbidden():
            return refused(str(error))
        case ClientConnectorDNSError() | socket.gaierror() | UnicodeError():
            return Failed(reason=Reason.DNS, why=f"the name of {where} cannot be found")
        case ClientConnectorCertificateError():
            why = f"the certificate of {where} is not valid: {_verify_message(error)}"
            return Failed(reason=Reason.CERTIFICATE, why=why)
        case ClientConnectorSSLError():
            return Failed(reason=Reason.TLS, why=f"{where} and the poller could not agree on an encrypted connection")
        case ClientConnectorError():
            return Failed(reason=Reason.CONNECT, why=f"no connection to {where}: {error.os_error.strerror}")
        case ServerDisconnectedError() | ClientPayloadError() | ConnectionError():
            return Failed(reason=Reason.RESET, why=f"{where} closed the connection before its answer was complete")
        case InvalidURL():
            return refused("the url is not valid")
        case _:
            return Failed(reason=Reason.STATUS, why=f"{where} does not answer in proper HTTP ({type(error).__name__})")


def _verify_message(error: ClientConnectorCertificateError) -> str:
    return getattr(error.certificate_error, "verify_message", "") or "it could not be verified"
