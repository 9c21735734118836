"""
What Google's refusals mean, by their reasons: one status stands for several things, and a person must act on each.

Google Cloud, "Errors" (google.rpc.Status) and Google Workspace, "Resolve errors" (the older `errors` list).
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from fetching.outcome import Failed, Reason

#: Quotas are counted by the minute.
RATE_LIMITED_WAIT_S = 60.0
_RATE_REASONS = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
        "dailyLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)
_OFF_REASONS = frozenset({"SERVICE_DISABLED", "accessNotConfigured"})
_TOO_MANY, _SERVER_ERROR = 429, 500


class Meaning(StrEnum):
    """What a refusal asks for."""

    RATE = "rate"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    API_OFF = "api_off"
    RANGE = "range"
    NOT_A_SHEET = "not_a_sheet"
    TOO_SLOW = "too_slow"
    SERVER = "server"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An answer that is no success."""

    status: int
    meaning: Meaning
    message: str = ""

    @classmethod
    def read(cls, status: int, body: bytes) -> Self:
        """Read an answer's status and body, which may be JSON of either form, HTML, or nothing."""
        error = _error(body)
        reasons = _reasons(error)
        message = error.get("message")
        return cls(
            status=status,
            meaning=_meaning(status, reasons, message if isinstance(message, str) else "", is_said=bool(error)),
            message=message[:200] if isinstance(message, str) else "",
        )


def failed(refusal: Refusal, *, email: str, ranges: str = "") -> Failed:  # noqa: PLR0911 - one return for each meaning
    """Say it to the person who registered the sheet."""
    match refusal.meaning:
        case Meaning.RATE:
            why = "Google answers that its quota is used up: other programs read with this project too"
            return Failed(reason=Reason.RATE_LIMITED, why=why, retry_after_s=RATE_LIMITED_WAIT_S)
        case Meaning.FORBIDDEN:
            why = f"Google does not let {email} read this spreadsheet: share it with that address (Viewer is enough)"
            return Failed(reason=Reason.UNAUTHORIZED, why=why)
        case Meaning.MISSING:
            why = f"there is no such spreadsheet, or it is not shared with {email} (Viewer is enough)"
            return Failed(reason=Reason.NOT_FOUND, why=why)
        case Meaning.API_OFF:
            why = f"the Google Sheets API is not switched on in the project of {email}: enable it in its console"
            return Failed(reason=Reason.UNAUTHORIZED, why=why)
        case Meaning.RANGE:
            return Failed(reason=Reason.SELECTOR, why=f"Google finds no tab or named range for {ranges or 'the range'}")
        case Meaning.NOT_A_SHEET:
            why = "this is no Google Sheet but a file kept as Office wrote it: in Sheets, File > Save as Google Sheets"
            return Failed(reason=Reason.STATUS, why=why)
        case Meaning.TOKEN:
            why = f"Google does not accept the key of {email}: was it deleted? Put a new one into the secret"
            return Failed(reason=Reason.KEY, why=why)
        case Meaning.TOO_SLOW:
            why = "Google gave up computing this sheet (it allows 180 s): watch smaller ranges, or simplify formulas"
            return Failed(reason=Reason.TIMEOUT, why=why)
        case Meaning.SERVER:
            return Failed(
                reason=Reason.SERVER_ERROR, why=f"Google answers {refusal.status}: the trouble is on its side"
            )
        case _:
            why = f"Google answers {refusal.status}: {refusal.message or 'without saying why'}"
            return Failed(reason=Reason.STATUS, why=why)


def _meaning(status: int, reasons: set[str], message: str, *, is_said: bool) -> Meaning:  # noqa: PLR0911 - a table of statuses
    if status == _TOO_MANY or reasons & _RATE_REASONS:
        return Meaning.RATE
    match status:
        case 403 | 404 if not is_said:
            return Meaning.OTHER  # a page of a gateway: it knows nothing of who may read the sheet
        case 401:
            return Meaning.TOKEN
        case 403:
            return Meaning.API_OFF if reasons & _OFF_REASONS else Meaning.FORBIDDEN
        case 404:
            return Meaning.MISSING
        case 400 if "Unable to parse range" in message:
            return Meaning.RANGE
        case 400 if "not supported for this document" in message:
            return Meaning.NOT_A_SHEET
        case 504:
            return Meaning.TOO_SLOW
    return Meaning.SERVER if status >= _SERVER_ERROR else Meaning.OTHER


def _error(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}  # a gateway's HTML page: the status says all there is
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict) else {}


def _reasons(error: dict[str, Any]) -> set[str]:
    """Gather the reasons of both forms."""
    listed = [*_dicts(error.get("errors")), *_dicts(error.get("details"))]
    return {one["reason"] for one in listed if isinstance(one.get("reason"), str)} | {str(error.get("status", ""))}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
