"""From the queue to every subscriber."""

import json
from dataclasses import replace
from typing import Any

import pytest

from contracts.messages import Kind, Message
from contracts.table import subscribers
from contracts.table.connections import CONNECTION_TTL_S
from tests.ws.service import HANDFUL, NOW_MS, OVER, SOURCE, Service
from ws.fan_out import GIVE_UP_MAX
from ws.news import HOPS_MAX


def test_a_change_reaches_every_subscriber_as_a_patch(service: Service):
    """One step for each, and the cursor remembers how far everyone is and how many they are."""
    service.register()
    service.consume(service.commit({"n": 1}))
    for name in ("one", "two"):
        service.subscriber(name)

    service.consume(service.commit({"n": 2}))

    for name in ("one", "two"):
        (patch,) = service.post.take(name)
        assert (patch["type"], patch["base"], patch["version"]) == ("patch", 1, 2)
        assert patch["steps"] == [[2, [{"op": "replace", "path": "/n", "value": 2}]]]
    cursor = service.cursor()
    assert (cursor["incarnation"], cursor["version"], cursor["count"]) == ("i1", 2, 2)


def test_a_first_pass_over_a_new_audience_sends_patches(service: Service):
    """Nobody has served the bucket, but its readers took their snapshots when they came."""
    service.register()
    service.commit({"n": 1})
    service.subscriber()

    service.consume(service.commit({"n": 2}))

    assert [frame["type"] for frame in service.post.take("one")] == ["patch"]


def test_full_mode_gets_the_document_at_every_change(service: Service):
    """The simplest of clients needs to know nothing of steps."""
    service.register()
    service.commit({"n": 1})
    service.subscriber(mode="full")

    service.consume(service.commit({"n": 2}))

    (snapshot,) = service.post.take("one")
    assert snapshot["data"] == {"n": 2}


def test_queued_changes_become_one_pass_at_the_newest_version(service: Service):
    """A source quicker than its audience costs one frame per pass, not one per version."""
    service.register()
    service.consume(service.commit({"n": 0}))
    service.subscriber()
    messages = [service.commit({"n": number}) for number in range(1, 6)]

    assert service.consume(*messages) == []

    (patch,) = service.post.take("one")
    assert (patch["base"], patch["version"]) == (1, 6)
    assert len(patch["steps"]) == 5


class Asked:
    """The tables; counts what they are asked."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.times = 0

    def __getattr__(self, verb: str) -> Any:
        self.times += 1
        return getattr(self._inner, verb)


def test_a_backlog_of_changes_costs_a_batch_one_look(service: Service):
    """The queue holds a message per version: nine of ten ask the tables nothing, of any bucket, and each is logged."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    service.consume(service.commit({"n": 0}))
    for number in range(3):
        service.subscriber(f"c{number}")
    messages = [service.commit({"n": number}) for number in range(1, 11)]
    tables = Asked(service.world.dynamodb)
    service.with_world(dynamodb=tables)

    service.consume(messages[0])
    once, tables.times = tables.times, 0
    service.consume(*messages[1:])

    assert 0 < tables.times < once
    assert [each["version"] for each in service.line["news"]] == list(range(3, 12))
    service.drain()
    assert [service.post.take(f"c{number}")[-1]["version"] for number in range(3)] == [11, 11, 11]


def test_what_comes_between_two_changes_has_the_second_looked_at_too(service: Service):
    """It may have undone what the first of them told, as a source's end does."""
    service.register()
    service.subscriber()
    first, second = service.commit({"n": 1}), service.commit({"n": 2})
    status = replace(first, kind=Kind.STATUS)
    service.consume(first)
    tables = Asked(service.world.dynamodb)
    service.with_world(dynamodb=tables)

    def asked(*messages: Message) -> int:
        tables.times = 0
        service.consume(*messages)
        return tables.times

    assert asked(first, second) == asked(first)
    assert asked(first, status, second) > asked(first, status)


def test_a_message_delivered_twice_posts_once(service: Service):
    """SQS delivers at least once."""
    service.register()
    service.subscriber()
    message = service.commit({"n": 1})

    service.consume(message, message)
    service.consume(message)

    assert len(service.post.take("one")) == 1


def test_another_history_comes_as_a_snapshot(service: Service):
    """Patches of it would only make every reader ask."""
    service.register()
    service.consume(service.commit({"n": 1}))
    service.subscriber()
    service.restart(incarnation="i2")
    service.commit({"n": 9})

    service.consume(service.commit({"n": 10}))

    (snapshot,) = service.post.take("one")
    assert (snapshot["incarnation"], snapshot["version"], snapshot["data"]) == ("i2", 2, {"n": 10})


