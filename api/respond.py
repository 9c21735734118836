"""From event to answer: every endpoint is served here, and leaves one line in the log."""

import base64
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from api.problem import MEDIA_TYPE, Problem, try_again
from api.request import Request
from api.scopes import needed
from contracts.clock import NowMs, iso

type Event = Mapping[str, Any]
type Answer = dict[str, Any]

#: Of `X-Forwarded-For`: the end is what CloudFront and API Gateway wrote, before it stand the caller's own words.
FORWARDED_LENGTH_MAX = 128

#: Answers name people's sources and hold their data: nobody between may keep, sniff, frame or run them.
SECURITY_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, kw_only=True)
class Response:
    """What an endpoint answers; `source_id` names in the log what it was about, `fields` which were set: names only."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    source_id: str = ""
    fields: Sequence[str] = ()


type Act = Callable[[Request], Response]


def json_response(
    document: Any,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    source_id: str = "",
    fields: Sequence[str] = (),
) -> Response:
    """Answer with a JSON document."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Response(
        status=status, body=body, headers={"content-type": "application/json", **(headers or {})},
        source_id=source_id, fields=fields,
    )  # fmt: skip


def serve(event: Event, *, what: str, make: Callable[[], Act], now_ms: NowMs) -> Answer:
    """Answer an event with what `make()` makes of it; whatever happens, the caller gets a status of ours."""
    started_ms = now_ms()
    line: dict[str, Any] = {"what": what, "at": iso(started_ms)}
    response = _guarded(event, make, line, now_ms)
    line |= {"status": response.status.value, "ms": now_ms() - started_ms}
    if response.source_id:
        line["source"] = response.source_id
    if response.fields:
        line["fields"] = list(response.fields)
    log(line)
    return _answer(response, line.get("request", ""))


def log(line: Mapping[str, Any]) -> None:
    """Write one line of JSON."""
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _guarded(event: Event, make: Callable[[], Act], line: dict[str, Any], now_ms: NowMs) -> Response:
    try:
        return _perform(event, make, line, now_ms)
    except Problem as problem:
        return _problem(problem)
    except Exception as error:  # noqa: BLE001 - the last line: a caller must get a document, an operator the place
        line |= {"error": type(error).__name__, "code": _code(error), "where": _where(error)}
        return _problem(_of_aws(error))


def _perform(event: Event, make: Callable[[], Act], line: dict[str, Any], now_ms: NowMs) -> Response:
    line["request"] = str((event.get("requestContext") or {}).get("requestId", ""))
    request = Request.read(event)
    line |= {"from": request.address} | ({"source": request.source_id[:64]} if request.source_id else {})
    if forwarded := request.headers.get("x-forwarded-for", ""):
        line["forwarded"] = forwarded[-FORWARDED_LENGTH_MAX:]
    if request.right is None:
        raise Problem(status=HTTPStatus.UNAUTHORIZED, detail="no token was shown")
    line["principal"] = request.right.principal
    if not request.right.allows(needed(request.route_key), now_ms()):
        raise Problem(status=HTTPStatus.FORBIDDEN, detail="the token does not allow this")
    return make()(request)


def _of_aws(error: Exception) -> Problem:
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0) if isinstance(error, ClientError) else 0
    throttled = _code(error) in {"ThrottlingException", "ProvisionedThroughputExceededException"}
    if isinstance(error, BotoCoreError) or throttled or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return try_again("a service behind this one did not answer")
    return Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, detail="our mistake; the log knows it by the request id")


def _code(error: Exception) -> str:
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def _where(error: Exception) -> list[str]:
    """Name the places, never the text of an error, which may quote what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


def _problem(problem: Problem) -> Response:
    body = json.dumps(problem.document(), separators=(",", ":")).encode()
    return Response(status=problem.status, body=body, headers={"content-type": MEDIA_TYPE, **problem.headers})


def _answer(response: Response, request_id: str) -> Answer:
    packed = "content-encoding" in response.headers
    return {
        "statusCode": response.status.value,
        "headers": {**SECURITY_HEADERS, "x-request-id": request_id, **response.headers},
        "body": base64.b64encode(response.body).decode() if packed else response.body.decode(),
        "isBase64Encoded": packed,
    }
