"""The Lambda's entry: WebSocket events, batches of the queue and the minute's call, told apart by their shape."""

import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from contracts.table.schema import TableNames
from ws import minute, records, sockets
from ws.fan_out import TimeLeftMs
from ws.post import BotoPost
from ws.world import World

POSTS_IN_FLIGHT_MAX = 16

#: The SDK's own time-outs are a minute each: a hung socket would eat the whole invocation.
TABLES_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    max_pool_connections=POSTS_IN_FLIGHT_MAX,
    retries={"total_max_attempts": 3, "mode": "standard"},
)
#: A gateway that does not answer for one connection holds up that source's next news for all of these tries.
POSTS_CONFIG = Config(
    connect_timeout=1,
    read_timeout=1,
    max_pool_connections=POSTS_IN_FLIGHT_MAX,
    retries={"total_max_attempts": 3, "mode": "standard"},
)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Serve one invocation and log one line about it."""
    began = time.monotonic()
    response, line = serve(world(), event, context.get_remaining_time_in_millis)
    line["ms"] = round((time.monotonic() - began) * 1_000, 1)
    print(json.dumps(line))  # noqa: T201 - a Lambda's log is its standard output
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
    pool = ThreadPoolExecutor(POSTS_IN_FLIGHT_MAX, thread_name_prefix="post")
    gateway = boto3.client("apigatewaymanagementapi", endpoint_url=environ["CALLBACK_URL"], config=POSTS_CONFIG)
    return World(
        dynamodb=boto3.client("dynamodb", config=TABLES_CONFIG),
        sqs=boto3.client("sqs", config=TABLES_CONFIG),
        s3=boto3.client("s3", config=TABLES_CONFIG),
        post=BotoPost(gateway, pool),
        pool=pool,
        tables=TableNames.from_environ(environ),
        queue_url=environ["QUEUE_URL"],
        dead_letter_url=environ["DEAD_LETTER_URL"],
        documents_bucket=environ["DOCUMENTS_BUCKET"],
        now_ms=lambda: time.time_ns() // 1_000_000,
        sleep=time.sleep,
    )
