"""Subscribing, leaving, resuming."""

from typing import Any

import pytest

from contracts.canonical import canonical, digest
from contracts.messages import Message
from contracts.table.connections import SUBSCRIPTIONS_MAX
from contracts.table.values import write_item
from tests.ws.service import OVER, SOURCE, Service
from tests.ws.wire import join
from ws import buckets


def test_a_subscriber_of_a_source_with_data_gets_a_snapshot_at_once(service: Service):
    """`subscribed` says where the source is, the snapshot brings its reader there."""
    service.register()
    service.commit({"n": 1})
    service.connect()

    subscribed, snapshot = service.subscribe(id=7)

    assert subscribed["type"] == "subscribed"
    assert (subscribed["incarnation"], subscribed["version"], subscribed["at"]) == ("i1", 1, service.at_ms)
    assert snapshot["data"] == {"n": 1}
    assert snapshot["hash"] == digest(canonical({"n": 1}))


def test_a_subscriber_of_a_source_without_data_is_told_version_0(service: Service):
    """Its first frame will be a snapshot."""
    service.register()
    service.connect()

    (subscribed,) = service.subscribe()
    service.consume(service.commit({"n": 1}))

    assert subscribed["version"] == 0
    assert [frame["type"] for frame in service.post.take("one")] == ["snapshot"]


def test_sheet_id_is_another_name_of_source_id(service: Service):
    """The specification's tables call a source so."""
    service.register()
    service.connect()

    assert service.ask(action="subscribe", sheetId=SOURCE)[0]["type"] == "subscribed"


def test_a_position_that_is_current_gets_no_document(service: Service):
    """A reader who reconnects to a quiet source costs one small frame."""
    service.register()
    service.commit({"n": 1})
    service.connect()

    assert [frame["type"] for frame in service.subscribe(position=["i1", 1])] == ["subscribed"]


def test_a_position_that_is_behind_gets_the_steps_it_missed(service: Service):
    """All of them in one frame."""
    service.register()
    for number in range(4):
        service.commit({"n": number})
    service.connect()

    _, patch = service.subscribe(position=["i1", 2])

    assert (patch["type"], patch["base"], patch["version"]) == ("patch", 2, 4)
    assert [version for version, _ in patch["steps"]] == [3, 4]
    assert patch["at"] == service.at_ms


@pytest.mark.parametrize("position", [["other", 2], ["i1", 0]], ids=["another incarnation", "no document"])
def test_a_position_that_no_step_starts_from_gets_a_snapshot(service: Service, position: list[object]):
    """Versions of two histories do not compare."""
    service.register()
    for number in range(3):
        service.commit({"n": number})
    service.connect()

    assert service.subscribe(position=position)[1]["type"] == "snapshot"


def test_a_step_that_was_not_kept_makes_it_a_snapshot(service: Service):
    """A patch with a hole would be a wrong document."""
    service.register()
    service.commit({"n": 1})
    service.commit({"n": 2}, keep_step=False)
    service.commit({"n": 3})
    service.connect()

    assert service.subscribe(position=["i1", 1])[1]["type"] == "snapshot"


def test_steps_of_an_earlier_history_are_never_sent(service: Service):
    """Rows of an old incarnation stay under the same numbers until they expire."""
    service.register()
    for number in range(5):
        service.commit({"old": number})
    service.restart(incarnation="i2")
    service.commit({"new": 1})
    service.commit({"new": 2})
    service.connect()

    _, patch = service.subscribe(position=["i2", 1])

    assert patch["steps"] == [[2, [{"op": "replace", "path": "/new", "value": 2}]]]


def test_more_than_300_missed_versions_are_a_snapshot(service: Service):
    """Reading and applying so many steps costs more than the document."""
    service.register()
    for number in range(303):
        service.commit({"n": number})
    service.connect()

    assert service.subscribe(position=["i1", 2])[1]["type"] == "snapshot"
    assert service.subscribe(position=["i1", 3])[1]["type"] == "patch"


def test_steps_larger_than_the_document_and_than_a_frame_are_a_snapshot(service: Service):
    """The document is the smaller way to say the same."""
    service.register()
    service.commit({"text": ""})
    for letter in "abcd":
        service.commit({"text": letter * 20_000})
    service.connect()

    assert service.subscribe(position=["i1", 1])[1]["type"] == "snapshot"


