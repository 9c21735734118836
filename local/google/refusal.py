"""Google's error bodies, as they are seen in the wild: the newer form, and the older list that Drive still sends."""

import json
from typing import Any

from aiohttp import web

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def refusal(status: int, message: str, *details: dict[str, Any], name: str = "") -> web.Response:
    """Answer an error in the newer form."""
    error: dict[str, Any] = {"code": status, "message": message, "status": name or _STATUS_NAMES[status]}
    if details:
        error["details"] = list(details)
    return web.Response(status=status, text=json.dumps({"error": error}), content_type="application/json")


def over_quota(account: str, project: str) -> web.Response:
    """Answer that an account has read enough for this minute."""
    limit = "Read requests per minute per user"
    message = (
        f"Quota exceeded for quota metric 'Read requests' and limit '{limit}' of service 'sheets.googleapis.com'"
        f" for consumer 'project_number:{project}'."
    )
    info = {
        "@type": _ERROR_INFO,
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {
            "service": "sheets.googleapis.com",
            "quota_limit": "ReadRequestsPerMinutePerUser",
            "user": account,
        },
    }
    return refusal(429, message, info)


def not_shared() -> web.Response:
    """Answer that a spreadsheet is there, but not for this account."""
    return refusal(403, "The caller does not have permission")


def not_there() -> web.Response:
    """Answer that there is no such spreadsheet."""
    return refusal(404, "Requested entity was not found.")


def not_a_range(a1: str) -> web.Response:
    """Answer that a range names nothing."""
    return refusal(400, f"Unable to parse range: {a1}")


def an_office_file() -> web.Response:
    """Answer that this is an Office file in Drive."""
    return refusal(400, "This operation is not supported for this document", name="FAILED_PRECONDITION")


def not_signed_in() -> web.Response:
    """Answer that a token is missing, unknown or over."""
    return refusal(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")


def gateway_page() -> web.Response:
    """Answer as Google's front end does when what is behind it is down: HTML."""
    page = "<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>That is all we know.</html>"
    return web.Response(status=502, text=page, content_type="text/html")
