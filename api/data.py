"""GET /datasources/{sourceId}/data: the newest document, or where to fetch it."""

import os
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from api import door
from api.documents import Documents
from api.problem import Problem, no_such_source, try_again
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from api.rows import read_head, read_row
from contracts.bodies import BUCKET, GZIP, unpack
from contracts.table import heads
from contracts.table.heads import Head, Ref

#: A Lambda answers with at most 6 MB (AWS), the escapes of its JSON wrapping included.
ANSWER_BYTES_MAX = 5_000_000
URL_TTL_S = 300
#: Between reading the head and its body a commit may move on; twice in a row is something else.
READS_MAX = 2


def get_data(request: Request, documents: Documents) -> Response:
    """Answer with the newest document; its ETag is where it stands in the source's history."""
    request.allow_parameters()
    for _ in range(READS_MAX):
        head = read_head(documents.dynamodb, documents.table, request.source_id)
        if head is None:
            raise no_such_source()
        if head.ref is None:
            raise Problem(status=HTTPStatus.NOT_FOUND, detail="no data yet")
        if _has(request, _etag(head)):
            return Response(status=HTTPStatus.NOT_MODIFIED, headers=_position(head))
        found = _document(request, documents, head, head.ref)
        if found:
            return found
    raise try_again("the document is being fetched anew")


def _document(request: Request, documents: Documents, head: Head, ref: Ref) -> Response | None:
    """Answer with what the head points to; None if it is gone."""
    if ref.encoding == BUCKET:
        url = _presigned(documents, ref)
        return json_response({"ref": {"url": url, "bytes": ref.bytes, "hash": head.hash}}, headers=_position(head))
    body = read_row(documents.dynamodb, heads.get(documents.table, ref.id))
    if body is None:
        return None
    headers = {"content-type": "application/json", **_position(head)}
    document = unpack(ref.encoding, body["data"])
    if len(document) + document.count(b'"') + document.count(b"\\") <= ANSWER_BYTES_MAX:
        return Response(body=document, headers=headers)
    return _as_stored(request, body["data"], headers)


def _as_stored(request: Request, packed: bytes, headers: dict[str, str]) -> Response:
    """Answer with a document whose gzip is small (it is a table's item) while its text is beyond any answer."""
    if GZIP not in request.headers.get("accept-encoding", ""):
        raise Problem(status=HTTPStatus.NOT_ACCEPTABLE, detail="a document this large is sent only as gzip")
    return Response(body=packed, headers=headers | {"content-encoding": GZIP, "vary": "accept-encoding"})


def _presigned(documents: Documents, ref: Ref) -> str:
    place = {"Bucket": documents.bucket, "Key": ref.id}
    shown_as = {"ResponseContentType": "application/json", "ResponseContentEncoding": GZIP}
    return documents.s3.generate_presigned_url("get_object", Params=place | shown_as, ExpiresIn=URL_TTL_S)


def _position(head: Head) -> dict[str, str]:
    return {
        "cache-control": "private, no-cache",
        "etag": _etag(head),
        "x-incarnation": head.incarnation,
        "x-version": str(head.version),
        "x-hash": head.hash,
    }


def _etag(head: Head) -> str:
    return f'"{head.incarnation}-{head.version}"'


def _has(request: Request, etag: str) -> bool:
    """Compare weakly, as If-None-Match is (RFC 9110 13.1.2)."""
    shown = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    return etag in shown or "*" in shown


@cache
def _act() -> Act:
    return partial(get_data, documents=Documents.at_the_door(os.environ))


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="data", make=_act, now_ms=door.wall_ms)
