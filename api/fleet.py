"""GET /fleet: workers, who owns which shard and since when, how many tasks are wanted, and Google's quota."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from api import door
from api.achievable import quota_shown
from api.fleet_shown import Tasks, kind_shown
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, log, serve
from contracts.clock import NowMs, iso
from contracts.kinds import SourceType
from contracts.sharding import SHARD_ROW_BUCKETS
from contracts.table import fleet, google_demand
from contracts.table.fleet import Shard, Worker
from contracts.table.google_demand import Summary
from contracts.table.schema import TableNames
from contracts.table.values import Item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecs import ECSClient

QUERIES_AT_ONCE_MAX = 8
#: Pages of one partition: a roster of 10,000 workers is far below this.
PAGES_MAX = 16


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What the fleet is seen through. `services` names each kind's cluster and service; without an image none."""

    dynamodb: "DynamoDBClient"
    ecs: "ECSClient"
    tables: TableNames
    shards: Mapping[SourceType, int]
    services: Mapping[str, Mapping[str, str]]
    now_ms: NowMs


def show_fleet(request: Request, *, sight: Sight) -> Response:
    """Answer with both kinds, and with what is wished for of Google's quota."""
    request.allow_parameters()
    with ThreadPoolExecutor(QUERIES_AT_ONCE_MAX) as threads:
        counting = {kind: threads.submit(_tasks, sight, kind) for kind in sight.shards}
        wishes = threads.submit(sight.dynamodb.get_item, **google_demand.get(sight.tables.budget))
        read = {kind: _read(sight, kind, threads) for kind in sight.shards}
        now_ms = sight.now_ms()
        kinds = {
            kind: kind_shown(workers, rows, shards=sight.shards[kind], tasks=counting[kind].result(), now_ms=now_ms)
            for kind, (workers, rows) in read.items()
        }
        google = quota_shown(Summary.read(wishes.result().get("Item")))
    return json_response({"at": iso(now_ms), "kinds": kinds, "google": google})


def _read(sight: Sight, kind: SourceType, threads: ThreadPoolExecutor) -> tuple[list[Worker], list[Shard]]:
    table = sight.tables.fleet
    queries = [fleet.roster(table, kind), *(fleet.shards(table, kind, n) for n in range(SHARD_ROW_BUCKETS))]
    workers, *buckets = threads.map(partial(_rows, sight.dynamodb), queries)
    return [Worker.read(row) for row in workers], [Shard.read(row) for bucket in buckets for row in bucket]


def _rows(dynamodb: "DynamoDBClient", query: dict[str, Any]) -> list[Item]:
    rows: list[Item] = []
    for _ in range(PAGES_MAX):
        answer = dynamodb.query(**query)
        rows += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            break
        query = query | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return rows


def _tasks(sight: Sight, kind: SourceType) -> Tasks | None:
    """Ask how many tasks a service wants and has; None where there is no service, or ECS does not say."""
    names = sight.services.get(kind.value)
    if not names:
        return None
    try:
        found = sight.ecs.describe_services(cluster=names["cluster"], services=[names["service"]])["services"]
    except (BotoCoreError, ClientError) as error:  # who owns what is worth seeing even so
        log({"what": "fleet", "event": "tasks_unread", "kind": kind.value, "error": type(error).__name__})
        return None
    return Tasks.read(found[0]) if found else None


@cache
def _act() -> Act:
    shards = {
        SourceType.EXTERNAL: int(os.environ["EXTERNAL_SHARDS"]),
        SourceType.GOOGLE_SHEET: int(os.environ["SHEET_SHARDS"]),
    }
    sight = Sight(
        dynamodb=door.dynamodb(), ecs=door.ecs(), tables=TableNames.from_environ(os.environ), shards=shards,
        services=json.loads(os.environ.get("SERVICES", "{}")), now_ms=door.wall_ms,
    )  # fmt: skip
    return partial(show_fleet, sight=sight)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="fleet", make=_act, now_ms=door.wall_ms)
