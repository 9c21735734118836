"""The newest document: exact, cacheable, and by reference when it is large."""

import base64
import gzip
import json
import random
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from api import door
from api.data import get_data
from api.documents import Documents
from contracts.canonical import canonical, digest
from contracts.table import heads
from tests.api.account import Answer, Aws, Caller
from tests.api.stored import commit


def look(caller: Caller, source_id: str, **headers: str) -> Answer:
    """Get a source's document."""
    aws = caller.aws
    documents = Documents(dynamodb=aws.dynamodb, s3=aws.s3, table=aws.tables.sheets_data, bucket=aws.bucket)
    act = partial(get_data, documents=documents)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return caller.call(act, "GET /datasources/{sourceId}/data", source_id=source_id, headers=named)


@pytest.mark.parametrize("document", [{"b": 1.0, "a": 2**70}, ["Zürich \U0001f600"] * 9_000, [], "text", None])
def test_a_document_comes_back_exactly(aws: Aws, caller: Caller, document: Any):
    """As its canonical bytes, with where it stands in the source's history."""
    source = caller.register().json
    commit(aws, source["id"], document)
    answer = look(caller, source["id"])
    assert answer.body.encode() == canonical(document)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == f'"{source["incarnation"]}-1"'
    assert (answer.headers["x-version"], answer.headers["x-incarnation"]) == ("1", source["incarnation"])
    assert answer.headers["x-hash"] == digest(canonical(document))


def test_who_has_the_newest_document_is_not_sent_it_again(aws: Aws, caller: Caller):
    """Weak and listed tags count as well; an older one does not."""
    source = caller.register().json
    commit(aws, source["id"], [1])
    old = look(caller, source["id"]).headers["etag"]
    for shown in (old, f"W/{old}", f'"other", {old}', "*"):
        answer = look(caller, source["id"], if_none_match=shown)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, "", old)
    commit(aws, source["id"], [2])
    assert look(caller, source["id"], if_none_match=old).json == [2]


def test_before_the_first_poll_there_is_no_data_yet(caller: Caller):
    """Which is not the same as no such source."""
    source = caller.register().json
    answer = look(caller, source["id"])
    assert (answer.status, answer.json["detail"]) == (404, "no data yet")
    assert look(caller, "external-00000000").json["detail"] == "there is no source of that id"


def test_a_document_in_the_bucket_is_answered_by_reference(aws: Aws, caller: Caller):
    """A browser may not follow a redirect out of the page's policy, so it is told the address."""
    source = caller.register().json
    body = commit(aws, source["id"], [1], bucket=True)
    answer = look(caller, source["id"]).json["ref"]
    url = urlsplit(answer["url"])
    assert unquote(url.path).endswith(body.ref.id)
    assert parse_qs(url.query)["X-Amz-Expires"] == ["300"]
    assert (answer["bytes"], answer["hash"]) == (body.ref.bytes, digest(canonical([1])))


def test_a_document_beyond_an_answer_is_sent_as_the_gzip_it_is_kept_as(aws: Aws, caller: Caller):
    """It is small in the table and would be refused by Lambda as text."""
    source = caller.register().json
    document = ["the same again"] * 400_000
    commit(aws, source["id"], document)
    assert look(caller, source["id"]).status == 406
    answer = look(caller, source["id"], accept_encoding="br, gzip")
    assert answer.raw["isBase64Encoded"]
    assert json.loads(gzip.decompress(base64.b64decode(answer.body))) == document


def test_quotes_that_the_answer_must_escape_count(aws: Aws, caller: Caller):
    """4 MB of short strings are 6 MB once they are wrapped in Lambda's own JSON."""
    source = caller.register().json
    commit(aws, source["id"], ["a"] * 1_000_000)
    assert look(caller, source["id"]).status == 406


def test_a_body_that_is_gone_is_a_reason_to_come_back(aws: Aws, caller: Caller):
    """Its owner is fetching it anew."""
    source = caller.register().json
    body = commit(aws, source["id"], [random.Random(1).random()])
    aws.dynamodb.delete_item(**heads.delete(aws.tables.sheets_data, body.ref.id))
    answer = look(caller, source["id"])
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-5"])
def test_an_address_names_the_host_that_pages_may_fetch_from(region: str, monkeypatch: pytest.MonkeyPatch):
    """The page's policy has the bucket's regional host, which boto3 leaves out in the one region of old."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    url = door.s3().generate_presigned_url("get_object", Params={"Bucket": "documents", "Key": "a"})

    assert urlsplit(url).netloc == f"documents.s3.{region}.amazonaws.com"
