"""The Lambda's entry: WebSocket events, batches of the queue and the minute's call, told apart by their shape."""

import json
import os
import random
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
from boto3.session import Session
from botocore.config import Config
from botocore.httpsession import get_cert_path

from contracts.signature import Credentials
from contracts.table.schema import TableNames
from ws import measures, minute, records, sockets
from ws.budget import DEFAULT_QUOTA_PER_S, Budget
from ws.fan_out import TimeLeftMs
from ws.poster import Place, Poster
from ws.signature import Signer
from ws.world import World

#: What a pass asks of tables side by side.
TABLE_CALLS_AT_ONCE_MAX = 16

#: The SDK's own time-outs are a minute each: a hung socket would eat the whole invocation.
TABLES_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    max_pool_connections=TABLE_CALLS_AT_ONCE_MAX,
    retries={"total_max_attempts": 3, "mode": "standard"},
)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Serve one invocation and log one line about it."""
    began = time.monotonic()
    response, line = serve(world(), event, context.get_remaining_time_in_millis)
    line["ms"] = round((time.monotonic() - began) * 1_000, 1)
    print(json.dumps(measures.measured(world(), line)))  # noqa: T201 - a Lambda's log is its standard output
    return response


def serve(world: World, event: Mapping[str, Any], time_left_ms: TimeLeftMs) -> tuple[dict[str, Any], dict[str, Any]]:
    """Serve one event; gives the response and what to log."""
    if "Records" in event:
        consumed = records.consume(world, event["Records"], time_left_ms)
        return consumed.response(), {"event": "queue", "records": len(event["Records"]), **vars(consumed)}
    if "minute" in event:
        return {}, {"event": "minute", **vars(minute.sweep(world, time_left_ms))}
    return sockets.serve(world, event)


@cache
def world() -> World:
    """Make the clients, once per process: the first connection costs more than the rest of an invocation."""
    environ = os.environ
    session = boto3.session.Session()
    dynamodb = session.client("dynamodb", config=TABLES_CONFIG)
    tables = TableNames.from_environ(environ)
    return World(
        dynamodb=dynamodb,
        sqs=session.client("sqs", config=TABLES_CONFIG),
        s3=session.client("s3", config=TABLES_CONFIG),
        post=poster(session, environ["CALLBACK_URL"]),
        budget=Budget(
            dynamodb=dynamodb,
            table=tables.budget,
            quota_per_s=int(environ.get("REQUESTS_PER_SECOND", DEFAULT_QUOTA_PER_S)),
            now_ms=wall_ms,
            sleep=time.sleep,
        ),
        pool=ThreadPoolExecutor(TABLE_CALLS_AT_ONCE_MAX, thread_name_prefix="tables"),
        tables=tables,
        queue_url=environ["QUEUE_URL"],
        dead_letter_url=environ["DEAD_LETTER_URL"],
        documents_bucket=environ["DOCUMENTS_BUCKET"],
        now_ms=wall_ms,
        sleep=time.sleep,
        stack=environ.get("STACK", ""),
    )


def poster(session: Session, url: str) -> Poster:
    """Post with the process's own credentials, which a role renews, and trust whom boto3 trusts."""
    place = Place.read(url)

    def credentials() -> Credentials:
        found = session.get_credentials()
        frozen = found and found.get_frozen_credentials()
        if not frozen or not frozen.access_key or not frozen.secret_key:
            raise RuntimeError("no AWS credentials to sign posts with")
        return Credentials(access_key=frozen.access_key, secret_key=frozen.secret_key, token=frozen.token)

    signer = Signer(host=place.netloc, stage=place.path, region=session.region_name, credentials=credentials)
    return Poster(
        url,
        signer,
        now_s=time.time,
        chance=random.Random(),  # noqa: S311 - spreads retries, guards nothing
        tls=lambda: ssl.create_default_context(cafile=get_cert_path(verify=True)),
    )


def wall_ms() -> int:
    """Tell the time."""
    return time.time_ns() // 1_000_000