def test_each_reader_gets_the_form_it_accepts(service: Service):
    """A form is written once, however many readers share it."""
    service.register()
    service.consume(service.commit({"rows": []}))
    service.subscriber("plain")
    service.subscriber("gzip", accept=["gzip"])

    service.consume(service.commit({"rows": ["x" * 100] * 100}))

    assert "steps" in service.post.take("plain")[0]
    assert service.post.take("gzip")[0]["encoding"] == "gzip+base64"


def test_gone_connections_lose_all_their_rows_and_no_others(service: Service):
    """Of both tables and of every source; the two public samples delete the wrong row or none."""
    service.register()
    service.register("other")
    for name in ("dead", "living"):
        service.subscribe(service.subscriber(name), "other")
    service.post.open.remove("dead")

    assert service.consume(service.commit({"n": 1})) == []

    assert service.subscribers() == [(f"{SOURCE}#0", "living"), ("other#0", "living")]
    assert service.connection_rows() == [
        (OVER, "living"),
        ("living", "#"),
        ("living", SOURCE),
        ("living", "other"),
        ("who#ada", "living"),
    ]
    assert len(service.post.take("living")) == 1
    assert service.cursor()["count"] == 1


def test_an_orphan_row_goes_although_nothing_else_names_it(service: Service):
    """A subscribe that died after its first write left it."""
    service.register()
    service.subscriber()
    for name in ("#", SOURCE):
        key = {"connectionId": {"S": "one"}, "sheetId": {"S": name}}
        service.world.dynamodb.delete_item(TableName=service.world.tables.connections, Key=key)
    service.post.open.clear()

    service.consume(service.commit({"n": 1}))

    assert service.subscribers() == []


def test_who_cannot_be_served_is_cut_and_the_record_succeeds(service: Service):
    """Its reconnect brings it what it missed; one bad connection is nobody else's trouble."""
    service.register()
    for name in ("bad", "good"):
        service.subscriber(name)
    service.post.failing.add("bad")

    assert service.consume(service.commit({"n": 1})) == []

    assert service.post.open == {"good"}
    assert service.subscribers() == [(f"{SOURCE}#0", "good")]
    assert len(service.post.take("good")) == 1


@pytest.mark.parametrize("others", [[], ["good"]])
def test_who_can_be_neither_served_nor_cut_is_given_up_to_the_sweep(service: Service, others: list[str]):
    """It must not hold its source's news: no pass meets it again, and the minute cuts it as soon as that works."""
    service.register()
    for name in ("stuck", *others):
        service.subscriber(name)
    service.post.stuck.add("stuck")

    assert service.consume(service.commit({"n": 1})) == []
    assert service.subscribers() == [(f"{SOURCE}#0", name) for name in others]
    assert service.cursor()["count"] == len(others)
    assert service.sweep()["stuck"] == 1
    service.post.stuck.clear()
    assert service.sweep()["cut"] == 1

    assert service.post.open == set(others)
    assert "stuck" not in str(service.connection_rows())


def test_a_gateway_that_serves_nobody_fails_the_record_and_keeps_all_rows(service: Service):
    """Then nobody's rows are to blame: the pass is done again, and who had the frame drops its double."""
    service.register()
    names = [service.subscriber(f"c{number:02}") for number in range(GIVE_UP_MAX + 1)]
    service.post.stuck |= set(names)
    message = service.commit({"n": 1})

    assert service.consume(message) == [0]
    service.post.stuck.clear()
    assert service.consume(message) == []

    assert [len(service.post.take(name)) for name in names] == [1] * len(names)
    assert service.cursor()["count"] == len(names)


def test_an_ended_right_gets_no_data_and_is_cut(service: Service):
    """At the very next update."""
    service.register()
    service.subscribe(service.connect(expiry=NOW_MS + 1_000))
    service.at_ms += 1_000

    service.consume(service.commit({"n": 1}))

    assert service.post.take("one") == []
    assert service.post.open == set()
    assert service.connection_rows() == []


def test_rows_past_their_ttl_are_never_posted_to(service: Service):
    """DynamoDB deletes them up to two days late."""
    service.register()
    service.subscriber()
    service.at_ms += CONNECTION_TTL_S * 1_000

    service.consume(service.commit({"n": 1}))

    assert service.post.take("one") == []
    assert service.cursor()["count"] == 0


