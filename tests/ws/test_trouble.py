"""The Lambda meets trouble at every single one of its calls to AWS while it tells of changes; SQS gives it again."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from contracts.messages import Message
from contracts.steps import apply
from tests.ws.deliveries import Inline, Killed
from tests.ws.service import Service

#: As often `stack/queue.py` lets a message be given; the stack's program is not imported here.
RECEIVES_MAX = 10
CLIENTS = ("a", "b", "c")
POISON = "{nonsense"

type Call = Callable[..., Any]
type Trouble = Callable[[str, Call, dict[str, Any]], Any]


def throttled(name: str, _: Call, __: dict[str, Any]) -> Any:
    """Be refused for want of capacity, however often the SDK asked."""
    raise ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}, name)


def lost(_: str, __: Call, ___: dict[str, Any]) -> Any:
    """Get no answer to what never arrived."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def unanswered(_: str, call: Call, request: dict[str, Any]) -> Any:
    """Get no answer to what was done."""
    call(**request)
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def die_before(_: str, __: Call, ___: dict[str, Any]) -> Any:
    """Be killed before the call."""
    raise Killed


def die_after(_: str, call: Call, request: dict[str, Any]) -> Any:
    """Be killed after the call."""
    call(**request)
    raise Killed


class Fickle:
    """A client of AWS whose nth call meets a trouble; what it shares with others is the list of all calls."""

    def __init__(self, inner: Any, calls: list[str], at: int, trouble: Trouble) -> None:
        self._inner, self._calls, self._at, self._trouble = inner, calls, at, trouble

    def __getattr__(self, name: str) -> Any:
        """Give a call that is counted."""
        call = getattr(self._inner, name)

        def counted(**request: Any) -> Any:
            self._calls.append(name)
            return self._trouble(name, call, request) if len(self._calls) == self._at else call(**request)

        return counted


def lives(at: int = 0, trouble: Trouble = lost) -> list[str]:
    """Tell three clients of three changes, poison before the last, with a trouble at one call; give all calls."""
    with mock_aws():
        service = Service(Inline())
        service.register()
        service.consume(service.commit({"n": 0}))
        for name in CLIENTS:
            service.subscriber(name)
        held: dict[str, tuple[int, Any]] = dict.fromkeys(CLIENTS, (1, {"n": 0}))
        calls: list[str] = []
        steady = service.world
        fickle = {name: cast("Any", Fickle(getattr(steady, name), calls, at, trouble)) for name in ("dynamodb", "sqs")}
        for documents, first in ([{"n": 1}, {"n": 2}], []), ([{"n": 3}], [POISON]):
            batch: list[Message | str] = [*first, *map(service.commit, documents)]
            service.with_world(**fickle)
            tell(service, batch)
            service.with_world(dynamodb=steady.dynamodb, sqs=steady.sqs)
            held = {name: follow(service, name, *position) for name, position in held.items()}

        assert held == dict.fromkeys(CLIENTS, (4, {"n": 3}))
        assert service.cursor()["version"] == 4
        assert service.queued(dead=True) == [POISON]
        assert [name for _, name in service.subscribers()] == list(CLIENTS)
    return calls


def tell(service: Service, messages: Sequence[Message | str]) -> None:
    """Hand a batch over as SQS does, until nothing of it comes back."""
    for receives in range(1, RECEIVES_MAX + 1):
        try:
            messages = [messages[place] for place in service.consume(*messages, receives=receives)]
        except Killed:
            continue  # all of it comes again
        if not messages:
            return
    raise AssertionError(f"{messages} would be dead letters")


def follow(service: Service, name: str, version: int, document: Any) -> tuple[int, Any]:
    """Apply what came by the client's rule; a gap would be a base above what it holds."""
    for frame in service.post.take(name):
        assert frame["base"] <= version, "a gap"
        for reached, step in frame["steps"]:
            if reached > version:
                version, document = reached, apply(step, document)
    return version, document


@pytest.mark.parametrize("trouble", [throttled, lost, unanswered, die_before, die_after])
def test_any_call_of_a_pass_may_fail(trouble: Trouble):
    """Nobody misses a version, the poison is parked once and alone, and no message of ours becomes a dead letter."""
    calls = lives()
    assert {"get_item", "query", "update_item", "send_message"} <= set(calls)

    for at, name in enumerate(calls, 1):
        try:
            lives(at, trouble)
        except AssertionError as error:
            raise AssertionError(f"{trouble.__name__} at call {at} ({name}): {error}") from error
