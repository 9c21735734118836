"""Looking at one source."""

from functools import partial

import pytest

from api.get import get_source
from tests.api.account import Answer, Aws, Caller
from tests.api.stored import commit


def look(caller: Caller, source_id: str) -> Answer:
    """Get a source."""
    act = partial(get_source, dynamodb=caller.aws.dynamodb, tables=caller.aws.tables, quota=caller.aws.quota())
    return caller.call(act, "GET /datasources/{sourceId}", source_id=source_id)


def test_a_source_is_shown_with_its_head(aws: Aws, caller: Caller):
    """And with the revision that an update must name."""
    source = caller.register().json
    body = commit(aws, source["id"], [1])
    answer = look(caller, source["id"])
    head = {
        "incarnation": source["incarnation"], "version": 1, "hash": body.ref.id.rpartition("@")[2],
        "lastUpdated": "2026-11-18T11:06:40.000Z",
    }  # fmt: skip
    assert (answer.status, answer.json) == (200, source | {"head": head, "subscribers": 0})
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    "source_id", ["external-00000000", "nothing", "../x", "external-0000000g", "x" * 4_000, "\ud800"]
)
def test_what_is_not_there_is_not_found(caller: Caller, source_id: str):
    """Whatever it looks like."""
    assert look(caller, source_id).status == 404