def test_a_full_bucket_opens_the_next_and_each_is_told_by_a_message_of_its_own(service: Service):
    """So the audience of one source spreads over as many invocations as it needs."""
    service.with_world(bucket_subscribers_max=2)
    service.register()
    service.consume(service.commit({"n": 1}))
    for number in range(5):
        service.subscriber(f"c{number}")
    assert service.subscribers() == [
        (f"{SOURCE}#0", "c0"), (f"{SOURCE}#0", "c1"),
        (f"{SOURCE}#1", "c2"), (f"{SOURCE}#1", "c3"),
        (f"{SOURCE}#2", "c4"),
    ]  # fmt: skip

    service.consume(service.commit({"n": 2}))
    told_inline = set(service.post.posted) & {"c0", "c1"}
    queued = service.queued()
    service.consume(*queued)

    assert told_inline == {"c0", "c1"}
    assert [json.loads(body)["bucket"] for body in queued] == [1, 2]
    assert {json.loads(body)["kind"] for body in queued} == {"fan_out"}
    assert [len(service.post.take(f"c{number}")) for number in range(5)] == [1, 1, 1, 1, 1]
    assert [service.cursor(bucket=bucket)["count"] for bucket in range(3)] == [2, 2, 1]


def test_however_fast_a_source_changes_one_job_waits_for_each_bucket(service: Service):
    """What waits sees the newest state when it begins; a job for each version would only find nothing to tell."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    service.consume(service.commit({"n": 0}))
    for number in range(2):  # one bucket each, and a third one is open
        service.subscriber(f"c{number}")
    for number in range(1, 11):
        service.consume(service.commit({"n": number}))
    waiting = service.queued()
    assert [json.loads(body)["bucket"] for body in waiting] == [1, 2]

    service.consume(waiting[0])
    service.consume(service.commit({"n": 11}))
    again = service.queued()
    assert [json.loads(body)["bucket"] for body in again] == [1]
    service.consume(waiting[1], *again)

    assert [service.cursor(bucket=bucket)["version"] for bucket in range(3)] == [12, 12, 12]
    assert [service.post.take(f"c{number}")[-1]["version"] for number in range(2)] == [12, 12]


def test_a_message_that_comes_again_queues_its_jobs_again(service: Service):
    """The Lambda may have died between noting a job and sending it."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    for number in range(2):
        service.subscriber(f"c{number}")
    message = service.commit({"n": 1})
    request = subscribers.note_job(
        service.world.tables.subscribers, SOURCE, 1, version=message.version, now_ms=service.at_ms
    )
    service.world.dynamodb.update_item(**request)
    service.consume(message, receives=2)
    assert [json.loads(body)["bucket"] for body in service.queued()] == [1, 2]


