"""GET /fleet: the workers of each kind, and who owns which shard."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from api import door
from api.request import Request
from api.respond import Act, Answer, Event, Response, json_response, serve
from contracts.clock import iso
from contracts.kinds import SourceType
from contracts.sharding import SHARD_ROW_BUCKETS
from contracts.table import fleet
from contracts.table.fleet import Shard, Worker
from contracts.table.schema import TableNames
from contracts.table.values import Item

if TYPE_CHECKING:  # the stubs are not deployed
    from mypy_boto3_dynamodb import DynamoDBClient

QUERIES_AT_ONCE_MAX = 8
#: Pages of one partition: a roster of 10,000 workers is far below this.
PAGES_MAX = 16


def show_fleet(
    request: Request, *, dynamodb: "DynamoDBClient", tables: TableNames, shards: dict[SourceType, int]
) -> Response:
    """Answer with both kinds."""
    request.allow_parameters()
    with ThreadPoolExecutor(QUERIES_AT_ONCE_MAX) as threads:
        kinds = {kind: _kind(dynamodb, tables.fleet, kind, count, threads) for kind, count in shards.items()}
    return json_response({"kinds": kinds})


def _kind(
    dynamodb: "DynamoDBClient", table: str, kind: SourceType, count: int, threads: ThreadPoolExecutor
) -> dict[str, Any]:
    queries = [fleet.roster(table, kind), *(fleet.shards(table, kind, n) for n in range(SHARD_ROW_BUCKETS))]
    workers, *rows = threads.map(partial(_rows, dynamodb), queries)
    owners = {shard.number: shard.owner for bucket in rows for shard in map(Shard.read, bucket) if shard.owner}
    return {
        "shards": count,
        "workers": [_worker(Worker.read(row)) for row in workers],
        "owners": {str(shard): owners[shard] for shard in sorted(owners)},
    }


def _worker(worker: Worker) -> dict[str, Any]:
    return {
        "id": worker.id,
        "state": worker.state,
        "beat": worker.beat,
        "beatAt": iso(worker.beat_at_ms) if worker.beat_at_ms else None,
        "owned": len(worker.owned),
        "load": worker.load,
        "overdueMs": worker.overdue_ms,
    }


def _rows(dynamodb: "DynamoDBClient", query: dict[str, Any]) -> list[Item]:
    rows: list[Item] = []
    for _ in range(PAGES_MAX):
        answer = dynamodb.query(**query)
        rows += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            break
        query = query | {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    return rows


@cache
def _act() -> Act:
    shards = {
        SourceType.EXTERNAL: int(os.environ["EXTERNAL_SHARDS"]),
        SourceType.GOOGLE_SHEET: int(os.environ["SHEET_SHARDS"]),
    }
    return partial(show_fleet, dynamodb=door.dynamodb(), tables=TableNames.from_environ(os.environ), shards=shards)


def handler(event: Event, _context: Any) -> Answer:
    """Be called by Lambda."""
    return serve(event, what="fleet", make=_act, now_ms=door.wall_ms)
