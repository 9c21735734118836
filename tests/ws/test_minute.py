"""The minute's call: nobody stays longer than what let them in, and nobody is left behind."""

from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.clock import MINUTE_MS
from contracts.messages import Kind, Message
from contracts.table import revocations
from contracts.table.connections import CONNECTION_TTL_S
from contracts.table.revocations import LATE_MS
from tests.ws.service import NOW_MS, SOURCE, Service
from ws import handler, lagging, minute
from ws.lagging import LATE_AFTER_MS
from ws.news import HOPS_MAX

AN_HOUR_MS = 60 * MINUTE_MS


def connect(service: Service, name: str, expires_ms: int) -> None:
    """Let somebody in until then."""
    service.event("$connect", name, authorizer={"principal": name, "scopes": "read", "expiry": str(expires_ms)})
    service.post.open.add(name)


def names(service: Service) -> set[str]:
    """Who is still written down."""
    return {connection for connection, row in service.connection_rows() if row == "#"}


def revoke(service: Service, principal: str) -> None:
    """Do what `make token revoke` does to who is connected."""
    table = service.world.tables.connections
    service.world.dynamodb.put_item(**revocations.revoke(table, principal, now_ms=service.at_ms))


@pytest.mark.parametrize("ended_ms", [NOW_MS, NOW_MS - 1, NOW_MS - MINUTE_MS, NOW_MS - 2 * MINUTE_MS])
def test_a_connection_whose_right_ended_is_cut_and_forgotten(service: Service, ended_ms: int):
    """In this very minute too, or it would live up to two; the others stay, and no row of the cut one does."""
    connect(service, "ended", ended_ms)
    connect(service, "stays", NOW_MS + 1)

    assert service.sweep()["cut"] == 1
    assert names(service) == {"stays"}
    assert service.post.open == {"stays"}
    assert "ended" not in str(service.connection_rows())


def test_a_renewed_right_is_respected(service: Service):
    """The row under the old minute is only a hint; the connection's own row decides."""
    connect(service, "renewed", NOW_MS - 2 * MINUTE_MS)
    connect(service, "renewed", NOW_MS + AN_HOUR_MS)

    line = service.sweep()

    assert (line["cut"], line["living"]) == (0, 1)
    assert names(service) == {"renewed"}
    assert service.sweep()["living"] == 0


def test_a_connection_that_vanished_without_a_goodbye_leaves_no_row_when_its_time_is_over(service: Service):
    """Nobody posts to a quiet source, so no post finds it gone."""
    service.register()
    service.subscriber()
    service.post.open.clear()

    service.at_ms += CONNECTION_TTL_S * 1_000 - 1_000
    assert service.sweep()["cut"] == 0
    service.at_ms += 1_000
    assert service.sweep()["cut"] == 1

    assert service.subscribers() == []
    assert {row[0] for row in service.connection_rows()} == {"swept#"}


def test_a_sweep_that_did_not_come_for_hours_leaves_nothing_behind(service: Service):
    """It goes on where the last one was, however long ago."""
    connect(service, "ended", NOW_MS + 10 * MINUTE_MS)
    service.sweep()
    service.at_ms += AN_HOUR_MS

    assert service.sweep()["cut"] == 1


def test_a_sweep_stops_before_its_invocation_does(service: Service):
    """What it did not reach the next minute will."""
    connect(service, "ended", NOW_MS - 2 * MINUTE_MS)

    assert service.sweep(time_left_ms=100)["unfinished"] is True
    assert names(service) == {"ended"}
    service.at_ms += 9 * MINUTE_MS
    assert service.sweep()["cut"] == 1


def test_buckets_that_lag_do_not_take_the_time_of_rights_that_ended(service: Service):
    """After an hour of trouble there is one for each source; half of the invocation is for those who must go."""
    connect(service, "ended", NOW_MS - 2 * MINUTE_MS)
    service.register()
    service.commit({"n": 1})
    late(service)
    service.queued()
    left_ms = chain([11_000], repeat(7_900))

    _, line = handler.serve(service.world, {"minute": ""}, lambda: next(left_ms))

    assert (line["cut"], line["lagging"], line["unfinished"]) == (1, 0, True)
    assert service.sweep()["lagging"] == 1