def test_steps_that_are_too_large_are_not_read_to_their_end(service: Service):
    """300 of them may be more than the process has memory for: what lies beyond the bound is not even looked at."""
    service.register()
    service.commit({"text": ""})
    for letter in "abcd":
        service.commit({"text": letter * 20_000})
    last = service.item(service.world.tables.changes, sheetId=SOURCE, version=5)
    service.world.dynamodb.put_item(
        TableName=service.world.tables.changes, Item=write_item(last | {"ops": b"no step at all"})
    )
    service.connect()

    assert service.subscribe(position=["i1", 1])[1]["type"] == "snapshot"


def test_a_position_ahead_of_the_source_is_reset(service: Service):
    """A restored table is behind its readers, and a snapshot of a lower version would be taken for an old one."""
    service.register()
    service.commit({"n": 1})
    service.connect()

    _, reset = service.subscribe(position=["i1", 9])

    assert reset == {"type": "reset", "sourceId": SOURCE, "why": "history"}


def test_subscribing_twice_changes_the_mode_and_keeps_one_row(service: Service):
    """A client may ask again at any time, for instance after a lost answer."""
    service.register()
    service.commit({"n": 1})
    service.subscriber("one")

    service.subscribe(mode="full", accept=["gzip"])
    service.consume(service.commit({"n": 2}))

    assert [frame["type"] for frame in service.post.take("one")] == ["snapshot"]
    assert service.subscribers() == [(f"{SOURCE}#0", "one")]
    assert service.cursor()["count"] == 1


def test_a_connection_follows_at_most_128_sources(service: Service):
    """And hears which one was too many; one resume of many cannot get around it."""
    for number in range(SUBSCRIPTIONS_MAX + 1):
        service.register(f"external-{number}")
    service.connect()
    names = [f"external-{number}" for number in range(SUBSCRIPTIONS_MAX + 1)]
    service.subscribe(source_id=names[0])

    answers = service.ask(action="resume", positions={name: ["i1", 0] for name in names[1:]})

    assert len([frame for frame in answers if frame["type"] == "subscribed"]) == SUBSCRIPTIONS_MAX - 1
    assert [frame["sourceId"] for frame in answers if frame.get("code") == "too_many"] == [names[-1]]


def test_who_unsubscribes_hears_no_more(service: Service):
    """Both rows go; leaving twice is no error."""
    service.register()
    service.subscriber("one")

    assert service.ask(action="unsubscribe", sourceId=SOURCE) == []
    assert service.ask(action="unsubscribe", sourceId=SOURCE) == []

    service.consume(service.commit({"n": 1}))
    assert service.post.take("one") == []
    assert service.subscribers() == []
    assert service.connection_rows() == [(OVER, "one"), ("one", "#"), ("who#ada", "one")]


def test_resume_on_a_new_connection_subscribes_and_replays_many_sources(service: Service):
    """One frame after a reconnect: each source says for itself how it goes on."""
    for name in ("a", "b", "c"):
        service.register(name)
        service.commit({"n": 1}, name)
    service.commit({"n": 2}, "b")
    service.connect("new")

    positions = {"a": ["i1", 1], "b": ["i1", 1], "c": ["old", 4], "gone": ["i1", 1]}
    answers = service.ask("new", action="resume", positions=positions, id=1)

    assert [(frame["sourceId"], frame["type"]) for frame in answers] == [
        ("a", "subscribed"),
        ("b", "subscribed"), ("b", "patch"),
        ("c", "subscribed"), ("c", "snapshot"),
        ("gone", "error"),
    ]  # fmt: skip
    assert service.subscribers() == [("a#0", "new"), ("b#0", "new"), ("c#0", "new")]


def test_resume_that_names_no_mode_keeps_the_one_there_is(service: Service):
    """On the same connection a gap is resumed, not renegotiated."""
    service.register()
    service.commit({"n": 1})
    service.subscriber("one", mode="full")

    service.ask(action="resume", positions={SOURCE: ["i1", 1]})
    service.consume(service.commit({"n": 2}))

    assert [frame["type"] for frame in service.post.take("one")] == ["snapshot"]