def test_a_job_that_was_noted_and_lost_is_queued_again_after_a_while(service: Service):
    """Whoever empties the queue by hand must not silence a bucket for ever."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    for number in range(2):
        service.subscriber(f"c{number}")
    service.consume(service.commit({"n": 1}))
    assert len(service.queued()) == 2
    service.consume(service.commit({"n": 2}))
    assert service.queued() == []
    service.at_ms += subscribers.JOB_LOST_AFTER_MS + 1
    service.consume(service.commit({"n": 3}))
    service.drain()
    assert service.cursor(bucket=1)["version"] == 3


def test_out_of_time_a_pass_saves_its_place_and_the_next_invocation_goes_on(service: Service):
    """Everyone is told once, and the cursor moves when all were told."""
    service.register()
    names = [f"c{number:03}" for number in range(HANDFUL * 2 + 1)]
    for name in names:
        service.subscriber(name)
    message = service.commit({"n": 1})

    service.consume(message, left_ms=[14_000, *[14_000] * 4, 4_999])
    told = [name for name in names if service.post.posted[name]]
    (rest,) = service.queued()

    assert told == names[: HANDFUL * 2]
    assert "version" not in service.cursor()
    assert json.loads(rest)["from"] == told[-1]

    service.consume(rest)

    assert [len(service.post.take(name)) for name in names] == [1] * len(names)
    assert service.cursor()["version"] == 1
    assert service.cursor()["count"] == len(names)


def test_who_is_told_again_behind_one_for_whom_there_was_no_time_is_counted_once(service: Service):
    """The pass goes on before that one; an audience is as large as it is."""
    service.register()
    names = [f"c{number:03}" for number in range(HANDFUL * 2 + 1)]
    for name in names:
        service.subscriber(name)
    service.post.late.add(names[10])

    service.consume(service.commit({"n": 1}))
    service.post.late.clear()
    service.drain()

    assert {frame["version"] for name in names for frame in service.post.take(name)} == {1}
    assert service.cursor()["count"] == len(names)


def test_a_source_that_moves_on_during_a_saved_pass_leaves_nobody_behind(service: Service):
    """The rest is told the newest state; the cursor only the one that the first were told, so they are told next."""
    service.register()
    service.consume(service.commit({"n": 0}))
    names = [f"c{number:03}" for number in range(HANDFUL + 1)]
    for name in names:
        service.subscriber(name)
        service.post.take(name)
    service.consume(service.commit({"n": 1}), left_ms=[14_000, *[14_000] * 2, 4_999])
    (rest,) = service.queued()
    newer = service.commit({"n": 2})

    service.consume(rest)
    assert service.cursor()["version"] == 2
    service.consume(newer)

    first, last = service.post.take(names[0]), service.post.take(names[-1])
    assert [(frame["base"], frame["version"]) for frame in first] == [(1, 2), (2, 3)]
    assert [(frame["base"], frame["version"]) for frame in last] == [(1, 3), (2, 3)]


def test_the_rest_of_a_pass_is_dropped_when_a_later_pass_told_everyone(service: Service):
    """It would only say again what all know."""
    service.register()
    names = [f"c{number:03}" for number in range(HANDFUL + 1)]
    for name in names:
        service.subscriber(name)
    service.consume(service.commit({"n": 1}), left_ms=[14_000, *[14_000] * 2, 4_999])
    (rest,) = service.queued()
    service.consume(service.commit({"n": 2}))
    posts = service.post.posts

    service.consume(rest)

    assert service.post.posts == posts
    assert service.cursor()["version"] == 2


def test_a_message_that_finds_no_time_is_queued_again_whole(service: Service):
    """A batch shares one invocation; returned as failed it would be counted as one."""
    service.register()
    service.subscriber()
    message = service.commit({"n": 1})
    service.left_ms = 4_999

    assert service.consume(message) == []
    service.left_ms = 14_000
    service.drain()

    assert len(service.post.take("one")) == 1


def test_going_round_in_circles_ends_in_the_dead_letter_queue(service: Service):
    """Somebody must look at it."""
    service.register()
    endless = replace(service.message(Kind.CHANGE), hops=HOPS_MAX + 1)

    assert service.consume(endless) == []

    assert service.queued(dead=True) == [endless.encode()]


@pytest.mark.parametrize("poison", ["", "{}", "[]", '{"v": 2}', '{"v": 1, "kind": "gossip"}'])
def test_a_poisoned_record_is_parked_alone(service: Service, poison: str):
    """Its followers are served in the same invocation; returned as failed it would drag them along each time."""
    service.register()
    service.subscriber()

    assert service.consume(poison or "?", service.commit({"n": 1})) == []

    assert service.queued(dead=True) == [poison or "?"]
    assert len(service.post.take("one")) == 1


def test_a_status_reaches_everyone_of_every_bucket(service: Service):
    """As it is now, whatever it was when the message was sent."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    for name in ("one", "two"):
        service.subscriber(name)
        service.post.take(name)

    service.consume(service.message(Kind.STATUS))
    service.drain()

    for name in ("one", "two"):
        (status,) = service.post.take(name)
        assert status == {
            "type": "status", "sourceId": SOURCE, "state": "healthy", "why": "", "since": NOW_MS, "at": NOW_MS,
        }  # fmt: skip


def test_a_deleted_source_says_so_and_leaves_no_rows(service: Service):
    """Subscriptions, buckets and cursors go; the connections stay open."""
    service.with_world(bucket_subscribers_max=1)
    service.register()
    for name in ("one", "two"):
        service.subscriber(name)

    service.consume(service.remove())
    service.drain()

    for name in ("one", "two"):
        assert service.post.take(name)[-1] == {"type": "reset", "sourceId": SOURCE, "why": "deleted"}
    assert {row["connectionId"] for row in service.rows(service.world.tables.subscribers)} <= {"#"}
    assert [row for row in service.connection_rows() if row[1] == SOURCE] == []


def test_a_change_of_a_source_that_is_gone_is_dropped(service: Service):
    """Its own message says that it was deleted."""
    service.register()
    service.subscriber()
    late = service.commit({"n": 1})
    service.remove()

    assert service.consume(late) == []
    assert service.post.take("one") == []