def late_and_one_unreadable(service: Service, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Let three buckets lag, the first of which cannot be looked at; gives the sources of the others."""
    unreadable, *others = [f"external-0000000{number}" for number in range(2)] + [SOURCE]
    for source_id in [*others, unreadable]:
        service.register(source_id)
        service.commit({"n": 1}, source_id)
    for source_id in [*others, unreadable]:
        late(service, source_id=source_id)
    service.at_ms += LATE_AFTER_MS
    service.queued()
    get = service.world.dynamodb.get_item

    def throttled(**request: Any) -> object:
        if request["Key"].get("id") == {"S": unreadable}:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "GetItem")
        return get(**request)

    monkeypatch.setattr(service.world.dynamodb, "get_item", throttled)
    return set(others)


def test_a_bucket_that_cannot_be_looked_at_keeps_nobody(service: Service, monkeypatch: pytest.MonkeyPatch):
    """Neither other buckets, nor those who must go; and its trouble is told, by an invocation that fails."""
    connect(service, "ended", NOW_MS)
    others = late_and_one_unreadable(service, monkeypatch)

    with pytest.raises(ExceptionGroup, match="could not be looked at") as raised:
        service.sweep()

    assert raised.group_contains(ClientError)
    assert names(service) == set()
    assert {Message.decode(body).source_id for body in service.queued()} == others


def test_that_one_could_not_be_looked_at_is_told_also_where_time_ran_out(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    """An alarm that needs a sweep with time to spare would be silent in every outage."""
    connect(service, "ended", NOW_MS)
    late_and_one_unreadable(service, monkeypatch)
    monkeypatch.setattr(minute, "AT_ONCE_MAX", 1)
    left_ms = chain([11_000, 11_000], repeat(7_900))

    with pytest.raises(ExceptionGroup):
        handler.serve(service.world, {"minute": ""}, lambda: next(left_ms))

    assert names(service) == set()
    assert service.queued() == []


def test_a_connection_that_cannot_be_cut_is_tried_again_as_long_as_it_can_live(service: Service):
    """Its rows are gone, so that no pass meets it; one row remembers it."""
    connect(service, "stuck", NOW_MS - 2 * MINUTE_MS)
    service.post.stuck.add("stuck")

    for _ in range(3):
        assert service.sweep()["stuck"] == 1
        service.at_ms += 30 * MINUTE_MS
    service.post.stuck.clear()

    assert service.sweep()["cut"] == 1
    assert service.post.open == set()
    assert {row[0] for row in service.connection_rows()} == {"swept#"}


def test_a_revoked_right_gets_no_data_at_the_next_update_and_is_cut_within_the_minute(service: Service):
    """Everything that its principal opened, and nobody else's; who comes later comes with something else."""
    service.register()
    service.subscriber("one")
    service.subscribe(service.connect("other", principal="eve"))
    revoke(service, "ada")
    service.at_ms += 1_000

    service.consume(service.commit({"n": 1}))
    assert service.post.take("one") == []
    assert len(service.post.take("other")) == 1
    assert service.post.open == {"other"}

    service.at_ms += LATE_MS + 1
    service.subscriber("one again")
    assert service.sweep()["cut"] == 0
    service.consume(service.commit({"n": 2}))
    assert len(service.post.take("one again")) == 1


def test_a_revoked_right_of_a_quiet_source_is_cut_by_the_sweep(service: Service):
    """And a handshake that was under way when it was revoked is no way around it."""
    service.register()
    service.subscriber("one")
    revoke(service, "ada")
    service.at_ms += 30_000
    service.connect("late")

    (answer,) = service.subscribe("late")
    assert answer["code"] == "forbidden"
    assert service.sweep()["cut"] == 2
    assert service.post.open == set()
    assert service.subscribers() == []


def late(service: Service, **fields: Any) -> None:
    """Let a message come for the second time, and fail again."""
    message = replace(service.message(Kind.CHANGE), **fields)
    get = service.world.dynamodb.get_item

    def broken(**request: Any) -> object:
        if request["TableName"] == service.world.tables.sheets_data:
            raise RuntimeError("out of order")
        return get(**request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.world.dynamodb, "get_item", broken)
        assert service.consume(message, receives=2) == [0]


def test_a_bucket_whose_message_was_lost_is_queued_again_until_it_was_told(service: Service):
    """Each of a large audience; and a bucket that was told meanwhile is let go of."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    names = [service.subscriber(f"c{number}") for number in range(2)]
    service.commit({"n": 1})
    late(service)
    service.queued()

    assert (service.sweep()["lagging"], service.queued()) == (3, [])
    service.at_ms += MINUTE_MS
    assert service.sweep()["requeued"] == 3
    service.drain()

    assert [len(service.post.take(name)) for name in names] == [1, 1]
    assert service.sweep()["lagging"] == 0
    assert not [row for row in service.connection_rows() if row[0] == "late#"]


def test_a_message_that_succeeds_at_once_writes_no_row_for_the_sweep(service: Service):
    """What costs nothing when all is well can be kept for every message."""
    service.register()
    service.subscriber()
    service.consume(service.commit({"n": 1}))

    assert not [row for row in service.connection_rows() if row[0] == "late#"]
    assert service.sweep()["lagging"] == 0


def test_a_pass_that_never_succeeds_is_not_queued_for_ever(service: Service):
    """Its messages are in the dead-letter queue, and somebody was woken."""
    service.register()
    service.subscriber()
    service.commit({"n": 1})
    requeued = 0
    for _ in range(lagging.TRIES_MAX + 5):
        late(service)
        service.at_ms += MINUTE_MS
        requeued += service.sweep()["requeued"]
        service.queued()

    assert requeued == lagging.TRIES_MAX


def test_a_message_parked_for_going_round_in_circles_is_begun_anew(service: Service):
    """Its audience must not stay behind because somebody has to look at it."""
    service.register()
    service.subscriber()
    endless = replace(service.commit({"n": 1}), hops=HOPS_MAX + 1)
    service.consume(endless)
    service.at_ms += MINUTE_MS

    assert service.sweep()["requeued"] == 1
    service.drain()

    assert len(service.post.take("one")) == 1


def test_subscribers_of_a_source_whose_last_message_was_lost_still_hear_that_it_is_gone(service: Service):
    """Nothing else would ever tell them."""
    service.register()
    service.consume(service.commit({"n": 1}))
    service.subscriber()
    message = service.remove()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.world.sqs, "send_message", None)
        patch.setattr(service.world.dynamodb, "query", None)
        assert service.consume(message, receives=3) == [0]
    service.at_ms += MINUTE_MS

    assert service.sweep()["requeued"] == 1
    service.drain()

    assert service.post.take("one")[-1] == {"type": "reset", "sourceId": SOURCE, "why": "deleted"}
    assert service.sweep()["lagging"] == 0
