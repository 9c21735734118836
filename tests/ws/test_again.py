"""A record that failed comes again, in its group's order, and soon: a subscriber waits a moment's trouble, no more."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from contracts.messages import Message
from tests.ws.service import SOURCE, Service
from ws.records import AGAIN_AFTER_S

OTHER, THIRD = "external-00000002", "external-00000003"


class Queue:
    """The queue's client: notes for how long messages are hidden, or refuses to hide them otherwise."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.hidden_s: dict[int, int] = {}
        self.refuses: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        """Do all else as it is done."""
        return getattr(self._inner, name)

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803 - AWS's names
        """Hide a message that was received for so long."""
        assert QueueUrl.endswith("changes.fifo")
        if self.refuses:
            raise self.refuses
        self.hidden_s[int(ReceiptHandle[1:])] = VisibilityTimeout


@pytest.fixture
def queue(service: Service) -> Queue:
    """Give the queue's client to a service with three sources, each with a subscriber."""
    given = Queue(service.world.sqs)
    service.with_world(sqs=cast("Any", given))
    for source_id in (SOURCE, OTHER, THIRD):
        service.register(source_id)
        service.subscriber(f"of-{source_id}", source_id)
    return given


def failing(service: Service, *source_ids: str, patch: pytest.MonkeyPatch) -> None:
    """Have DynamoDB refuse to read the heads of sources for want of capacity."""
    get = service.world.dynamodb.get_item

    def throttled(**request: Any) -> object:
        if request["Key"].get("id", {}).get("S") in source_ids:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "GetItem")
        return get(**request)

    patch.setattr(service.world.dynamodb, "get_item", throttled)


def told(service: Service, source_id: str) -> list[int]:
    """Say which versions a source's subscriber was told of."""
    return [frame["version"] for frame in service.post.take(f"of-{source_id}")]


def test_behind_a_failure_nothing_of_its_group_is_served_and_other_groups_are(
    service: Service, queue: Queue, monkeypatch: pytest.MonkeyPatch
):
    """Order is a group's: one source's trouble is not another's."""
    batch = [service.commit({"n": 1}, one) for one in (SOURCE, OTHER, THIRD)]
    batch.append(service.commit({"n": 2}, OTHER))
    failing(service, OTHER, patch=monkeypatch)

    assert service.consume(*batch) == [1, 3]

    assert (told(service, SOURCE), told(service, OTHER), told(service, THIRD)) == ([1], [], [1])
    assert queue.hidden_s.keys() == {1, 3}
    monkeypatch.undo()
    assert service.consume(batch[1], batch[3]) == []
    assert told(service, OTHER) == [2]


def test_what_failed_slowly_leaves_no_time_for_others(service: Service, queue: Queue, monkeypatch: pytest.MonkeyPatch):
    """Where a table hangs for one it hangs for all: an invocation that is cut gives back also what it had told."""
    batch: list[Message] = [service.commit({"n": 1}, one) for one in (SOURCE, OTHER, THIRD)]
    failing(service, SOURCE, patch=monkeypatch)

    assert service.consume(*batch, left_ms=[14_000, 4_999, 4_999]) == [0, 1, 2]

    assert service.post.take(f"of-{THIRD}") == []
    assert queue.hidden_s == dict.fromkeys(range(3), AGAIN_AFTER_S[0])


@pytest.mark.parametrize("receives", [2, len(AGAIN_AFTER_S) + 1])
def test_who_was_kept_waiting_comes_before_what_failed(
    service: Service, queue: Queue, monkeypatch: pytest.MonkeyPatch, receives: int
):
    """Else it came in one batch with that each time, was never tried, and became a dead letter all the same."""
    batch: list[Message] = [service.commit({"n": 1}, one) for one in (SOURCE, OTHER)]
    failing(service, SOURCE, patch=monkeypatch)

    assert service.consume(*batch, left_ms=[14_000, 4_999], receives=receives) == [0, 1]

    assert queue.hidden_s[1] == AGAIN_AFTER_S[0]
    assert queue.hidden_s.get(0) == (AGAIN_AFTER_S[1] if receives == 2 else None)


@pytest.mark.parametrize(("receives", "after_s"), [*enumerate([*AGAIN_AFTER_S, None], 1)])
def test_each_time_it_fails_it_comes_a_little_later(
    service: Service, queue: Queue, monkeypatch: pytest.MonkeyPatch, receives: int, after_s: int | None
):
    """A throttle lasts a second, an outage minutes: then the queue's own time-out is soon enough."""
    batch = [service.commit({"n": 1}), service.commit({"n": 2})]
    failing(service, SOURCE, patch=monkeypatch)

    assert service.consume(*batch, receives=receives) == [0, 1]

    # All of a group alike: while one of it is hidden, SQS gives none of it.
    assert queue.hidden_s == ({} if after_s is None else {0: after_s, 1: after_s})
    assert list(AGAIN_AFTER_S) == sorted(AGAIN_AFTER_S)


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ChangeMessageVisibility"), "AccessDenied"),
        (ReadTimeoutError(endpoint_url="https://sqs"), "ReadTimeoutError"),
    ],
    ids=["refused", "lost"],
)
def test_a_queue_that_does_not_hasten_gives_it_again_all_the_same(
    service: Service, queue: Queue, monkeypatch: pytest.MonkeyPatch, refuses: Exception, said: str
):
    """Only later, which the log says; what was told in the batch stays told."""
    queue.refuses = refuses
    batch = [service.commit({"n": 1}), service.commit({"n": 1}, OTHER)]
    failing(service, OTHER, patch=monkeypatch)

    assert service.consume(*batch) == [1]

    assert told(service, SOURCE) == [1]
    assert said in service.line["not_soon"]


def test_a_batch_without_a_failure_asks_the_queue_nothing_more(service: Service, queue: Queue):
    """Nearly all of them."""
    assert service.consume(service.commit({"n": 1}), service.commit({"n": 1}, OTHER)) == []
    assert (queue.hidden_s, service.line["not_soon"]) == ({}, None)
