"""The fleet as the dashboard sees it."""

from functools import partial

from api.fleet import show_fleet
from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import Shard, Worker
from tests.api.account import NOW_MS, Aws, Caller


def test_the_fleet_shows_who_works_and_who_owns_what(aws: Aws, caller: Caller):
    """Both kinds, from the strongly read rows that the workers themselves go by."""
    kind, table = SourceType.EXTERNAL, aws.tables.fleet
    worker = Worker(id="w1", beat=3, owned=frozenset({5, 21}), load=2.5, overdue_ms=7, beat_at_ms=NOW_MS)
    aws.dynamodb.put_item(**fleet.join(table, kind, worker))
    aws.dynamodb.update_item(**fleet.renew(table, kind, worker))
    for number in (21, 5, 6):
        aws.dynamodb.put_item(**fleet.make_shard(table, kind, number))
    for number in (21, 5):
        aws.dynamodb.update_item(**fleet.claim(table, kind, Shard(number=number), by="w1", at_ms=NOW_MS))
    shards = {SourceType.EXTERNAL: 64, SourceType.GOOGLE_SHEET: 8}
    answer = caller.call(partial(show_fleet, dynamodb=aws.dynamodb, tables=aws.tables, shards=shards), "GET /fleet")
    shown = {
        "id": "w1", "state": "UP", "beat": 3, "beatAt": "2026-11-18T11:06:40.000Z", "owned": 2, "load": 2.5,
        "overdueMs": 7,
    }  # fmt: skip
    assert answer.json == {
        "kinds": {
            "external": {"shards": 64, "workers": [shown], "owners": {"5": "w1", "21": "w1"}},
            "googleSheet": {"shards": 8, "workers": [], "owners": {}},
        }
    }
