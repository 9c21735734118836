"""The same questions for three answerers: memory, moto and the embedded AWS. What one of them cannot do, fails."""

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contracts.table.schema import FIELDS, SCHEMAS, TableNames, create_table
from local import emulator
from local.aws import ROOT as ROOT_KEYS
from local.children import clean_environment, stop
from local.memory import NAMES, Memory
from local.ports import HOST, free

REPOSITORY = Path(__file__).parents[3]
REGION = "eu-central-1"
STOP_TIMEOUT_S = 5

#: What the requests below are sent to: boto3's client, or what answers like it.
type Client = Any

_serial = itertools.count()

#: Another engine to hold the suite to: AWS's DynamoDB Local, for one. Its tables are left behind.
ENDPOINT = os.environ.get("DYNAMODB_ENDPOINT")


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Start an embedded AWS of our own."""
    port = free(0)
    with tempfile.TemporaryDirectory(prefix="aws-") as name:
        scratch = Path(name)
        environment = clean_environment(scratch, scratch)
        child = emulator.start(REPOSITORY, port=port, scratch=scratch, log=scratch / "log", environment=environment)
        try:
            emulator.wait_until_ready(child, f"http://{HOST}:{port}", sleep=time.sleep)
            yield f"http://{HOST}:{port}"
        finally:
            stop(child, timeout_s=STOP_TIMEOUT_S)


@pytest.fixture(params=["memory", "moto", "embedded", *(["endpoint"] if ENDPOINT else [])])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Give a client whose tables are empty and named by `tables`."""
    match request.param:
        case "memory":
            yield Memory()
        case "moto":
            with mock_aws():
                yield _with_tables(_connect(None), NAMES)
        case "endpoint":
            yield _with_tables(_connect(ENDPOINT), request.getfixturevalue("tables"))
        case _:
            yield request.getfixturevalue("embedded")


@pytest.fixture
def embedded(endpoint: str, tables: TableNames) -> Client:
    """Give a client of the embedded AWS."""
    return _with_tables(_connect(endpoint), tables)


@pytest.fixture(params=["memory", "embedded"])
def shared(request: pytest.FixtureRequest) -> Client:
    """Give a client for what moto cannot do: it decides and writes in two steps, and ignores request tokens."""
    return Memory() if request.param == "memory" else request.getfixturevalue("embedded")


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> TableNames:
    """Name the tables: the embedded AWS keeps those of earlier tests, so there they get new names."""
    if not any(kept in request.node.name for kept in ("embedded", "endpoint")):
        return NAMES
    mark = f"{os.getpid()}-{next(_serial)}"
    return replace(NAMES, **{field: f"{getattr(NAMES, field)}-{mark}" for field in FIELDS.values()})


@pytest.fixture
def refused() -> Callable[..., Any]:
    """Send a request that must be refused, and give the error."""

    def sent(
        call: Callable[..., Any], request: dict[str, Any], *, code: str = "ConditionalCheckFailedException"
    ) -> Any:
        with pytest.raises(Exception, match=code) as caught:
            call(**request)
        return caught.value

    return sent


@cache  # a client takes long to make, and serves every account that is mocked
def _connect(endpoint: str | None) -> Client:
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ROOT_KEYS.access_key_id,
        aws_secret_access_key=ROOT_KEYS.secret_access_key,
    )


def _with_tables(client: Client, names: TableNames) -> Client:
    for logical, schema in SCHEMAS.items():
        client.create_table(**create_table(getattr(names, FIELDS[logical]), schema))
    return client