def test_resume_takes_mode_and_accept_for_a_new_connection(service: Service):
    """Else every reconnect would cost a client its compression."""
    service.register()
    service.commit({"rows": ["a" * 100] * 100})
    service.connect()

    _, snapshot = service.ask(action="resume", positions={SOURCE: ["old", 1]}, mode="full", accept=["gzip"])

    assert snapshot["encoding"] == "gzip+base64"


def test_a_commit_between_row_and_position_is_never_lost(service: Service):
    """The fan-out of that commit may have read the subscribers before or after the row: the reader has it both ways."""
    service.register()
    service.commit({"n": 1})
    service.connect()
    put = service.world.dynamodb.put_item
    news: list[Message] = []

    def put_then_commit(**request: Any) -> object:
        made = put(**request)
        if request["TableName"] == service.world.tables.subscribers and not news:
            news.append(service.commit({"n": 2}))
            service.consume(news[0])
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.world.dynamodb, "put_item", put_then_commit)
        frames = service.subscribe()

    assert [(frame["type"], frame["version"]) for frame in frames if frame["type"] != "subscribed"][-1] == (
        "snapshot", 2,
    )  # fmt: skip


def test_a_source_deleted_while_it_is_subscribed_to_leaves_no_rows(service: Service):
    """Its fan-out has passed already: nobody else would find them."""
    service.register()
    service.connect()
    service.world.dynamodb.delete_item(
        TableName=service.world.tables.sheets_data, Key={"id": {"S": SOURCE}}
    )  # the head goes with the source

    (answer,) = service.subscribe()

    assert answer["code"] == "unknown_source"
    assert service.subscribers() == []
    assert service.connection_rows() == [(OVER, "one"), ("one", "#"), ("who#ada", "one")]


@pytest.mark.parametrize("accept", [[], ["gzip"], ["chunk"], ["gzip", "chunk"]])
@pytest.mark.parametrize("rows", [10, 3_000, 60_000], ids=["small", "middle", "5 MB"])
def test_a_snapshot_of_any_size_arrives_as_the_reader_can_take_it(service: Service, accept: list[str], rows: int):
    """Whole, compressed, in chunks, or as the address to fetch it from; never more than a message or frame may hold."""
    document = {
        "rows": [{"id": number, "name": f"näme {number * 7919 % rows}", "n": "x" * 40} for number in range(rows)]
    }
    service.register()
    service.commit(document)
    service.connect()

    _, *frames = service.subscribe(accept=accept)

    answer = join(frames)
    if answer["type"] == "ref":
        assert "chunk" not in accept
        assert answer["url"] == f"/datasources/{SOURCE}/data"
        assert answer["bytes"] == len(canonical(document))
        assert answer["hash"] == digest(canonical(document))
    else:
        assert answer["data"] == document


def test_a_missing_body_is_a_reset_that_the_reader_answers_by_asking_again(service: Service):
    """The source's owner puts it back; until then the reader asks later each time."""
    service.register()
    service.commit({"n": 1})
    for row in service.rows(service.world.tables.sheets_data):
        if row["id"] != SOURCE:
            service.world.dynamodb.delete_item(TableName=service.world.tables.sheets_data, Key={"id": {"S": row["id"]}})
    service.connect()

    _, reset = service.subscribe()

    assert reset["why"] == "gap"


def test_our_own_trouble_is_a_temporary_error(service: Service):
    """The client tries again by itself."""
    service.register()
    service.connect()
    service.with_world(tables=service.world.tables.__class__(connections="no such table"))

    (answer,) = service.subscribe(id=3)

    assert (answer["code"], answer["temporary"], answer["id"]) == ("unavailable", True, 3)
    assert answer["sourceId"] == SOURCE


def test_an_audience_that_only_reconnects_opens_no_bucket_after_bucket(service: Service):
    """Buckets are never closed, and each change has a job for every one: who comes takes the place of who left."""
    service.register()
    service.with_world(bucket_subscribers_max=5)
    present = [service.subscriber(f"first-{number}") for number in range(12)]

    for number in range(200):
        service.event("$disconnect", present.pop(0))
        present.append(service.subscriber(f"again-{number}"))

    assert len(service.subscribers()) == 12
    assert buckets.count(service.world, SOURCE) <= 5
