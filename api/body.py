"""The JSON body of a request: read strictly, whatever it is made of."""

import json
from http import HTTPStatus
from typing import Any, NoReturn

from api.problem import Problem, bad_request
from api.request import Request

BODY_BYTES_MAX = 256 * 1_024


def read_object(request: Request, *, bytes_max: int = BODY_BYTES_MAX) -> dict[str, Any]:
    """Read the body, which must be a JSON object of bounded size."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail="the media type must be application/json")
    if len(request.body) > bytes_max:
        raise Problem(status=HTTPStatus.CONTENT_TOO_LARGE, detail=f"a body has at most {bytes_max} bytes")
    document = _parse(request.body)
    if not isinstance(document, dict):
        raise bad_request("the body must be a JSON object")
    return document


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise bad_request("the body is nested too deeply") from error
    except ValueError as error:  # not UTF-8, not JSON, or an integer of more digits than Python reads
        raise bad_request("the body is not JSON") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
