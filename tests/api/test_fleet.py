"""The fleet as an operator and the dashboard see it."""

import json
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from api.fleet import Sight, show_fleet
from api.fleet_shown import MOVES_MAX, kind_shown
from contracts.kinds import SourceType
from contracts.table import fleet
from contracts.table.fleet import Move, Shard, Tally, Why, Worker
from tests.api.account import NOW_MS, Aws, Caller

KIND = SourceType.EXTERNAL
SHARDS = {SourceType.EXTERNAL: 64, SourceType.GOOGLE_SHEET: 8}
SERVICES = {"external": {"cluster": "c", "service": "s"}}


class Ecs:
    """Answers with one service, or fails as it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def describe_services(self, **request: Any) -> dict[str, Any]:
        """Describe it."""
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"services": self.answer}


def sight(aws: Aws, ecs: Any, **other: Any) -> Sight:
    """See the account's fleet."""
    given = {"services": SERVICES} | other
    return Sight(
        dynamodb=aws.dynamodb, ecs=ecs, tables=aws.tables, shards=SHARDS, now_ms=lambda: NOW_MS + 1_500, **given
    )  # fmt: skip


def test_the_fleet_shows_who_works_who_owns_what_and_what_moved(aws: Aws, caller: Caller):
    """Both kinds, from the strongly read rows that the workers themselves go by."""
    table = aws.tables.fleet
    worker = Worker(
        id="w1",
        beat=3,
        owned=frozenset({5, 21}),
        load=2.5,
        overdue_ms=7,
        overloaded=True,
        tally=Tally(polls=9, failed=2, troubled=1),
        beat_at_ms=NOW_MS,
        started_ms=NOW_MS - 1_000,
        release="r7",
    )
    aws.dynamodb.transact_write_items(**fleet.join(table, KIND, worker))
    aws.dynamodb.update_item(**fleet.renew(table, KIND, worker))
    for number in (21, 5, 6):
        aws.dynamodb.put_item(**fleet.make_shard(table, KIND, number))
    for number in (21, 5):
        aws.dynamodb.update_item(**fleet.claim(table, KIND, Shard(number=number), by="w0", at_ms=NOW_MS + number))
    given = Shard(number=5, owner="w0", epoch=1)
    aws.dynamodb.update_item(**fleet.hand_off(table, KIND, given, to="w1", at_ms=NOW_MS + 900, why=Why.PLAN))
    ecs = Ecs([{"desiredCount": 3, "runningCount": 1, "pendingCount": 2}])

    answer = caller.call(partial(show_fleet, sight=sight(aws, ecs)), "GET /fleet")

    assert answer.json == {
        "at": "2026-11-18T11:06:41.500Z",
        "kinds": {
            "external": {
                "shards": 64,
                "tasks": {"desired": 3, "running": 1, "pending": 2},
                "workers": [
                    {
                        "id": "w1", "state": "UP", "deadBy": None, "release": "r7",
                        "startedAt": "2026-11-18T11:06:39.000Z", "beat": 3,
                        "beatAt": "2026-11-18T11:06:40.000Z", "beatAgeMs": 1_500, "owned": 2, "load": 2.5,
                        "overdueMs": 7,
                        "overloaded": True,
                        "polls": {"polls": 9, "failed": 2, "troubled": 1},
                    }
                ],
                "owners": {"5": "w1", "21": "w0"},
                "epochs": {"5": 2, "21": 1},
                "moves": [
                    {"shard": 5, "at": "2026-11-18T11:06:40.900Z", "why": "plan", "from": "w0", "to": "w1", "epoch": 2},
                    {"shard": 21, "at": "2026-11-18T11:06:40.021Z", "why": "free", "from": None, "to": "w0",
                     "epoch": 1},
                ],
            },
            "googleSheet": {"shards": 8, "tasks": None, "workers": [], "owners": {}, "epochs": {}, "moves": []},
        },
        "google": None,
    }  # fmt: skip
    assert ecs.asked == [{"cluster": "c", "services": ["s"]}]


@pytest.mark.parametrize(
    "failure",
    [
        EndpointConnectionError(endpoint_url="https://ecs"),
        ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeServices"),
        [],
    ],
)
def test_who_owns_what_is_shown_even_if_ecs_does_not_answer(
    aws: Aws, caller: Caller, failure: Any, capsys: pytest.CaptureFixture[str]
):
    """In an incident that is what an operator needs; that the counts are missing stands in the log."""
    answer = caller.call(partial(show_fleet, sight=sight(aws, Ecs(failure))), "GET /fleet")

    assert (answer.status, answer.json["kinds"]["external"]["tasks"]) == (200, None)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line["error"] for line in said if line.get("event") == "tasks_unread"]
    assert told == ([type(failure).__name__] if failure else [])


def test_without_an_image_there_is_no_service_to_ask(aws: Aws, caller: Caller):
    """A first `pulumi up` makes none; the page works all the same."""
    ecs = Ecs(AssertionError("nobody asks"))
    answer = caller.call(partial(show_fleet, sight=sight(aws, ecs, services={})), "GET /fleet")

    assert (answer.status, ecs.asked) == (200, [])


def test_only_the_newest_moves_are_shown():
    """A deploy moves every shard; the page is for the last few."""
    rows = [
        Shard(number=n, owner="w", epoch=1, move=Move(at_ms=NOW_MS + n % 7, why="free", giver=None)) for n in range(99)
    ]
    shown = kind_shown([], [*rows, Shard(number=99)], shards=100, tasks=None, now_ms=NOW_MS)

    moves = shown["moves"]
    assert len(moves) == MOVES_MAX
    assert [move["at"] for move in moves] == sorted((move["at"] for move in moves), reverse=True)
    assert len(shown["owners"]) == 99


def test_a_worker_whose_clock_is_ahead_is_not_of_negative_age():
    """Ages compare two clocks; whoever has not beaten has none."""
    ahead = Worker(id="a", started_ms=NOW_MS, beat=1, beat_at_ms=NOW_MS + 5_000)
    new = Worker(id="b", started_ms=NOW_MS + 1)
    shown = kind_shown([new, ahead], [], shards=1, tasks=None, now_ms=NOW_MS)

    assert [(worker["id"], worker["beatAgeMs"]) for worker in shown["workers"]] == [("a", 0), ("b", None)]
